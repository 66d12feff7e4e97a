"""Counts for monitoring: attempts by campaign and outcome, abandoned calls, verdicts of the ear, trunks, alerts."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select

from appliance.store.db import Store
from appliance.store.models import Alert, Attempt, Trunk
from appliance.store.read.measures import count_of


@dataclass(frozen=True)
class Figures:
    """`attempts` (campaign, outcome) of closed ones; `abandoned` campaign -> (abandoned, live answers)."""

    attempts: dict[tuple[str, str], int]
    abandoned: dict[str, tuple[int, int]]
    dialling: dict[str, int]
    channels: dict[str, int]
    alerts: dict[str, int]


def figures(store: Store) -> Figures:
    """Count all of it. Raises StoreError."""
    closed = (
        select(Attempt.campaign_id, Attempt.outcome, count_of("attempts"), count_of("abandoned"), count_of("answered"))
        .where(Attempt.outcome.is_not(None)).group_by(Attempt.campaign_id, Attempt.outcome)
    )  # fmt: skip
    busy = select(Attempt.trunk_id, func.count()).where(Attempt.ended_at.is_(None)).group_by(Attempt.trunk_id)
    standing = select(Alert.severity, func.count()).where(Alert.cleared_at.is_(None)).group_by(Alert.severity)
    attempts: dict[tuple[str, str], int] = {}
    abandoned: dict[str, tuple[int, int]] = {}
    with store.read() as db:
        for campaign_id, outcome, count, lost, answered in db.execute(closed):
            attempts[campaign_id, outcome or ""] = count
            before = abandoned.get(campaign_id, (0, 0))
            abandoned[campaign_id] = (before[0] + int(lost), before[1] + int(answered))
        dialling = {str(name): int(count) for name, count in db.execute(busy)}
        channels = {trunk.id: trunk.channels for trunk in db.scalars(select(Trunk).where(Trunk.enabled))}
        alerts = {str(name): int(count) for name, count in db.execute(standing)}
    return Figures(attempts, abandoned, dialling, channels, alerts)
