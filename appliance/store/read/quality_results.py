"""Results of scoring over time: per agent, team, campaign, week, scorer and question."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from appliance.domain import sampling, scorecard
from appliance.store import granted
from appliance.store.db import Store
from appliance.store.models import Campaign, Department, Evaluation, Scorecard, ScorecardVersion, User

_ROWS_MAX = 50_000


@dataclass(frozen=True, kw_only=True)
class ResultFilter:
    """Which scores; empty: all. Calls that began in [since, until). `people`: only these (the reader's permission)."""

    scorecard_id: str = ""
    agent_id: str = ""
    team: str = ""
    campaign_id: str = ""
    since: datetime | None = None
    until: datetime | None = None
    people: frozenset[str] | None = None


@dataclass(frozen=True)
class Line:
    """One line of the results: how many, the mean of 0 to 1, how many were knocked out."""

    key: str
    name: str
    count: int
    mean: float
    knocked_out: int


@dataclass(frozen=True)
class Results:
    """Everything of one choice. Questions are worded as in the newest version used; their `mean` is their own."""

    total: Line
    weeks: list[Line] = field(default_factory=list)
    agents: list[Line] = field(default_factory=list)
    teams: list[Line] = field(default_factory=list)
    campaigns: list[Line] = field(default_factory=list)
    scorers: list[Line] = field(default_factory=list)
    questions: list[Line] = field(default_factory=list)


def results(store: Store, wanted: ResultFilter, zone: ZoneInfo) -> Results:
    """The results; scores of calibrations are none."""
    query = (
        select(Evaluation.agent_id, Evaluation.campaign_id, Evaluation.scorer_id, Evaluation.called_at,
               Evaluation.score, Evaluation.knocked_out, Evaluation.scorecard_id, Evaluation.version,
               Evaluation.answers, User.department_id)
        .outerjoin(User, User.id == Evaluation.agent_id).where(Evaluation.calibration_id.is_(None))
        .order_by(Evaluation.called_at.desc()).limit(_ROWS_MAX)
    )  # fmt: skip
    for column, value in (
        (Evaluation.scorecard_id, wanted.scorecard_id), (Evaluation.agent_id, wanted.agent_id),
        (Evaluation.campaign_id, wanted.campaign_id),
    ):  # fmt: skip
        query = query.where(column == value) if value else query
    if wanted.since is not None:
        query = query.where(Evaluation.called_at >= wanted.since)
    if wanted.until is not None:
        query = query.where(Evaluation.called_at < wanted.until)
    if wanted.people is not None:
        query = query.where(Evaluation.agent_id.in_(wanted.people))
    with store.read() as db:
        if wanted.team:
            rows = db.execute(select(Department.id, Department.parent_id)).all()
            team = granted.below(wanted.team, [(row[0], row[1]) for row in rows])
            query = query.where(User.department_id.in_(team))
        found = db.execute(query).all()
        people = _names(db, select(User.id, func.coalesce(func.nullif(User.display_name, ""), User.login)))
        teams = _names(db, select(Department.id, Department.name))
        campaigns = _names(db, select(Campaign.id, Campaign.name))
        questions = _questions(db, found)
    weeks = _lines(found, lambda row: sampling.week_of(row.called_at, zone), {})
    return Results(
        total=_line("", "", found), weeks=sorted(weeks, key=lambda line: line.key),
        agents=_lines(found, lambda row: row.agent_id, people), teams=_lines(found, lambda r: r.department_id, teams),
        campaigns=_lines(found, lambda row: row.campaign_id, campaigns),
        scorers=_lines(found, lambda row: row.scorer_id, people), questions=questions,
    )  # fmt: skip


def _names(db: Session, query: Any) -> dict[str, str]:
    return {row[0]: row[1] for row in db.execute(query)}


def _line(key: str, name: str, rows: Iterable[Any]) -> Line:
    taken = list(rows)
    mean = sum(row.score for row in taken) / len(taken) if taken else 0.0
    return Line(key, name, len(taken), mean, sum(row.knocked_out for row in taken))


def _lines(rows: Iterable[Any], key: Any, names: dict[str, str]) -> list[Line]:
    groups: dict[Hashable, list[Any]] = defaultdict(list)
    for row in rows:
        groups[key(row)].append(row)
    lines = [_line(str(one or ""), names.get(str(one), str(one or "")), group) for one, group in groups.items()]
    return sorted(lines, key=lambda line: (line.mean, line.name))


def _questions(db: Session, rows: Iterable[Any]) -> list[Line]:
    """Each question's own mean, by card and question; what did not apply is left out."""
    parsed: dict[tuple[str, int], scorecard.Scorecard] = {}
    shares: dict[tuple[str, str], list[float]] = defaultdict(list)
    texts: dict[tuple[str, str], tuple[int, str, bool]] = {}
    for row in rows:
        which = (row.scorecard_id, row.version)
        if which not in parsed:
            parsed[which] = scorecard.parse(db.get_one(ScorecardVersion, which).card)
        for question in parsed[which].questions:
            share = scorecard.share_of(question, row.answers)
            if share is None:
                continue
            place = (row.scorecard_id, question.id)
            shares[place].append(share)
            if texts.get(place, (0,))[0] <= row.version:
                texts[place] = (row.version, question.text, question.knock_out)
    cards = _names(db, select(Scorecard.id, Scorecard.name))
    several = len({place[0] for place in shares}) > 1
    lines = []
    for place, values in shares.items():
        _version, text, knock_out = texts[place]
        name = f"{cards.get(place[0], '')} · {text}" if several else text
        zeros = sum(value == 0 for value in values) if knock_out else 0
        lines.append(Line(":".join(place), name, len(values), sum(values) / len(values), zeros))
    return sorted(lines, key=lambda line: (line.mean, line.name))
