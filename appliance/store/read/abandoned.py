"""The abandoned figure of a campaign from its attempt rows: the one function behind pace, board and report."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import case, func, or_, select
from sqlalchemy.orm import Session

from appliance.domain.abandoned import AbandonedFigure, dropped_rate
from appliance.store.db import Store
from appliance.store.models import Attempt, EarLabel, EarVerdict
from appliance.types import LIVE_OUTCOMES, Outcome


def figure(db: Session, campaign_id: str, since: datetime, *, estimate_dropped: bool) -> AbandonedFigure:
    """Return who answered and who of them was abandoned since an instant; closed attempts, by their creation.

    `estimate_dropped`: the rule profile counts people whom the ear took for machines.
    """
    live = Attempt.outcome.in_(sorted(LIVE_OUTCOMES))
    dropped = (Attempt.outcome == Outcome.MACHINE) & Attempt.answered_at.is_not(None) & Attempt.bridged_at.is_(None)
    people, abandoned, machines = db.execute(
        select(
            func.sum(case((live & Attempt.answered_at.is_not(None), 1), else_=0)),
            func.sum(case((Attempt.abandoned, 1), else_=0)), func.sum(case((dropped, 1), else_=0)),
        ).where(Attempt.campaign_id == campaign_id, Attempt.created_at >= since, Attempt.ended_at.is_not(None))
    ).one()  # fmt: skip
    rate = _dropped_rate(db) if estimate_dropped and machines else 0.0
    return AbandonedFigure(int(people or 0), int(abandoned or 0), rate * int(machines or 0))


def abandoned(store: Store, campaign_id: str, since: datetime, *, estimate_dropped: bool) -> AbandonedFigure:
    """The same for a page."""
    with store.read() as db:
        return figure(db, campaign_id, since, estimate_dropped=estimate_dropped)


def _dropped_rate(db: Session) -> float:
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
