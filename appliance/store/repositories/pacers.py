"""What pacers have learnt, by campaign."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance.store import models


def states(session: Session) -> dict[str, dict[str, Any]]:
    """Return the last state of each campaign's pacer."""
    return {row.campaign_id: row.state for row in session.scalars(select(models.PacerState))}


def save(session: Session, campaign_id: str, state: dict[str, Any], now: datetime) -> None:
    """Write a pacer's state over its last one; a campaign that is gone has none."""
    if session.get(models.Campaign, campaign_id) is None:
        return
    row = session.get(models.PacerState, campaign_id)
    if row is None:
        session.add(models.PacerState(campaign_id=campaign_id, at=now, state=state))
    else:
        row.at, row.state = now, state
