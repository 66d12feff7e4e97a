"""Alerts in the database: one row while it stands, history stays. The rules are `domain.alert_book`."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance.domain.alert_book import Standing
from appliance.store.models import Alert
from appliance.types import Severity

KEPT_HISTORY = 5000
"""Cleared alerts kept for the record; the oldest go first."""


def _row(session: Session, key: str) -> Alert | None:
    return session.scalars(select(Alert).where(Alert.key == key, Alert.cleared_at.is_(None))).first()


def write(session: Session, alert: Standing) -> None:
    """Write a standing alert as it is now."""
    row = _row(session, alert.key)
    if row is None:
        row = Alert(key=alert.key, raised_at=alert.raised_at)
        session.add(row)
    row.severity, row.title, row.text, row.data = alert.severity, alert.title[:200], alert.text, alert.data
    row.caused_by, row.acknowledged_by, row.acknowledged_at = (
        alert.caused_by, alert.acknowledged_by, alert.acknowledged_at,
    )  # fmt: skip
    row.snoozed_until, row.told_step, row.told_at = alert.snoozed_until, alert.told_step, alert.told_at


def write_cleared(session: Session, key: str, at: datetime) -> None:
    """Note that it is over; nothing happens when it does not stand."""
    row = _row(session, key)
    if row is not None:
        row.cleared_at = at


def standing(session: Session) -> list[Standing]:
    """All alerts that stand, the gravest first."""
    order = {Severity.CRITICAL: 0, Severity.WARNING: 1, Severity.INFO: 2}
    rows = session.scalars(select(Alert).where(Alert.cleared_at.is_(None))).all()
    found = [
        Standing(
            key=row.key, severity=Severity(row.severity), title=row.title, text=row.text, raised_at=row.raised_at,
            data=row.data, caused_by=row.caused_by, acknowledged_by=row.acknowledged_by,
            acknowledged_at=row.acknowledged_at, snoozed_until=row.snoozed_until, told_step=row.told_step,
            told_at=row.told_at,
        )
        for row in rows
    ]  # fmt: skip
    return sorted(found, key=lambda alert: (order[alert.severity], alert.raised_at))


def prune(session: Session) -> None:
    """Drop the oldest cleared alerts beyond `KEPT_HISTORY`."""
    kept = (
        select(Alert.id).where(Alert.cleared_at.is_not(None)).order_by(Alert.id.desc()).offset(KEPT_HISTORY).limit(1000)
    )
    for alert_id in session.scalars(kept).all():
        session.delete(session.get_one(Alert, alert_id))
