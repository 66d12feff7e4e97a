"""Identifiers: time-ordered, opaque, 26 characters (Crockford base 32 of 48 bits of milliseconds + 80 random bits)."""

from __future__ import annotations

import secrets
import time

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]


def new_id() -> str:
    """Return a new identifier; later ones sort after earlier ones to the millisecond."""
    value = (time.time_ns() // 1_000_000 << 80) | secrets.randbits(80)
    return "".join([_PAIRS[(value >> shift) & 1023] for shift in range(120, -1, -10)])
