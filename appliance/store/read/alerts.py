"""Alerts: those that stand and those that were."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import exists, func, select
from sqlalchemy.orm import aliased

from appliance.store.db import Store
from appliance.store.models import Alert


@dataclass(frozen=True)
class AlertView:
    """One alert; `severity` as types.Severity."""

    id: int
    key: str
    severity: str
    title: str
    text: str
    raised_at: datetime
    cleared_at: datetime | None
    acknowledged_by: str | None
    data: dict[str, Any]
    caused_by: str = ""
    snoozed_until: datetime | None = None
    acknowledged_at: datetime | None = None
    told_step: int = -1
    told_at: datetime | None = None


def _view(alert: Alert) -> AlertView:
    return AlertView(
        id=alert.id, key=alert.key, severity=alert.severity, title=alert.title, text=alert.text,
        raised_at=alert.raised_at, cleared_at=alert.cleared_at, acknowledged_by=alert.acknowledged_by, data=alert.data,
        caused_by=alert.caused_by, snoozed_until=alert.snoozed_until,
        acknowledged_at=alert.acknowledged_at, told_step=alert.told_step, told_at=alert.told_at,
    )  # fmt: skip


def standing(store: Store) -> list[AlertView]:
    """Alerts that are not cleared, newest first."""
    query = select(Alert).where(Alert.cleared_at.is_(None)).order_by(Alert.id.desc())
    with store.read() as db:
        return [_view(alert) for alert in db.scalars(query)]


_CAUSE = aliased(Alert)
_EXPLAINED = exists().where(
    _CAUSE.key == Alert.caused_by, _CAUSE.cleared_at.is_(None), Alert.caused_by != "", Alert.caused_by != Alert.key
)
_STANDING = select(func.count()).where(  # the bell's, on every page: put together once
    Alert.cleared_at.is_(None), Alert.acknowledged_by.is_(None), Alert.snoozed_until.is_(None), ~_EXPLAINED
)


def standing_count(store: Store) -> int:
    """How many alerts stand that nobody has acknowledged or snoozed and that no other one explains."""
    with store.read() as db:
        return db.scalar(_STANDING) or 0


def history(
    store: Store, *, limit: int = 100, severity: str = "", since: datetime | None = None, until: datetime | None = None,
    area: str = "",
) -> list[AlertView]:  # fmt: skip
    """Cleared alerts, newest first; `since` and `until` by when they were raised, `area`: how their keys begin."""
    query = select(Alert).where(Alert.cleared_at.is_not(None)).order_by(Alert.id.desc()).limit(limit)
    if severity:
        query = query.where(Alert.severity == severity)
    if since is not None:
        query = query.where(Alert.raised_at >= since)
    if until is not None:
        query = query.where(Alert.raised_at < until)
    if area:
        query = query.where(Alert.key.startswith(area, autoescape=True))
    with store.read() as db:
        return [_view(alert) for alert in db.scalars(query)]
