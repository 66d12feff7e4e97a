"""How long agents were in which state, from the log of their states: what utilisation and talk share are made of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from sqlalchemy import ColumnElement, Select, String, cast, func, literal, select, union_all
from sqlalchemy.orm import Session

from appliance.store.models import AgentStateLog, User
from appliance.store.read.local_time import HOUR_S, LocalClock, seconds_between
from appliance.store.read.report_scope import NONE, Scope
from appliance.types import AgentState

By = Literal["", "agent", "hour", "day"]
_COUNTED: dict[str, str] = {
    AgentState.TALKING: "talk_s", AgentState.WRAP_UP: "wrap_up_s", AgentState.PAUSED: "paused_s",
    AgentState.READY: "ready_s",
}  # fmt: skip
_FIRST = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class WorkingTime:
    """Seconds; `other_s`: on the way to or from a call (reserved, previewing, dialling)."""

    talk_s: float = 0.0
    wrap_up_s: float = 0.0
    ready_s: float = 0.0
    paused_s: float = 0.0
    other_s: float = 0.0

    @property
    def staffed_s(self) -> float:
        """Signed in and not paused."""
        return self.talk_s + self.wrap_up_s + self.ready_s + self.other_s

    @property
    def utilisation(self) -> float | None:
        """(talk + wrap-up) / staffed; None when nobody was there."""
        return (self.talk_s + self.wrap_up_s) / self.staffed_s if self.staffed_s else None

    @property
    def talk_share(self) -> float | None:
        """talk / staffed."""
        return self.talk_s / self.staffed_s if self.staffed_s else None

    def plus(self, other: WorkingTime) -> WorkingTime:
        return WorkingTime(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(WorkingTime)))


def working_time(db: Session, scope: Scope, *, now: datetime, by: By = "") -> dict[Any, WorkingTime]:
    """Return the time by agent id, hour of the day, day since 1970, or in all (key None), within the scope's days.

    Of the scope only the agent, the hour and the days count: agents sit in several campaigns at once. Who is in a state
    now has been so until `now`.
    """
    if scope.agent_id == NONE:
        return {}
    until = min(scope.until, now) if scope.until else now
    clock = scope.clock(now)
    sums: dict[Any, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    steps = _steps(scope, until).subquery()
    if by in ("", "agent") and scope.hour is None:
        whole = select(steps.c.agent_id, steps.c.state, func.sum(seconds_between(db, steps.c.at, steps.c.next_at)))
        for agent_id, state, seconds in db.execute(whole.group_by(steps.c.agent_id, steps.c.state)):
            sums[agent_id if by else None][_COUNTED.get(state, "other_s")] += float(seconds or 0.0)
    else:
        for agent_id, state, hours, seconds in _by_hour(db, steps, clock):
            if scope.hour is None or hours % 24 == scope.hour:
                key = {"agent": agent_id, "hour": hours % 24, "day": hours // 24}.get(by)
                sums[key][_COUNTED.get(state, "other_s")] += seconds
    return {key: WorkingTime(**found) for key, found in sums.items()}


def _steps(scope: Scope, until: datetime) -> Select[Any]:
    """(agent, state, at, next_at) of all states but offline, cut to the scope's days."""
    log, since = AgentStateLog, scope.since or _FIRST
    who = select(User.id).where(User.id == scope.agent_id) if scope.agent_id else select(User.id)
    # the state in which the span finds an agent stands in the last row before it
    before = (
        select(log.state).where(log.agent_id == User.id, log.at < since).order_by(log.at.desc(), log.id.desc()).limit(1)
    ).scalar_subquery()
    found = select(
        User.id.label("agent_id"), literal(since, log.at.type).label("at"), literal(0).label("id"),
        cast(before, String).label("state"),
    ).where(User.id.in_(who))  # fmt: skip
    within = select(log.agent_id, log.at, log.id, log.state).where(
        log.agent_id.in_(who), log.at >= since, log.at < until
    )
    rows = union_all(found, within).subquery()
    order: dict[str, Any] = {"partition_by": rows.c.agent_id, "order_by": (rows.c.at, rows.c.id)}
    next_at = func.coalesce(func.lead(rows.c.at).over(**order), literal(until, log.at.type))
    steps = select(rows.c.agent_id, rows.c.state, rows.c.at, next_at.label("next_at")).subquery()
    return select(steps).where(steps.c.state.is_not(None), steps.c.state != AgentState.OFFLINE.value)


def _by_hour(db: Session, steps: Any, clock: LocalClock) -> Iterator[tuple[str, str, int, float]]:
    """(agent, state, hours since 1970 on the wall, seconds): within an hour summed by the database, else cut here."""
    first, last = clock.hours(db, steps.c.at), clock.hours(db, steps.c.next_at)
    seconds: ColumnElement[Any] = func.sum(seconds_between(db, steps.c.at, steps.c.next_at))
    within = select(steps.c.agent_id, steps.c.state, first, seconds).where(first == last)
    for agent_id, state, hours, found in db.execute(within.group_by(steps.c.agent_id, steps.c.state, first)):
        yield agent_id, state, int(hours), float(found or 0.0)
    over = select(steps.c.agent_id, steps.c.state, steps.c.at, steps.c.next_at).where(first != last)
    for agent_id, state, at, next_at in db.execute(over):
        yield from ((agent_id, state, hours, found) for hours, found in _cut(clock, at, next_at))


def _cut(clock: LocalClock, at: datetime, until: datetime) -> Iterator[tuple[int, float]]:
    while at < until:
        wall_s = clock.wall_s(at)
        end = min(until, at + timedelta(seconds=HOUR_S - wall_s % HOUR_S))
        yield int(wall_s // HOUR_S), (end - at).total_seconds()
        at = end


