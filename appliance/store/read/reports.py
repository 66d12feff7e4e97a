"""The report of a campaign (or of all), computed from attempt rows and never from counters.

Sums are made by the database; only the three waiting times of live answers are fetched, for exact percentiles.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from sqlalchemy import ColumnElement, Select, and_, case, exists, func, or_, select
from sqlalchemy.orm import Session

from appliance.store.db import Store
from appliance.store.models import Attempt, Campaign, Import, Lead, Recording, User
from appliance.store.read.local_time import epoch_s, seconds_between
from appliance.store.read.measures import MEASURES, count_of
from appliance.store.read.report_scope import Scope
from appliance.store.read.tallies import whole
from appliance.types import Disposition

_VERIFIED_STATES = ("archived", "deleted")  # an archive is verified before its spool goes
# of a failed one nothing was ever on the disk; evidence of the ear is no recorded conversation
_there_is = and_(Recording.state != "failed", Recording.kind == "conversation")


@dataclass(frozen=True)
class Spread:
    """Seconds; None when there is nothing to measure."""

    p50: float | None
    p95: float | None
    count: int


@dataclass(frozen=True)
class AgentFigures:
    """One agent's work; `talk_s` from bridge to end, `wrap_up_s` from end to disposition, both in all."""

    agent_id: str
    name: str
    connected: int
    talk_s: float
    wrap_up_s: float
    promises: int
    promised_minor: int


@dataclass(frozen=True)
class HourFigures:
    """Attempts that began in one hour of the clock (`at`, aware, in the zone asked for)."""

    at: datetime
    attempts: int
    live_answers: int
    connected: int
    abandoned: int


@dataclass(frozen=True)
class Promises:
    """Promises to pay in one currency."""

    currency: str
    count: int
    amount_minor: int


@dataclass(frozen=True)
class Report:
    """`dialled` counts distinct numbers. `lost` = closed attempts without an outcome + answered ones without a
    recording (where the campaign records). `double_dialled` counts attempts that began before the number's last one
    had ended. Abandoned is a fraction of the people who answered, as the rule profiles count (domain.abandoned)."""

    campaign_id: str | None
    campaign_name: str
    rows: int
    rejected: int
    duplicates: int
    reasons: dict[str, int]
    attempts: int
    open_attempts: int
    dialled: int
    outcomes: dict[str, int]
    live_answers: int
    connected: int
    abandoned: int
    abandoned_ratio: float
    verdict_s: Spread
    answer_to_agent_s: Spread
    verdict_to_agent_s: Spread
    dispositions: dict[str, int]
    promises: list[Promises]
    agents: list[AgentFigures]
    hours: list[HourFigures]
    recordings_written: int
    recordings_verified: int
    without_outcome: int
    without_recording: int
    double_dialled: int

    @property
    def lost(self) -> int:
        return self.without_outcome + self.without_recording

    @property
    def by_hour(self) -> list[tuple[int, int, int]]:
        """(hour of the day 0-23, attempts, live answers), summed over the days."""
        sums: dict[int, tuple[int, int]] = {}
        for hour in self.hours:
            attempts, live = sums.get(hour.at.hour, (0, 0))
            sums[hour.at.hour] = (attempts + hour.attempts, live + hour.live_answers)
        return [(hour, *figures) for hour, figures in sorted(sums.items())]


def report(
    store: Store, *, campaign_id: str | None = None, since: datetime | None = None, until: datetime | None = None,
    zone: str = "UTC",
) -> Report:  # fmt: skip
    """The figures of attempts that began in [since, until); lists are counted by when they were imported."""
    scope = Scope(campaign_id=campaign_id, since=since, until=until, zone=zone)
    with store.read() as db:
        campaign = db.get(Campaign, campaign_id) if campaign_id else None
        line = whole(db, scope)
        dialled = db.scalar(_attempts(db, scope, func.count(Attempt.number.distinct()))) or 0
        lists = _lists(db, scope)
        verdict, to_agent, after_verdict = _spreads(db, scope)
        written, verified = _recordings(db, scope)
        return Report(
            campaign_id=campaign_id, campaign_name=campaign.name if campaign else "", **lists,
            attempts=line.attempts, open_attempts=line.open, dialled=dialled, outcomes=outcomes(db, scope),
            live_answers=line.persons, connected=line.connected, abandoned=line.abandoned,
            abandoned_ratio=line.figure.share,
            verdict_s=verdict, answer_to_agent_s=to_agent, verdict_to_agent_s=after_verdict,
            dispositions=dispositions(db, scope),
            promises=_promises(db, scope), agents=_agents(db, scope), hours=_hours(db, scope, ZoneInfo(zone)),
            recordings_written=written, recordings_verified=verified, without_outcome=line.without_outcome,
            without_recording=_without_recording(db, scope), double_dialled=_double_dialled(db, scope),
        )  # fmt: skip


@dataclass(frozen=True)
class Details:
    """What a page shows beside the figures."""

    outcomes: dict[str, int]
    dispositions: dict[str, int]
    promises: list[Promises]
    answer_to_agent_s: Spread


def details(store: Store, scope: Scope) -> Details:
    """Outcomes, agents' results, promises by currency, and how long people waited for an agent."""
    with store.read() as db:
        to_agent = seconds_between(db, Attempt.answered_at, Attempt.bridged_at)
        waits = db.scalars(_attempts(db, scope, to_agent).where(MEASURES["persons"], MEASURES["connected"]))
        waited_s = [float(seconds) for seconds in waits if seconds is not None]
        return Details(outcomes(db, scope), dispositions(db, scope), _promises(db, scope), _spread(waited_s))


def _sum(condition: Any) -> ColumnElement[int]:
    return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)


def _attempts(db: Session, scope: Scope, *columns: Any) -> Select[Any]:
    return select(*columns).where(*scope.conditions(db))


def outcomes(db: Session, scope: Scope) -> dict[str, int]:
    """What became of the attempts that have ended, most first."""
    return _counts(db, _attempts(db, scope, Attempt.outcome, func.count()).group_by(Attempt.outcome))


def dispositions(db: Session, scope: Scope) -> dict[str, int]:
    """How conversations ended in the agents' words, most first."""
    said = _attempts(db, scope, Attempt.disposition, func.count()).where(Attempt.disposition != "")
    return _counts(db, said.group_by(Attempt.disposition))


def newest(db: Session) -> datetime | None:
    """When the newest attempt began."""
    return db.scalar(select(func.max(Attempt.created_at)))


def _counts(db: Session, query: Select[Any]) -> dict[str, int]:
    counted = [(key, count) for key, count in db.execute(query) if key]
    return dict(sorted(counted, key=lambda pair: (-pair[1], pair[0])))


def _lists(db: Session, scope: Scope) -> dict[str, Any]:
    """Sums over the imports for good; one that was taken up by another is counted there."""
    found = db.execute(
        select(Import.rows, Import.rejected, Import.duplicates, Import.reasons).where(
            Import.dry_run.is_(False), Import.state.in_(("finished", "running")), *scope.of(
                Import.campaign_id, Import.created_at
            ),
        )
    ).all()  # fmt: skip
    reasons: dict[str, int] = {}
    for row in found:
        for reason, count in row.reasons.items():
            reasons[reason] = reasons.get(reason, 0) + count
    return {
        "rows": sum(row.rows for row in found),
        "rejected": sum(row.rejected for row in found),
        "duplicates": sum(row.duplicates for row in found),
        "reasons": reasons,
    }


def _spreads(db: Session, scope: Scope) -> tuple[Spread, Spread, Spread]:
    """Answer to verdict, answer to agent, verdict to agent; over persons only."""
    answered, verdict, bridged = Attempt.answered_at, Attempt.verdict_at, Attempt.bridged_at
    spans = ((answered, verdict), (answered, bridged), (verdict, bridged))
    rows = db.execute(
        _attempts(db, scope, *(seconds_between(db, *span) for span in spans)).where(MEASURES["persons"])
    ).all()
    found = [[float(seconds) for seconds in column if seconds is not None] for column in zip(*rows, strict=True)]
    return (_spread(found[0]), _spread(found[1]), _spread(found[2])) if found else (_spread([]),) * 3


def _spread(seconds: Sequence[float]) -> Spread:
    if not seconds:
        return Spread(None, None, 0)
    p50, p95 = np.percentile(np.maximum(seconds, 0.0), [50, 95])
    return Spread(round(float(p50), 3), round(float(p95), 3), len(seconds))


def _promises(db: Session, scope: Scope) -> list[Promises]:
    query = (
        _attempts(db, scope, Lead.currency, func.count(), func.coalesce(func.sum(Attempt.promise_amount_minor), 0))
        .join(Lead, Lead.id == Attempt.lead_id)
        .where(Attempt.disposition == Disposition.PROMISE_TO_PAY.value)
        .group_by(Lead.currency)
        .order_by(Lead.currency)
    )
    return [Promises(currency, count, int(amount)) for currency, count, amount in db.execute(query)]


def _agents(db: Session, scope: Scope) -> list[AgentFigures]:
    promised = Attempt.disposition == Disposition.PROMISE_TO_PAY.value
    query = (
        _attempts(
            db, scope, Attempt.agent_id, User.display_name, User.login, func.count(),
            func.coalesce(func.sum(seconds_between(db, Attempt.bridged_at, Attempt.ended_at)), 0.0),
            func.coalesce(func.sum(seconds_between(db, Attempt.ended_at, Attempt.disposed_at)), 0.0),
            _sum(promised),
            func.coalesce(func.sum(case((promised, Attempt.promise_amount_minor), else_=0)), 0),
        )
        .outerjoin(User, User.id == Attempt.agent_id)
        .where(Attempt.agent_id.is_not(None), Attempt.bridged_at.is_not(None))
        .group_by(Attempt.agent_id, User.display_name, User.login)
        .order_by(func.count().desc(), Attempt.agent_id)
    )  # fmt: skip
    return [
        AgentFigures(
            agent_id, display or login or agent_id, connected, round(float(talk_s), 1),
            round(max(0.0, float(wrap_up_s)), 1), promises, int(minor),
        )
        for agent_id, display, login, connected, talk_s, wrap_up_s, promises, minor in db.execute(query)
    ]  # fmt: skip


def _hours(db: Session, scope: Scope, zone: ZoneInfo) -> list[HourFigures]:
    """By quarter of an hour in the database (zones differ by quarters), by hour of the zone here."""
    quarter = epoch_s(db, Attempt.created_at) // 900
    counts = [count_of(name) for name in ("attempts", "persons", "connected", "abandoned")]
    query = _attempts(db, scope, quarter.label("quarter"), *counts).group_by(quarter)
    sums: dict[datetime, list[int]] = {}
    for number, *figures in db.execute(query):
        at = datetime.fromtimestamp(int(number) * 900, UTC).astimezone(zone).replace(minute=0)
        sums[at] = [a + int(b) for a, b in zip(sums.get(at, [0, 0, 0, 0]), figures, strict=True)]
    return [HourFigures(at, *sums[at]) for at in sorted(sums)]


def _recordings(db: Session, scope: Scope) -> tuple[int, int]:
    query = select(func.count(), _sum(Recording.state.in_(_VERIFIED_STATES))).where(
        _there_is, *scope.of(Recording.campaign_id, Recording.started_at)
    )
    written, verified = db.execute(query).one()
    return int(written), int(verified)


def _without_recording(db: Session, scope: Scope) -> int:
    """Closed, answered attempts of recording campaigns for which there is no recording."""
    silent = [
        campaign_id
        for campaign_id, config in db.execute(select(Campaign.id, Campaign.config))
        if config.get("record") is False
    ]
    recorded = exists().where(
        _there_is, or_(Recording.attempt_id == Attempt.id, Recording.conversation_id == Attempt.id)
    )
    query = _attempts(db, scope, func.count()).where(
        Attempt.answered_at.is_not(None), Attempt.ended_at.is_not(None), ~recorded,
        Attempt.campaign_id.not_in(silent),
    )  # fmt: skip
    return int(db.scalar(query) or 0)


def _double_dialled(db: Session, scope: Scope) -> int:
    before: dict[str, Any] = {"partition_by": Attempt.number, "order_by": (Attempt.created_at, Attempt.id)}
    pairs = _attempts(
        db, scope, Attempt.created_at.label("began"),
        func.lag(Attempt.id).over(**before).label("previous"),
        func.lag(Attempt.ended_at).over(**before).label("previous_ended"),
    ).subquery()
    query = select(func.count()).where(
        pairs.c.previous.is_not(None),
        or_(pairs.c.previous_ended.is_(None), pairs.c.began < pairs.c.previous_ended),
    )
    return int(db.scalar(query) or 0)
