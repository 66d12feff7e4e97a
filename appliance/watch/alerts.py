"""Alerts: raise, clear, remember. One key, one standing alert; a cleared one stays as history.

Anyone may tell of a trouble by a `LiveAlert` on the bus (`raised=True/False`); `watch` is the one that writes it down
and the one that answers who has seen it.
"""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from appliance.errors import NotFoundError
from appliance.events import LiveAlert
from appliance.store.models import Alert
from appliance.types import Severity

KEPT_HISTORY = 5000
"""Cleared alerts kept for the record; the oldest go first."""


def apply(session: Session, event: LiveAlert) -> bool:
    """Write one raise or clear; returns whether anything changed (a repeated raise of the same text does not)."""
    at = datetime.fromtimestamp(event.at_unix_s, UTC)
    standing = session.scalars(select(Alert).where(Alert.key == event.key, Alert.cleared_at.is_(None))).first()
    if not event.raised:
        if standing is None:
            return False
        standing.cleared_at = at
        return True
    severity = event.severity if event.severity in set(Severity) else Severity.WARNING
    if standing is None:
        session.add(Alert(key=event.key, severity=severity, title=event.title, text=event.text, raised_at=at,
                          data=event.data))  # fmt: skip
        return True
    if (standing.severity, standing.title, standing.text) == (severity, event.title, event.text):
        return False
    # the same trouble with new figures ("expires in 2 days"): still one alert
    standing.severity, standing.title, standing.text, standing.data = severity, event.title, event.text, event.data
    return True


def standing(session: Session) -> list[Alert]:
    """All alerts that stand, the gravest first."""
    order = {Severity.CRITICAL: 0, Severity.WARNING: 1, Severity.INFO: 2}
    found = session.scalars(select(Alert).where(Alert.cleared_at.is_(None))).all()
    return sorted(found, key=lambda alert: (order.get(Severity(alert.severity), 3), alert.raised_at))


def acknowledge(session: Session, key: str, user_id: str) -> None:
    """Note who has seen a standing alert. Raises NotFoundError when it does not stand."""
    changed = session.execute(
        update(Alert).where(Alert.key == key, Alert.cleared_at.is_(None)).values(acknowledged_by=user_id)
    )
    if not changed.rowcount:  # type: ignore[attr-defined]
        raise NotFoundError("alert.not_standing", f"The alert '{key}' does not stand any more.", key=key)


def prune(session: Session) -> None:
    """Drop the oldest cleared alerts beyond `KEPT_HISTORY`."""
    kept = (
        select(Alert.id).where(Alert.cleared_at.is_not(None)).order_by(Alert.id.desc()).offset(KEPT_HISTORY).limit(1000)
    )
    for alert_id in session.scalars(kept).all():
        session.delete(session.get_one(Alert, alert_id))
