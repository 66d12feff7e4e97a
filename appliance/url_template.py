"""Addresses with placeholders: `https://crm.example/find?phone={phone}&case={field.合同}`.

Each value is percent-encoded, so that nothing in a customer's name changes where the address leads. A placeholder that
is not known stands for nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlsplit

PLACEHOLDERS = ("phone", "call_id", "contact_id", "lead_id", "external_id", "campaign", "agent", "name")
"""What can be asked for, and `field.<name>` for each field of the customer's record."""

_PLACE = re.compile(r"{(field\.[^{}]{1,80}|[a-z_]{1,20})}")


def problem(template: str, schemes: tuple[str, ...]) -> str:
    """What is wrong with a template, in English; empty: nothing. The part before the path may hold no placeholder."""
    if not template:
        return ""
    scheme, colon, rest = template.partition(":")
    if not colon or scheme not in schemes:
        return f"begin with {' or '.join(f'{one}:' for one in schemes)}"
    if not template.isprintable() or any(sign in template for sign in ' "<>\\'):
        return "no blanks, quotes or brackets"
    if scheme in ("http", "https"):
        try:
            parts = urlsplit(template)
            if not parts.hostname or "{" in parts.netloc or "@" in parts.netloc:
                return "name the server, without a placeholder in its name"
        except ValueError:
            return "this is no address"
    left = _PLACE.sub("", rest)
    unknown = [one for one in _PLACE.findall(rest) if one not in PLACEHOLDERS and not one.startswith("field.")]
    if unknown or "{" in left or "}" in left:
        return f"use only {', '.join('{' + one + '}' for one in PLACEHOLDERS)} and {{field.…}}"
    return ""


def fill(template: str, values: Mapping[str, Any], fields: Mapping[str, Any]) -> str:
    """The address with its values."""

    def value(found: re.Match[str]) -> str:
        name = found[1]
        given = fields.get(name.removeprefix("field.")) if name.startswith("field.") else values.get(name)
        return quote("" if given is None else str(given), safe="")

    return _PLACE.sub(value, template)
