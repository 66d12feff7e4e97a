"""What a SIP message says about the end of a call: Q.850 cause (RFC 3326), Retry-After (RFC 3261, 20.33)."""

from __future__ import annotations

import re
from dataclasses import dataclass

_Q850 = re.compile(r"q\.850\s*(?:;[^,]*?)?;\s*cause\s*=\s*(\d{1,3})", re.IGNORECASE)
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_TEXT = re.compile(r'text\s*=\s*"((?:[^"\\]|\\.)*)"', re.IGNORECASE)
_RETRY_AFTER = re.compile(r"^\s*(\d{1,9})")
_Q850_MAX = 127


@dataclass(frozen=True, slots=True)
class EndCause:
    """Cause of a leg's end as far as the message tells."""

    q850: int | None = None
    text: str = ""
    retry_after_s: int | None = None


def headers(message: str) -> list[tuple[str, str]]:
    """Return (lower-case name, value) of each header line, folded lines joined; the body is left out."""
    head = re.split(r"\r?\n\r?\n", message, maxsplit=1)[0]
    unfolded = re.sub(r"\r?\n[ \t]+", " ", head)
    found = []
    for line in re.split(r"\r?\n", unfolded)[1:]:
        name, colon, value = line.partition(":")
        if colon:
            found.append((name.strip().lower(), value.strip()))
    return found


def header(message: str, name: str) -> str | None:
    """Return the first value of a header, or None."""
    return next((value for key, value in headers(message) if key == name.lower()), None)


_REQUEST_USER = re.compile(r"INVITE\s+sips?:([^@;>\s]+)@", re.IGNORECASE)


def called_user(message: str) -> str:
    """Return the user part of an INVITE's request URI: the number that was called; empty when it has none."""
    found = _REQUEST_USER.match(message)
    return found[1] if found else ""


def end_cause(message: str) -> EndCause:
    """Read Reason and Retry-After of a raw SIP message; anything unreadable counts as absent."""
    q850: int | None = None
    text = ""
    retry_after_s: int | None = None
    for name, value in headers(message):
        if name == "reason":
            cause = _Q850.search(_QUOTED.sub('""', value))
            if cause and q850 is None and 0 < int(cause[1]) <= _Q850_MAX:
                q850 = int(cause[1])
            said = _TEXT.search(value)
            if said and not text:
                text = said[1][:120]
        elif name == "retry-after":
            seconds = _RETRY_AFTER.match(value)
            if seconds:
                retry_after_s = int(seconds[1])
    return EndCause(q850, text, retry_after_s)
