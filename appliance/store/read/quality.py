"""Scorecards, sampling plans, the queue of calls to score, scores with their appeals, calibrations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session, aliased

from appliance.domain import sampling, scorecard
from appliance.domain.agreement import Agreement, agreement
from appliance.domain.scorecard import Question as Question
from appliance.store import granted
from appliance.store.db import Store
from appliance.store.models import (
    Appeal,
    Calibration,
    Campaign,
    Evaluation,
    Recording,
    SamplingPlan,
    Scorecard,
    ScorecardVersion,
    ScoringTask,
    User,
)  # fmt: skip
from appliance.store.versions import of_scorecard, version_of
from appliance.types import Permission

_SHOWN_MAX = 200
People = frozenset[str] | None


@dataclass(frozen=True)
class CardView:
    """One version of a scorecard."""

    id: str
    name: str
    version: int
    card: scorecard.Scorecard
    retired: bool
    scores: int = 0


def cards(store: Store, *, in_use: bool = True) -> list[CardView]:
    """Scorecards by name, each in its newest version; `in_use`: not the retired ones."""
    used = select(func.count()).where(Evaluation.scorecard_id == Scorecard.id).scalar_subquery()
    query = _newest(used).order_by(Scorecard.name)
    if in_use:
        query = query.where(Scorecard.retired_at.is_(None))
    with store.read() as db:
        return [_card(*row) for row in db.execute(query)]


def card(store: Store, scorecard_id: str, version: int | None = None) -> CardView | None:
    """One scorecard, in its newest or another version."""
    with store.read() as db:
        return _card_of(db, scorecard_id, version)


def card_version(store: Store, scorecard_id: str) -> str:
    """How its newest version looks (store.versions)."""
    found = card(store, scorecard_id)
    return version_of({} if found is None else of_scorecard(found.name, plain(found)))


def plain(found: CardView) -> dict[str, Any]:
    """A card as plain data, for a form."""
    return scorecard.to_plain(found.card)


def _newest(used: Any) -> Select[Any]:
    return select(Scorecard, ScorecardVersion.card, used).join(
        ScorecardVersion,
        (ScorecardVersion.scorecard_id == Scorecard.id) & (ScorecardVersion.version == Scorecard.version),
    )


def _card(row: Scorecard, plain: dict[str, Any], scores: int) -> CardView:
    return CardView(row.id, row.name, row.version, scorecard.parse(plain), row.retired_at is not None, scores)


def _card_of(db: Session, scorecard_id: str, version: int | None) -> CardView | None:
    row = db.get(Scorecard, scorecard_id)
    found = db.get(ScorecardVersion, (scorecard_id, version or row.version)) if row is not None else None
    if row is None or found is None:
        return None
    return CardView(row.id, row.name, found.version, scorecard.parse(found.card), row.retired_at is not None)


@dataclass(frozen=True)
class PlanView:
    """A sampling plan; `waiting` of its calls are to be scored."""

    id: str
    name: str
    scorecard_id: str
    scorecard_name: str
    rules: sampling.Rules
    seed: str
    enabled: bool
    drawn_week: str
    waiting: int


def plans(store: Store) -> list[PlanView]:
    """All plans by name."""
    waiting = (
        select(func.count())
        .where(ScoringTask.plan_id == SamplingPlan.id, ScoringTask.state == "open")
        .scalar_subquery()
    )
    query = select(SamplingPlan, Scorecard.name, waiting).join(Scorecard, Scorecard.id == SamplingPlan.scorecard_id)
    with store.read() as db:
        return [
            PlanView(row.id, row.name, row.scorecard_id, name, sampling.parse(row.rules), row.seed, row.enabled,
                     row.drawn_week, count)
            for row, name, count in db.execute(query.order_by(SamplingPlan.name))
        ]  # fmt: skip


def plan(store: Store, plan_id: str) -> PlanView | None:
    """One of them."""
    return next((one for one in plans(store) if one.id == plan_id), None)


def new_rules() -> sampling.Rules:
    """The rules that a new plan begins with."""
    return sampling.Rules()


@dataclass(frozen=True)
class TaskView:
    """A call to score."""

    id: str
    recording_id: str
    agent_id: str
    agent_name: str
    campaign_name: str
    called_at: datetime
    duration_s: float
    scorecard_id: str
    scorecard_name: str
    version: int
    calibration_id: str | None
    scorer_id: str | None
    week: str
    state: str
    hearable: bool


_name = func.coalesce(func.nullif(User.display_name, ""), User.login, "")
_Other = aliased(User)
_other_name = func.coalesce(func.nullif(_Other.display_name, ""), _Other.login, "")


def _tasks() -> Select[Any]:
    version = func.coalesce(Calibration.version, Scorecard.version)
    shown: tuple[Any, ...] = (
        ScoringTask, Recording.started_at, Recording.duration_s, Recording.state, _name, Campaign.name, Scorecard.name,
        version,
    )  # fmt: skip
    found: Select[Any] = select(*shown)
    return (
        found.join(Recording, Recording.id == ScoringTask.recording_id)
        .join(Scorecard, Scorecard.id == ScoringTask.scorecard_id)
        .outerjoin(Calibration, Calibration.id == ScoringTask.calibration_id)
        .outerjoin(User, User.id == ScoringTask.agent_id)
        .outerjoin(Campaign, Campaign.id == Recording.campaign_id)
    )


def _task(row: Any) -> TaskView:
    task, called_at, duration_s, state, agent, campaign, card_name, version = row
    return TaskView(
        task.id, task.recording_id, task.agent_id, agent or "", campaign or "", called_at, duration_s,
        task.scorecard_id, card_name, version, task.calibration_id, task.scorer_id, task.week, task.state,
        state == "archived",
    )  # fmt: skip


def queue(store: Store, scorer_id: str, people: People) -> list[TaskView]:
    """What a person may score now, oldest first: nobody scores himself, or what is somebody else's to score."""
    query = _tasks().where(
        ScoringTask.state == "open", ScoringTask.agent_id != scorer_id,
        or_(ScoringTask.scorer_id.is_(None), ScoringTask.scorer_id == scorer_id),
    )  # fmt: skip
    if people is not None:
        query = query.where(ScoringTask.agent_id.in_(people))
    with store.read() as db:
        return [_task(row) for row in db.execute(query.order_by(ScoringTask.created_at).limit(_SHOWN_MAX))]


def task(store: Store, task_id: str) -> TaskView | None:
    """One of them."""
    with store.read() as db:
        row = db.execute(_tasks().where(ScoringTask.id == task_id)).first()
    return _task(row) if row else None


@dataclass(frozen=True)
class AppealView:
    """An appeal and its answer. `before`, `after`: {answers, score, knocked_out}."""

    id: str
    evaluation_id: str
    agent_name: str
    text: str
    at: datetime
    state: str
    answer: str
    decided_by: str
    decided_at: datetime | None
    before: dict[str, Any]
    after: dict[str, Any]


@dataclass(frozen=True)
class ScoreView:
    """One score."""

    id: str
    recording_id: str
    agent_id: str
    agent_name: str
    scorer_id: str
    scorer_name: str
    campaign_name: str
    scorecard_id: str
    scorecard_name: str
    version: int
    calibration_id: str | None
    answers: dict[str, int | None]
    comment: str
    score: float
    knocked_out: bool
    scored_at: datetime
    called_at: datetime
    appeal: str = ""  # state of the newest
    appeals: list[AppealView] = field(default_factory=list)


def scores(
    store: Store, *, people: People = None, agent_id: str = "", recording_id: str = "", calibration_id: str = "",
    limit: int = _SHOWN_MAX,
) -> list[ScoreView]:  # fmt: skip
    """Scores, newest first; those of calibrations only when asked for."""
    query = _scores()
    if people is not None:
        query = query.where(Evaluation.agent_id.in_(people))
    if agent_id:
        query = query.where(Evaluation.agent_id == agent_id)
    if recording_id:
        query = query.where(Evaluation.recording_id == recording_id)
    wanted = Evaluation.calibration_id
    query = query.where(wanted == calibration_id if calibration_id else wanted.is_(None))
    with store.read() as db:
        rows = db.execute(query.order_by(Evaluation.scored_at.desc(), Evaluation.id).limit(limit)).all()
        newest = (
            select(Appeal.evaluation_id, Appeal.state)
            .where(Appeal.evaluation_id.in_([row[0].id for row in rows])).order_by(Appeal.at)
        )  # fmt: skip
        states = {row[0]: row[1] for row in db.execute(newest)}
    return [_score(row, states.get(row[0].id, "")) for row in rows]


def score(store: Store, evaluation_id: str) -> ScoreView | None:
    """One score with its appeals."""
    with store.read() as db:
        row = db.execute(_scores().where(Evaluation.id == evaluation_id)).first()
        if row is None:
            return None
        found = _appeals(db, _appeal_rows().where(Appeal.evaluation_id == evaluation_id))
    return _score(row, found[-1].state if found else "", found)


def open_appeals(store: Store, people: People) -> list[AppealView]:
    """Appeals that wait for an answer, oldest first."""
    query = _appeal_rows().where(Appeal.state == "open")
    if people is not None:
        query = query.where(Appeal.agent_id.in_(people))
    with store.read() as db:
        return _appeals(db, query.limit(_SHOWN_MAX))


def _scores() -> Select[Any]:
    scorer = select(_other_name).where(_Other.id == Evaluation.scorer_id).scalar_subquery()
    return (
        select(Evaluation, _name, scorer, Campaign.name, Scorecard.name)
        .outerjoin(User, User.id == Evaluation.agent_id).outerjoin(Campaign, Campaign.id == Evaluation.campaign_id)
        .outerjoin(Scorecard, Scorecard.id == Evaluation.scorecard_id)
    )  # fmt: skip


def _score(row: Any, appeal: str, appeals: Sequence[AppealView] = ()) -> ScoreView:
    found, agent, scorer, campaign, card_name = row
    return ScoreView(
        found.id, found.recording_id, found.agent_id, agent or "", found.scorer_id, scorer or "", campaign or "",
        found.scorecard_id, card_name or "", found.version, found.calibration_id, dict(found.answers), found.comment,
        found.score, found.knocked_out, found.scored_at, found.called_at, appeal, list(appeals),
    )  # fmt: skip


def _appeal_rows() -> Select[Any]:
    decided = select(_other_name).where(_Other.id == Appeal.decided_by).scalar_subquery()
    return select(Appeal, _name, decided).outerjoin(User, User.id == Appeal.agent_id).order_by(Appeal.at)


def _appeals(db: Session, query: Select[Any]) -> list[AppealView]:
    return [
        AppealView(row.id, row.evaluation_id, agent or "", row.text, row.at, row.state, row.answer, decided or "",
                   row.decided_at, dict(row.before), dict(row.after))
        for row, agent, decided in db.execute(query)
    ]  # fmt: skip


def scorers(store: Store, agent_id: str | None) -> dict[str, str]:
    """Names of the users who may score an agent's calls, by id."""
    found = {}
    with store.read() as db:
        for user in db.scalars(select(User).where(User.enabled).order_by(User.login)):
            scope = granted.of_user(db, user).get(Permission.QUALITY_SCORE)
            if scope is None or user.id == agent_id:
                continue
            people = granted.reach(db, user, scope)
            if people is None or agent_id in people:
                found[user.id] = user.display_name or user.login
    return found


@dataclass(frozen=True)
class CalibrationView:
    """A calibration; its scores and their agreement are there when it is over, and only then."""

    id: str
    recording_id: str
    scorecard_id: str
    scorecard_name: str
    version: int
    scorers: list[tuple[str, bool]]  # name, has scored
    created_at: datetime
    closed_at: datetime | None
    scores: list[ScoreView] = field(default_factory=list)
    agreement: Agreement | None = None


def calibrations(store: Store) -> list[CalibrationView]:
    """All of them, newest first, without scores."""
    with store.read() as db:
        rows = db.scalars(select(Calibration).order_by(Calibration.created_at.desc()).limit(_SHOWN_MAX)).all()
        return [_calibration(db, row) for row in rows]


def calibration(store: Store, calibration_id: str) -> CalibrationView | None:
    """One of them, with its scores when it is over."""
    with store.read() as db:
        row = db.get(Calibration, calibration_id)
        if row is None:
            return None
        found = _calibration(db, row)
    if row.closed_at is None:
        return found
    given = scores(store, calibration_id=calibration_id)[::-1]
    return CalibrationView(**{**vars(found), "scores": given, "agreement": agreement([one.answers for one in given])})


def _calibration(db: Session, row: Calibration) -> CalibrationView:
    people = select(User.id, _name).where(User.id.in_(row.scorers))
    names: dict[str, str] = {one[0]: one[1] for one in db.execute(people)}
    done = set(db.scalars(select(Evaluation.scorer_id).where(Evaluation.calibration_id == row.id)))
    card_name = db.scalar(select(Scorecard.name).where(Scorecard.id == row.scorecard_id)) or ""
    return CalibrationView(
        row.id, row.recording_id, row.scorecard_id, card_name, row.version,
        [(names.get(one, one), one in done) for one in row.scorers], row.created_at, row.closed_at,
    )  # fmt: skip
