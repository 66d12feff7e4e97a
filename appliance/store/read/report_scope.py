"""Which attempts a figure is about: campaign, agent, list, trunk, hour, days. The same in a URL, a job and a saved
report, so that a figure can be followed to its rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from appliance.store.models import Attempt, Lead
from appliance.store.read.local_time import LocalClock
from appliance.types import Outcome

NONE = "-"
"""Stands for "no agent" and "no list" where a value is asked for."""

PERIODS = ("today", "yesterday", "last_7_days", "this_week", "last_week", "this_month", "last_month", "all")
FIELDS = ("campaign", "agent", "list", "trunk", "hour", "outcome", "disposition", "measure", "period", "since", "until")
_FIRST = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Scope:
    """Attempts that began in [since, until). `hour`: of the day in `zone`. `outcome` "-": none (yet)."""

    campaign_id: str | None = None
    agent_id: str | None = None
    import_id: str | None = None
    trunk_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    hour: int | None = None
    outcome: str | None = None
    disposition: str | None = None
    zone: str = "UTC"

    def clock(self, now: datetime | None = None) -> LocalClock:
        """The wall clock over the scope's span."""
        latest = now or datetime.now(UTC)
        return LocalClock(ZoneInfo(self.zone), self.since or _FIRST, self.until or latest)

    def conditions(self, db: Session) -> list[ColumnElement[bool]]:
        """SQL conditions on Attempt."""
        found = self.of(Attempt.campaign_id, Attempt.created_at)
        if self.agent_id is not None:
            found.append(_is(Attempt.agent_id, self.agent_id))
        if self.trunk_id is not None:
            found.append(Attempt.trunk_id == self.trunk_id)
        if self.import_id is not None:
            found.append(Attempt.lead_id.in_(select(Lead.id).where(_is(Lead.import_id, self.import_id))))
        if self.hour is not None:
            found.append(self.clock().hour(db, Attempt.created_at) == self.hour)
        if self.outcome is not None:
            found.append(_is(Attempt.outcome, self.outcome))
        if self.disposition is not None:
            found.append(Attempt.disposition == self.disposition)
        return found

    def of(self, campaign: Any, at: Any) -> list[ColumnElement[bool]]:
        """The same for another table's campaign and instant, as far as it has them."""
        found: list[ColumnElement[bool]] = []
        if self.campaign_id is not None:
            found.append(campaign == self.campaign_id)
        if self.since is not None:
            found.append(at >= self.since)
        if self.until is not None:
            found.append(at < self.until)
        return found

    def only(self, **fields: Any) -> Scope:
        return replace(self, **fields)


def _is(column: Any, value: str) -> ColumnElement[bool]:
    found: ColumnElement[bool] = column.is_(None) if value == NONE else column == value
    return found


def scope_of(args: Mapping[str, str], zone: str, now: datetime, *, period: str = "today") -> Scope:
    """Read a scope from plain fields (`FIELDS`); what is no date, hour or word of ours is not looked at.

    Days are those of `zone`; `since` and `until` (YYYY-MM-DD, both included) count without one of `PERIODS`; without
    either it is the `period` given.
    """
    first, last = days_of(args, zone, now, period=period)
    hour = args.get("hour", "")
    outcome = args.get("outcome", "")
    return Scope(
        campaign_id=args.get("campaign") or None, agent_id=args.get("agent") or None,
        import_id=args.get("list") or None, trunk_id=args.get("trunk") or None,
        since=_midnight(first, zone) if first else None,
        until=_midnight(last + timedelta(days=1), zone) if last else None,
        hour=int(hour) if hour.isdecimal() and int(hour) < 24 else None,
        outcome=outcome if outcome == NONE or outcome in set(Outcome) else None,
        disposition=args.get("disposition") or None, zone=zone,
    )  # fmt: skip


def days_of(
    args: Mapping[str, str], zone: str, now: datetime, *, period: str = "today"
) -> tuple[date | None, date | None]:
    """First and last day of a report; None: open."""
    asked = args.get("period", "")
    if asked not in PERIODS:
        first, last = _day(args.get("since")), _day(args.get("until"))
        if first or last:
            return first, last
        asked = period
    today = now.astimezone(ZoneInfo(zone)).date()
    monday, month = today - timedelta(days=today.weekday()), today.replace(day=1)
    match asked:
        case "yesterday":
            return today - timedelta(days=1), today - timedelta(days=1)
        case "last_7_days":
            return today - timedelta(days=6), today
        case "this_week":
            return monday, today
        case "last_week":
            return monday - timedelta(days=7), monday - timedelta(days=1)
        case "this_month":
            return month, today
        case "last_month":
            return (month - timedelta(days=1)).replace(day=1), month - timedelta(days=1)
        case "all":
            return None, None
        case _:
            return today, today


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text or "")
    except ValueError:
        return None


def _midnight(day: date, zone: str) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).astimezone(UTC)
