"""The book of standing alerts: what is raised, cleared, acknowledged, snoozed, explained by another, escalated. Pure.

Words: a *step* is a set of sinks; step 0 is told at once, the next ones when a critical alert stays unacknowledged.
A *quiet* alert is written down and shown but rings nowhere: it is snoozed, or the alert that explains it stands
(`caused_by`). One cause, one alarm: an alert that names a possible cause waits `HOLD` for that cause to show itself,
and waits again after the cause is gone, so that its own end can come first.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from appliance.types import Severity

HOLD = timedelta(seconds=6)  # longer than a gateway's ping and a look at the services
LAST_STEP = 2
_WEIGHT = {Severity.INFO: 0, Severity.WARNING: 1, Severity.CRITICAL: 2}


class Happened(StrEnum):
    """Why sinks are told."""

    RAISED = "raised"
    WORSE = "worse"
    CLEARED = "cleared"
    ESCALATED = "escalated"
    REMINDED = "reminded"


@dataclass(frozen=True, kw_only=True)
class Standing:
    """One alert that stands. `told_step` -1: no sink was told yet."""

    key: str
    severity: Severity
    title: str
    text: str
    raised_at: datetime
    data: dict[str, Any] = field(default_factory=dict)
    caused_by: str = ""
    acknowledged_by: str | None = None
    acknowledged_at: datetime | None = None
    snoozed_until: datetime | None = None
    told_step: int = -1
    told_at: datetime | None = None


@dataclass(frozen=True)
class Notice:
    """Tell the sinks of the steps `first` to `last` that this happened."""

    happened: Happened
    alert: Standing
    first: int
    last: int


class AlertBook:
    """The standing alerts by key. Every method returns the notices that follow; time comes in as an argument."""

    def __init__(self, standing: Iterable[Standing] = (), *, escalate_after: timedelta = timedelta(minutes=15)) -> None:
        self._alerts = {alert.key: alert for alert in standing}
        self._held_until: dict[str, datetime] = {}
        self._escalate_after = escalate_after

    def get(self, key: str) -> Standing | None:
        return self._alerts.get(key)

    def standing(self) -> list[Standing]:
        """All, the gravest first, then the oldest."""
        return sorted(self._alerts.values(), key=lambda alert: (-_WEIGHT[alert.severity], alert.raised_at))

    def explained(self, alert: Standing) -> bool:
        """Whether the alert behind this one stands (in a ring of causes nobody is explained by himself)."""
        return bool(alert.caused_by) and alert.caused_by != alert.key and alert.caused_by in self._alerts

    def raise_(self, found: Standing, now: datetime) -> list[Notice]:
        """A trouble is there, or is there still with new figures."""
        known = self._alerts.get(found.key)
        if known is None:
            self._alerts[found.key] = found
            if found.caused_by:
                self._held_until[found.key] = now + HOLD
            return self.tick(now)
        worse = _WEIGHT[found.severity] > _WEIGHT[known.severity]
        self._alerts[found.key] = alert = replace(
            known, severity=found.severity, title=found.title, text=found.text, data=found.data,
            caused_by=found.caused_by,
        )  # fmt: skip
        if not worse or alert.told_step < 0 or self._quiet(alert, now):
            return []
        self._alerts[alert.key] = alert = replace(alert, acknowledged_by=None, acknowledged_at=None, told_at=now)
        return [Notice(Happened.WORSE, alert, 0, alert.told_step)]

    def clear(self, key: str, now: datetime) -> list[Notice]:
        """A trouble is gone; who was told of it is told of its end."""
        alert = self._alerts.pop(key, None)
        self._held_until.pop(key, None)
        if alert is None:
            return []
        for other in self._alerts.values():
            if other.caused_by == key:
                self._held_until[other.key] = now + HOLD
        return [Notice(Happened.CLEARED, alert, 0, alert.told_step)] if alert.told_step >= 0 else []

    def acknowledge(self, key: str, user_id: str, now: datetime) -> bool:
        """Somebody looks after it: it goes no further. False when it does not stand."""
        if key not in self._alerts:
            return False
        self._alerts[key] = replace(self._alerts[key], acknowledged_by=user_id, acknowledged_at=now)
        return True

    def snooze(self, key: str, until: datetime) -> bool:
        """Nothing is told of it until then. False when it does not stand."""
        if key not in self._alerts:
            return False
        self._alerts[key] = replace(self._alerts[key], snoozed_until=until)
        return True

    def tick(self, now: datetime) -> list[Notice]:
        """What time alone brings: held alerts, ends of snoozes, escalations."""
        notices = []
        for alert in list(self._alerts.values()):
            if self._quiet(alert, now):
                continue
            notice = self._due(alert, now)
            if notice is not None:
                self._alerts[alert.key] = notice.alert
                notices.append(notice)
        return notices

    def _quiet(self, alert: Standing, now: datetime) -> bool:
        held = self._held_until.get(alert.key)
        snoozed = alert.snoozed_until is not None and now < alert.snoozed_until
        return snoozed or self.explained(alert) or (held is not None and now < held)

    def _due(self, alert: Standing, now: datetime) -> Notice | None:
        if alert.told_step < 0:
            return Notice(Happened.RAISED, replace(alert, told_step=0, told_at=now, snoozed_until=None), 0, 0)
        if alert.snoozed_until is not None:
            told = replace(alert, snoozed_until=None, told_at=now)
            return Notice(Happened.REMINDED, told, 0, told.told_step)
        unheard = alert.acknowledged_by is None and alert.severity is Severity.CRITICAL
        waited = alert.told_at is None or now - alert.told_at >= self._escalate_after
        if unheard and waited and alert.told_step < LAST_STEP:
            step = alert.told_step + 1
            return Notice(Happened.ESCALATED, replace(alert, told_step=step, told_at=now), step, step)
        return None
