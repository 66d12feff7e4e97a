"""The first set-up: which steps are behind, and what the test campaign's calls came to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from appliance.store.db import Store
from appliance.store.models import Attempt, Recording, SetUpStep


@dataclass(frozen=True)
class StepView:
    """A step that was done, or left out for now."""

    step: str
    done: bool
    at: datetime
    actor_id: str
    data: dict[str, Any]


@dataclass(frozen=True)
class CallView:
    """One call of the test campaign."""

    number: str
    outcome: str
    answered: bool
    ended: bool
    recording_id: str


def steps(store: Store) -> dict[str, StepView]:
    """All steps that were touched, by name."""
    with store.read() as db:
        rows = db.scalars(select(SetUpStep)).all()
    return {row.step: StepView(row.step, row.state == "done", row.at, row.actor_id, dict(row.data)) for row in rows}


def calls(store: Store, campaign_id: str) -> list[CallView]:
    """The last ten calls of a campaign, the newest first."""
    query = (
        select(Attempt, Recording.id)
        .outerjoin(Recording, (Recording.attempt_id == Attempt.id) & (Recording.kind == "conversation"))
        .where(Attempt.campaign_id == campaign_id)
        .order_by(Attempt.created_at.desc())
        .limit(10)
    )
    with store.read() as db:
        rows = db.execute(query).all()
    return [
        CallView(row.number, row.outcome or "", row.answered_at is not None, row.ended_at is not None, recording or "")
        for row, recording in rows
    ]
