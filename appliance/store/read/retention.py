"""Retention rules and what the archive holds."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select

from appliance.store.db import Store
from appliance.store.models import Recording, RetentionRule


@dataclass(frozen=True)
class ArchiveFigures:
    """What is archived now, and how much of it is held."""

    count: int
    size_bytes: int
    held: int


def rules(store: Store) -> dict[str, int]:
    """Days by scope (`default`, `campaign:<id>`, `seat:<id>`)."""
    with store.read() as db:
        return dict(db.execute(select(RetentionRule.scope, RetentionRule.keep_days)).all())


def archive_figures(store: Store) -> ArchiveFigures:
    """Count and size of archived recordings."""
    query = select(
        func.count(),
        func.coalesce(func.sum(Recording.size_bytes), 0),
        func.count().filter(Recording.legal_hold.is_(True)),
    ).where(Recording.state == "archived")
    with store.read() as db:
        count, size_bytes, held = db.execute(query).one()
    return ArchiveFigures(count, size_bytes, held)
