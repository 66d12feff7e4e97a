"""The audit log, newest first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from appliance.store.db import Store
from appliance.store.models import AuditEntry, User
from appliance.store.read.pages import Page, page_of


@dataclass(frozen=True)
class AuditView:
    """One line of the hash-chained log."""

    id: int
    at: datetime
    actor_id: str
    actor_name: str
    actor_address: str
    action: str
    subject: str
    detail: dict[str, Any]
    hash: str


def search(
    store: Store, *, action: str = "", actor_id: str = "", before: int | None = None, size: int = 100
) -> Page[AuditView]:
    """A page of lines; `action` matches the beginning (`recording.`)."""
    query = select(AuditEntry, User.display_name).outerjoin(User, User.id == AuditEntry.actor_id)
    if action:
        query = query.where(AuditEntry.action.startswith(action, autoescape=True))
    if actor_id:
        query = query.where(AuditEntry.actor_id == actor_id)
    if before is not None:
        query = query.where(AuditEntry.id < before)
    with store.read() as db:
        rows = [
            AuditView(
                id=entry.id, at=entry.at, actor_id=entry.actor_id, actor_name=name or entry.actor_id,
                actor_address=entry.actor_address, action=entry.action, subject=entry.subject,
                detail=dict(entry.detail), hash=entry.hash,
            )
            for entry, name in db.execute(query.order_by(AuditEntry.id.desc()).limit(size + 1))
        ]  # fmt: skip
    return page_of(rows, [str(row.id) for row in rows], size)
