"""What pacers have learnt, by campaign."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance.store import models


def states(session: Session) -> dict[str, dict[str, Any]]:
    """Return the last state of each campaign's pacer."""
    return {row.campaign_id: row.state for row in session.scalars(select(models.PacerState))}


def save_all(session: Session, states: Mapping[str, dict[str, Any]], now: datetime) -> None:
    """Write each pacer's state over its last one; a campaign that is gone has none."""
    for campaign_id, state in states.items():
        row = session.get(models.PacerState, campaign_id)
        if row is not None:
            row.at, row.state = now, state
        elif session.get(models.Campaign, campaign_id) is not None:
            session.add(models.PacerState(campaign_id=campaign_id, at=now, state=state))
