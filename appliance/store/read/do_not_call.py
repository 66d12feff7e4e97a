"""The do-not-call list, newest entry first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from appliance.store.db import Store
from appliance.store.models import DoNotCall


@dataclass(frozen=True)
class DoNotCallView:
    """One number that no campaign may dial."""

    number: str
    reason: str
    created_at: datetime


def count(store: Store) -> int:
    """How many numbers stand on the list."""
    with store.read() as db:
        return db.scalar(select(func.count()).select_from(DoNotCall)) or 0


def search(store: Store, digits: str = "", *, limit: int = 100) -> list[DoNotCallView]:
    """The newest `limit` entries whose number holds these digits (other signs are passed over)."""
    wanted = "".join(c for c in digits if c.isdigit())
    query = select(DoNotCall).order_by(DoNotCall.created_at.desc(), DoNotCall.number).limit(limit)
    if wanted:
        query = query.where(DoNotCall.number.contains(wanted))
    with store.read() as db:
        return [DoNotCallView(row.number, row.reason, row.created_at) for row in db.scalars(query)]
