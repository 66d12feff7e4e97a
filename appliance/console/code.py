"""The service code: opens the console once when no password does (docs/adr/0017). Only its hash is kept.

60 bits as twelve letters and digits, scrypt; after five wrong ones each further try waits, twice as long each time.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
import time
from pathlib import Path

_LETTERS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # 32: no 0 O 1 I
_LENGTH = 12
_FREE_FAILURES = 5
_FIRST_WAIT_S, _LONGEST_WAIT_S = 30.0, 3600.0


def _hash(code: str, salt: bytes) -> str:
    normal = "".join(letter for letter in code.upper() if letter in _LETTERS)
    return hashlib.scrypt(normal.encode("ascii"), salt=salt, n=2**14, r=8, p=1).hex()


def _write(path: Path, record: dict[str, object]) -> None:
    fresh = path.with_suffix(".new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as handle:
        json.dump(record, handle)
        handle.flush()
        os.fsync(handle.fileno())
    fresh.replace(path)


def _read(path: Path) -> dict[str, object]:
    try:
        found = json.loads(path.read_text("ascii"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def exists(path: Path) -> bool:
    """Whether there is a code."""
    return bool(_read(path).get("hash"))


def make(path: Path) -> str:
    """Make a new code and return it: the only time that it is seen."""
    code = "".join(secrets.choice(_LETTERS) for _ in range(_LENGTH))
    salt = secrets.token_bytes(16)
    _write(path, {"salt": salt.hex(), "hash": _hash(code, salt), "failures": 0, "last_unix_s": 0})
    return "-".join(code[start : start + 4] for start in range(0, _LENGTH, 4))


def wait_s(path: Path) -> float:
    """How long until the next try is looked at."""
    record = _read(path)
    failures, last = int(str(record.get("failures", 0))), float(str(record.get("last_unix_s", 0)))
    if failures < _FREE_FAILURES:
        return 0.0
    pause_s = min(_FIRST_WAIT_S * 2.0 ** min(failures - _FREE_FAILURES, 10), _LONGEST_WAIT_S)
    return max(0.0, min(pause_s, last + pause_s - time.time()))


def use(path: Path, code: str) -> bool:
    """Whether it is the code; a right one is spent, a wrong one is counted. False while `wait_s` is not over."""
    record = _read(path)
    if not record.get("hash") or wait_s(path) > 0:
        return False
    right = hmac.compare_digest(_hash(code, bytes.fromhex(str(record["salt"]))), str(record["hash"]))
    if right:
        path.unlink(missing_ok=True)
    else:
        _write(path, {**record, "failures": int(str(record.get("failures", 0))) + 1, "last_unix_s": time.time()})
    return right
