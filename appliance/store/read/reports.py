"""Reports: what came of the attempts, computed from attempt rows (never from live counters)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from appliance.store.db import Store
from appliance.store.models import Attempt, Recording, User
from appliance.types import LIVE_OUTCOMES


@dataclass(frozen=True)
class AgentFigures:
    """One agent's conversations."""

    agent_id: str
    name: str
    connected: int
    talk_s: float
    dispositions: dict[str, int]

    @property
    def mean_talk_s(self) -> float | None:
        return self.talk_s / self.connected if self.connected else None


@dataclass(frozen=True)
class Delays:
    """Median and 95th percentile in seconds; None without any."""

    p50: float | None
    p95: float | None
    count: int


@dataclass(frozen=True)
class Report:
    """Figures of the attempts of one campaign or all, of some time or all. Shares are fractions."""

    attempts: int
    numbers: int
    outcomes: dict[str, int]
    live_answers: int
    connected: int
    abandoned: int
    talk_s: float
    dispositions: dict[str, int]
    answer_to_agent: Delays
    recordings: int
    by_hour: list[tuple[int, int, int]]  # hour of the day in the box's zone, attempts, live answers
    agents: list[AgentFigures]

    @property
    def live_share(self) -> float | None:
        return self.live_answers / self.attempts if self.attempts else None

    @property
    def abandoned_share(self) -> float | None:
        """Abandoned of all live answers, as the rules count it."""
        return self.abandoned / self.live_answers if self.live_answers else None


def report(
    store: Store, *, campaign_id: str | None = None, since: datetime | None = None, until: datetime | None = None,
    zone: str = "UTC",
) -> Report:  # fmt: skip
    """Compute the report over ended attempts created in [since, until)."""
    where: list[ColumnElement[bool]] = [Attempt.ended_at.is_not(None)]
    if campaign_id:
        where.append(Attempt.campaign_id == campaign_id)
    if since is not None:
        where.append(Attempt.created_at >= since)
    if until is not None:
        where.append(Attempt.created_at < until)
    with store.read() as db:
        outcomes = _counts(db, Attempt.outcome, where)
        agents = _agents(db, where)
        abandoned, numbers = db.execute(
            select(func.count().filter(Attempt.abandoned.is_(True)), func.count(Attempt.number.distinct())).where(
                *where
            )
        ).one()
        return Report(
            attempts=sum(outcomes.values()), numbers=numbers, outcomes=outcomes,
            live_answers=sum(count for outcome, count in outcomes.items() if outcome in LIVE_OUTCOMES),
            connected=sum(agent.connected for agent in agents), abandoned=abandoned,
            talk_s=sum(agent.talk_s for agent in agents),
            dispositions=_counts(db, Attempt.disposition, [*where, Attempt.disposition != ""]),
            answer_to_agent=_delays(db, where), recordings=_recordings(db, where), by_hour=_hours(db, where, zone),
            agents=agents,
        )  # fmt: skip


def _counts(db: Session, column: InstrumentedAttribute[Any], where: list[ColumnElement[bool]]) -> dict[str, int]:
    rows = db.execute(select(column, func.count()).where(*where).group_by(column).order_by(func.count().desc()))
    return {value or "": count for value, count in rows}


def _recordings(db: Session, where: list[ColumnElement[bool]]) -> int:
    query = select(func.count(Recording.id)).join(Attempt, Attempt.id == Recording.attempt_id).where(*where)
    return db.scalar(query) or 0


def _delays(db: Session, where: list[ColumnElement[bool]]) -> Delays:
    rows = db.execute(
        select(Attempt.answered_at, Attempt.bridged_at).where(
            *where, Attempt.answered_at.is_not(None), Attempt.bridged_at.is_not(None)
        )
    )
    delays = sorted((bridged - answered).total_seconds() for answered, bridged in rows if answered and bridged)
    if not delays:
        return Delays(None, None, 0)
    return Delays(delays[len(delays) // 2], delays[min(len(delays) - 1, int(len(delays) * 0.95))], len(delays))


def _agents(db: Session, where: list[ColumnElement[bool]]) -> list[AgentFigures]:
    names = {user_id: display or login for user_id, display, login in db.execute(
        select(User.id, User.display_name, User.login))}  # fmt: skip
    found: dict[str, AgentFigures] = {}
    rows = db.execute(
        select(Attempt.agent_id, Attempt.bridged_at, Attempt.ended_at, Attempt.disposition).where(
            *where, Attempt.agent_id.is_not(None), Attempt.bridged_at.is_not(None)
        )
    )
    for agent_id, bridged_at, ended_at, disposition in rows:
        if agent_id is None or bridged_at is None or ended_at is None:
            continue
        before = found.get(agent_id) or AgentFigures(agent_id, names.get(agent_id, agent_id), 0, 0.0, {})
        if disposition:
            before.dispositions[disposition] = before.dispositions.get(disposition, 0) + 1
        found[agent_id] = AgentFigures(
            agent_id, before.name, before.connected + 1, before.talk_s + (ended_at - bridged_at).total_seconds(),
            before.dispositions,
        )  # fmt: skip
    return sorted(found.values(), key=lambda agent: -agent.connected)


def _hours(db: Session, where: list[ColumnElement[bool]], zone: str) -> list[tuple[int, int, int]]:
    """Attempts and live answers by hour of the day."""
    local = ZoneInfo(zone)
    attempts, live = [0] * 24, [0] * 24
    for at, outcome in db.execute(select(Attempt.created_at, Attempt.outcome).where(*where)):
        hour = at.astimezone(local).hour
        attempts[hour] += 1
        live[hour] += outcome in LIVE_OUTCOMES
    return list(zip(range(24), attempts, live, strict=True))
