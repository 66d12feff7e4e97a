"""The figures of a report and of the wallboard: one function for both, from rows and never from counters."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Literal

from sqlalchemy import ColumnElement, and_, false, func, select
from sqlalchemy.orm import Session

from appliance.domain.abandoned import AbandonedFigure
from appliance.store.db import Store
from appliance.store.models import Attempt, Campaign, Import, Lead, Trunk, User
from appliance.store.read.abandoned import dropped_share, estimating, figure_of
from appliance.store.read.local_time import day_name, seconds_between
from appliance.store.read.measures import MEASURES, count_of
from appliance.store.read.report_scope import NONE, Scope
from appliance.store.read.working_time import WorkingTime, working_time

Dimension = Literal["", "campaign", "agent", "list", "trunk", "hour", "day"]
DIMENSIONS: tuple[Dimension, ...] = ("day", "hour", "campaign", "agent", "list", "trunk")
_WORKED: dict[Dimension, Literal["", "agent", "hour", "day"]] = {"": "", "agent": "agent", "hour": "hour", "day": "day"}
_NAMES = (
    "attempts", "open", "persons", "connected", "conversations", "rpc", "promises", "answered", "abandoned",
    "without_outcome",
)  # fmt: skip


@dataclass(frozen=True)
class Tally:
    """One line of a report. `key`: what the drill-down asks for; "-" nobody or no list. `work` is None where agents'
    time cannot be divided: they sit in several campaigns at once. Ratios are None without a denominator."""

    key: str = ""
    name: str = ""
    attempts: int = 0
    open: int = 0
    persons: int = 0
    connected: int = 0
    conversations: int = 0
    rpc: int = 0
    promises: int = 0
    without_outcome: int = 0
    talk_s: float = 0.0
    wrap_up_s: float = 0.0
    figure: AbandonedFigure = field(default_factory=AbandonedFigure)
    work: WorkingTime | None = None

    @property
    def connect_rate(self) -> float | None:
        return _share(self.persons, self.attempts)

    @property
    def contact_rate(self) -> float | None:
        return _share(self.conversations, self.attempts)

    @property
    def rpc_rate(self) -> float | None:
        return _share(self.rpc, self.attempts)

    @property
    def promise_rate(self) -> float | None:
        return _share(self.promises, self.rpc)

    @property
    def abandoned(self) -> int:
        return self.figure.abandoned

    @property
    def abandoned_share(self) -> float | None:
        return self.figure.share if self.figure.people or self.figure.dropped else None

    @property
    def utilisation(self) -> float | None:
        return self.work.utilisation if self.work else None

    @property
    def staffed_s(self) -> float | None:
        return self.work.staffed_s if self.work else None

    @property
    def talk_share(self) -> float | None:
        return self.work.talk_share if self.work else None


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def tally(store: Store, scope: Scope, *, now: datetime) -> Tally:
    """All attempts of the scope in one line."""
    return tallies(store, scope, now=now)[0]


def whole(db: Session, scope: Scope) -> Tally:
    """The same within a transaction, without the agents' time."""
    return _counted(db, scope, "", datetime.now(UTC), {})[0]


def tallies(store: Store, scope: Scope, *, now: datetime, by: Dimension = "") -> list[Tally]:
    """The attempts of the scope by one of their sides, most first (hours and days in order); without `by` one line."""
    with store.read() as db:
        worked = working_time(db, scope, now=now, by=_WORKED[by]) if by in _WORKED else {}
        found = _counted(db, scope, by, now, worked)
        if by == "":
            return found
        names = _names(db, by)
    named = [_named(one, by, names) for one in found]
    if by in ("hour", "day"):
        return sorted(named, key=lambda one: (len(one.key), one.key))
    return sorted(named, key=lambda one: (-one.attempts, one.name))


def _counted(db: Session, scope: Scope, by: Dimension, now: datetime, worked: dict[Any, WorkingTime]) -> list[Tally]:
    side = _side(db, scope, by, now)
    estimated = estimating(db, scope.campaign_id)
    machine = and_(MEASURES["taken_for_machine"], Attempt.campaign_id.in_(estimated)) if estimated else false()
    columns: list[Any] = [count_of(name) for name in _NAMES]
    columns += [
        func.count().filter(machine),
        func.coalesce(func.sum(seconds_between(db, Attempt.bridged_at, Attempt.ended_at)), 0.0),
        func.coalesce(func.sum(seconds_between(db, Attempt.ended_at, Attempt.disposed_at)), 0.0),
    ]
    query = select(*([side] if side is not None else []), *columns).where(*scope.conditions(db))
    if by == "list":
        query = query.outerjoin(Lead, Lead.id == Attempt.lead_id)
    if side is not None:
        query = query.group_by(side)
    rows = [tuple(row) if side is not None else (None, *row) for row in db.execute(query)]
    rate = dropped_share(db) if any(row[-3] for row in rows) else 0.0
    lines = {
        row[0]: _line(row, rate, worked.get(row[0], WorkingTime()) if by in _WORKED else None) for row in rows
    }
    for key in worked.keys() - lines.keys():  # was there, and nothing was dialled
        lines[key] = Tally(key="" if key is None else str(key), work=worked[key])
    return list(lines.values())


def _line(row: tuple[Any, ...], rate: float, work: WorkingTime | None) -> Tally:
    key, *figures = row
    *numbers, machines, talk_s, wrap_up_s = figures
    counts = dict(zip(_NAMES, map(int, numbers), strict=True))
    abandoned = figure_of(counts, machines=int(machines), rate=rate)
    kept: dict[str, Any] = {name: value for name, value in counts.items() if name not in ("answered", "abandoned")}
    return Tally(
        key=NONE if key is None else str(key), talk_s=float(talk_s), wrap_up_s=max(0.0, float(wrap_up_s)),
        figure=abandoned, work=work, **kept,
    )  # fmt: skip


def _side(db: Session, scope: Scope, by: Dimension, now: datetime) -> ColumnElement[Any] | None:
    match by:
        case "campaign":
            return Attempt.campaign_id.expression
        case "agent":
            return func.coalesce(Attempt.agent_id, NONE)  # by the plain column SQLite would walk its whole index
        case "trunk":
            return Attempt.trunk_id.expression
        case "list":
            return Lead.import_id.expression
        case "hour":
            return scope.clock(now).hour(db, Attempt.created_at)
        case "day":
            return scope.clock(now).day(db, Attempt.created_at)
    return None


def _names(db: Session, by: Dimension) -> dict[str, str]:
    match by:
        case "campaign":
            query = select(Campaign.id, Campaign.name)
        case "agent":
            query = select(User.id, func.coalesce(func.nullif(User.display_name, ""), User.login))
        case "trunk":
            query = select(Trunk.id, func.coalesce(func.nullif(Trunk.display_name, ""), Trunk.id))
        case "list":
            query = select(Import.id, Import.file_name)
        case _:
            return {}
    return {row[0]: row[1] for row in db.execute(query)}


def _named(one: Tally, by: Dimension, names: dict[str, str]) -> Tally:
    match by:
        case "hour":
            return replace(one, name=f"{int(one.key):02}:00")
        case "day":
            day = day_name(int(one.key))
            return replace(one, key=day, name=day)
    return replace(one, name=names.get(one.key, "" if one.key == NONE else one.key))
