"""The audit log: who did what, in a chain of hashes that shows every later change. This is its one writer.

Each line's hash is SHA-256 over the previous line's hash and the line's canonical JSON, so a line that is changed,
left out or put in breaks the chain from there on. The chain's head (id and hash), written down elsewhere, also shows
lines cut off the end. Personal data is masked before it is written: an audit log is never deleted.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from appliance.logs import mask
from appliance.store.db import Store
from appliance.store.models import AuditEntry

GENESIS = "0" * 64
_PERSONAL_KEYS = frozenset({"number", "phone", "name", "customer", "q"})
_NUMBER = re.compile(r"\+\d{7,15}")
_PAGE = 1000


@dataclass(frozen=True)
class ChainReport:
    """What `verify` found: `broken_at` is the first line that does not fit, None when all do."""

    entries: int
    head_id: int
    head_hash: str
    broken_at: int | None = None
    reason: str = ""


def masked(value: Any, key: str = "") -> Any:
    """Return plain data with telephone numbers and names masked to their last two characters."""
    if isinstance(value, dict):
        return {str(k): masked(v, str(k)) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [masked(item, key) for item in value]
    if isinstance(value, str):
        if key in _PERSONAL_KEYS or key.startswith("pii_"):
            return mask(value)
        return _NUMBER.sub(lambda found: mask(found.group()), value)
    return value


def _hash(previous: str, entry: AuditEntry) -> str:
    line = {
        "id": entry.id, "at": entry.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "actor_id": entry.actor_id, "actor_address": entry.actor_address, "action": entry.action,
        "subject": entry.subject, "detail": entry.detail,
    }  # fmt: skip
    canonical = json.dumps(line, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(f"{previous}\n{canonical}".encode()).hexdigest()


def append(
    session: Session, now: datetime, *, actor_id: str, action: str, subject: str, actor_address: str = "",
    detail: dict[str, Any] | None = None,
) -> AuditEntry:  # fmt: skip
    """Write one line in the caller's write transaction: what is audited and its line stand or fall together."""
    if session.get_bind().dialect.name == "postgresql":  # SQLite's writers are one at a time anyway
        session.execute(text("LOCK TABLE audit_log IN EXCLUSIVE MODE"))
    last = session.scalar(select(AuditEntry).order_by(AuditEntry.id.desc()).limit(1))
    plain = json.loads(json.dumps(masked(detail or {}), default=str))
    entry = AuditEntry(
        id=last.id + 1 if last else 1, at=now, actor_id=actor_id[:40], actor_address=actor_address[:60],
        action=action[:60], subject=_NUMBER.sub(lambda found: mask(found.group()), subject)[:120], detail=plain,
        previous_hash=last.hash if last else GENESIS,
    )  # fmt: skip
    entry.hash = _hash(entry.previous_hash, entry)
    session.add(entry)
    session.flush()
    return entry


def verify(store: Store) -> ChainReport:
    """Walk the whole chain, a page at a time; for `callbox audit verify`."""
    previous, expected_id, count = GENESIS, 1, 0
    while True:
        with store.read() as session:
            query = select(AuditEntry).where(AuditEntry.id >= expected_id).order_by(AuditEntry.id).limit(_PAGE)
            page = list(session.scalars(query))
        for entry in page:
            reason = ""
            if entry.id != expected_id:
                reason = f"line {expected_id} is missing"
            elif entry.previous_hash != previous:
                reason = f"line {entry.id} does not follow the line before it"
            elif entry.hash != _hash(previous, entry):
                reason = f"line {entry.id} was changed after it was written"
            if reason:
                return ChainReport(count, expected_id - 1, previous, broken_at=expected_id, reason=reason)
            previous, expected_id, count = entry.hash, entry.id + 1, count + 1
        if len(page) < _PAGE:
            return ChainReport(count, expected_id - 1, previous)
