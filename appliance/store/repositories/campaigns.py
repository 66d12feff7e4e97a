"""What the engine writes of a campaign, and reads of the box's alerts."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance.store import models
from appliance.types import CampaignState


def set_state(session: Session, campaign_id: str, state: CampaignState, now: datetime) -> None:
    """Write the state; `started_at` is the first start, `finished_at` the last end."""
    row = session.get(models.Campaign, campaign_id)
    if row is None:
        return
    row.state = state
    if state is CampaignState.RUNNING:
        row.started_at = row.started_at or now
        row.finished_at = None
    if state in (CampaignState.STOPPED, CampaignState.FINISHED):
        row.finished_at = now


def is_running(session: Session, campaign_id: str) -> bool:
    row = session.get(models.Campaign, campaign_id)
    return row is not None and row.state == CampaignState.RUNNING


def standing_alerts(session: Session) -> set[str]:
    """Return the keys of the alerts that stand."""
    return set(session.scalars(select(models.Alert.key).where(models.Alert.cleared_at.is_(None))).all())
