"""Counts for monitoring: attempts by campaign and outcome, abandoned calls, verdicts of the ear, trunks, alerts.

An attempt that has ended is counted once: who scrapes every few seconds has only the newest rows read. The sums live in
the memory of the process that is scraped; a fresh one reads all rows once.
"""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from appliance.store.db import Store
from appliance.store.models import Alert, Attempt, Trunk
from appliance.store.read.measures import count_of

_SETTLED = timedelta(minutes=1)  # a row may be written later than the instant that stands in it
_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Figures:
    """`attempts` (campaign, outcome) of closed ones; `abandoned` campaign -> (abandoned, live answers)."""

    attempts: dict[tuple[str, str], int]
    abandoned: dict[str, tuple[int, int]]
    dialling: dict[str, int]
    channels: dict[str, int]
    alerts: dict[str, int]


@dataclass(frozen=True)
class _Sums:
    """Of attempts that ended before an instant."""

    attempts: Counter[tuple[str, str]] = field(default_factory=Counter)
    abandoned: Counter[str] = field(default_factory=Counter)
    answered: Counter[str] = field(default_factory=Counter)

    def plus(self, more: _Sums) -> _Sums:
        return _Sums(
            self.attempts + more.attempts, self.abandoned + more.abandoned, self.answered + more.answered
        )  # fmt: skip


class Tallier:
    """Counts for one store; safe to ask from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._settled = _Sums()
        self._until = _LONG_AGO

    def figures(self, store: Store, now: datetime) -> Figures:
        """Count all of it. Raises StoreError."""
        busy = select(Attempt.trunk_id, func.count()).where(Attempt.ended_at.is_(None)).group_by(Attempt.trunk_id)
        standing = select(Alert.severity, func.count()).where(Alert.cleared_at.is_(None)).group_by(Alert.severity)
        with self._lock, store.read() as db:
            settled_until = max(self._until, now - _SETTLED)
            settled = self._settled.plus(_ended(db, self._until, settled_until))
            sums = settled.plus(_ended(db, settled_until, now + timedelta(days=1)))
            dialling = {str(name): int(count) for name, count in db.execute(busy)}
            channels = {trunk.id: trunk.channels for trunk in db.scalars(select(Trunk).where(Trunk.enabled))}
            alerts = {str(name): int(count) for name, count in db.execute(standing)}
            self._settled, self._until = settled, settled_until
        campaigns = {campaign for campaign, _outcome in sums.attempts}
        abandoned = {campaign: (sums.abandoned[campaign], sums.answered[campaign]) for campaign in campaigns}
        return Figures(dict(sums.attempts), abandoned, dialling, channels, alerts)


def _ended(db: Session, since: datetime, until: datetime) -> _Sums:
    """Sums of attempts that ended in [since, until): an outcome is written once."""
    counts: Any = (count_of("attempts"), count_of("abandoned"), count_of("answered"))
    query = (
        select(Attempt.campaign_id, Attempt.outcome, *counts)
        .where(Attempt.ended_at >= since, Attempt.ended_at < until, Attempt.outcome.is_not(None))
        .group_by(Attempt.campaign_id, Attempt.outcome)
    )
    found = _Sums()
    for campaign_id, outcome, count, lost, answered in db.execute(query):
        found.attempts[campaign_id, outcome] += int(count)
        found.abandoned[campaign_id] += int(lost)
        found.answered[campaign_id] += int(answered)
    return found
