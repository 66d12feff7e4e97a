"""The abandoned figure from attempt rows: the one way behind pace, board and report."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from functools import lru_cache
from typing import Any

import msgspec
from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from appliance.domain.abandoned import AbandonedFigure, dropped_rate
from appliance.domain.campaign import parse_config
from appliance.domain.compliance_own import rules_of
from appliance.errors import CallboxError
from appliance.store.db import Store
from appliance.store.models import Campaign, EarLabel, EarVerdict
from appliance.store.read.measures import counted
from appliance.store.read.report_scope import Scope
from appliance.types import Outcome

COUNTED = ("answered", "abandoned", "taken_for_machine")
"""Measures that the figure is made of."""


def figure(db: Session, campaign_id: str, since: datetime, *, estimate_dropped: bool) -> AbandonedFigure:
    """Return who answered and who of them was abandoned since an instant; closed attempts, by their creation.

    `estimate_dropped`: the rule profile counts people whom the ear took for machines.
    """
    counts = counted(db, Scope(campaign_id=campaign_id, since=since), COUNTED)[None]
    machines = counts["taken_for_machine"] if estimate_dropped else 0
    return figure_of(counts, machines=machines, rate=dropped_share(db) if machines else 0.0)


def figure_of(counts: Mapping[str, int], *, machines: int, rate: float) -> AbandonedFigure:
    """Return the figure from counted measures; `machines`: calls taken for machines where the profile counts them,
    `rate`: the share of people among them (`dropped_share`)."""
    return AbandonedFigure(counts["answered"], counts["abandoned"], rate * machines)


def abandoned(store: Store, campaign_id: str, since: datetime, *, estimate_dropped: bool) -> AbandonedFigure:
    """The same for a page."""
    with store.read() as db:
        return figure(db, campaign_id, since, estimate_dropped=estimate_dropped)


def estimating(db: Session, campaign_id: str | None = None) -> list[str]:
    """Return the campaigns whose rule profile counts people whom the ear took for machines."""
    return [found for found, (estimates, _limit) in _rules(db, campaign_id).items() if estimates]


def strictest_limit(store: Store, campaign_id: str | None = None) -> float:
    """Return the lowest share of abandoned people that a campaign may have, its own setting or its rules'."""
    with store.read() as db:
        return min((limit for _estimates, limit in _rules(db, campaign_id).values()), default=1.0)


def _rules(db: Session, campaign_id: str | None) -> dict[str, tuple[bool, float]]:
    query = select(Campaign.id, Campaign.config)
    if campaign_id is not None:
        query = query.where(Campaign.id == campaign_id)
    today = datetime.now().astimezone().date()
    return {found: _rule(msgspec.json.encode(config), today) for found, config in db.execute(query)}


@lru_cache(1024)
def _rule(config: bytes, _today: date) -> tuple[bool, float]:
    """(estimates the dropped, limit); settings that are not valid do not dial; `_today`: rules change by the day."""
    plain: dict[str, Any] = msgspec.json.decode(config)
    try:
        parsed = parse_config(plain)
        rule = rules_of(parsed, "UTC").abandoned
    except CallboxError:
        return False, 1.0
    limit = parsed.abandoned_limit
    return rule.estimate_dropped, limit if rule.limit is None else min(limit, rule.limit)


def dropped_share(db: Session) -> float:
    """Return the share of people among calls heard as machines, by what somebody said of them after listening."""
    rows = db.execute(
        select(EarLabel.label, func.count())
        .join(EarVerdict, (EarVerdict.attempt_id == EarLabel.attempt_id) & (EarVerdict.phase == EarLabel.stage))
        .where(EarLabel.stage == "answered", EarVerdict.label == Outcome.MACHINE)
        .where(or_(EarLabel.label == Outcome.HUMAN, EarLabel.label == Outcome.MACHINE))
        .group_by(EarLabel.label)
    ).all()
    by_label = {row[0]: row[1] for row in rows}
    return dropped_rate(by_label.get(Outcome.HUMAN, 0), by_label.get(Outcome.MACHINE, 0))
