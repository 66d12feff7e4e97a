"""Cursors of pages: the key of the last row, so written that nobody builds on what is in it."""

from __future__ import annotations

import base64
import binascii

from appliance.errors import ValidationErrors


def write(key: str | None) -> str | None:
    """The cursor after this key."""
    return None if key is None else base64.urlsafe_b64encode(b"1" + key.encode()).decode().rstrip("=")


def read(cursor: str | None, key_name: str = "") -> str | None:
    """The key in a cursor. Raises ValidationErrors for one that is not ours."""
    if cursor is None:
        return None
    try:
        plain = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    except (binascii.Error, ValueError):
        plain = ""
    if not plain.startswith("1") or (key_name == "id" and not plain[1:].isalnum()):
        raise ValidationErrors([("cursor", "request.bad_cursor", "Use the next_cursor of the page before.")])
    return plain[1:]
