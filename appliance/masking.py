"""Takes personal data out of text that leaves the box: telephone numbers, mail addresses, names, `pii_` values.

Dates, IP addresses and ids stay, as they are what a fault is found by. Names in other than Latin letters go whole
(the box's own logs are English); Latin ones go when they are among the known names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_DIGITS_MIN = 7
_KEPT = 2
_TOKENS = re.compile(
    r"""
    (?P<keep>\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?
      |(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?::\d{1,5})?(?![\w.]))
    |(?P<pii>\bpii_\w+=(?:"(?:[^"\\]|\\.)*"|\S*))
    |(?P<mail>[\w.+-]+@[\w-]+(?:\.[\w-]+)+)
    |(?P<phone>(?<![0-9A-Za-z])\+?\(?\d(?:[ ()./-]{0,2}\d){6,}|\d{8,})
    |(?P<foreign>[^\W\d_a-zA-Z](?:[^\W\d_]|[ ·](?=[^\W\d_a-zA-Z]))*)
    |(?P<word>\b[A-Z][A-Za-z'-]+)
    """,
    re.VERBOSE,
)


class Masker:
    """Masks line by line; `names` are people's names as the box knows them (users, contacts)."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._words = {word for name in names for word in re.findall(r"[A-Za-z][A-Za-z'-]+", name) if len(word) > 1}

    def mask(self, text: str) -> str:
        """The text without personal data."""
        return _TOKENS.sub(self._replace, text)

    def _replace(self, found: re.Match[str]) -> str:
        token = found.group()
        match found.lastgroup:
            case "keep":
                return token
            case "pii":
                return token.partition("=")[0] + "=***"
            case "mail":
                return "***@***"
            case "phone":
                digits = re.sub(r"\D", "", token)
                return "*" * (len(digits) - _KEPT) + digits[-_KEPT:] if len(digits) >= _DIGITS_MIN else token
            case "foreign":
                return "***"
        return "***" if token in self._words or token.capitalize() in self._words else token
