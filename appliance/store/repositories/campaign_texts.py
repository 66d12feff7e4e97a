"""Versions of a campaign's script (part `script`) and form (part `survey`)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from appliance.store.models import Campaign, CampaignVersion

CONTENT_KEYS = {"script": "text", "survey": "questions"}


def newest(session: Session, campaign_id: str, part: str) -> int:
    """The number of the newest version; 0: none is kept."""
    query = select(func.max(CampaignVersion.version)).where(
        CampaignVersion.campaign_id == campaign_id, CampaignVersion.part == part
    )
    return session.scalar(query) or 0


def live(session: Session, campaign_id: str, part: str, at: datetime | None = None) -> CampaignVersion | None:
    """The version that agents had at an instant (None: have now)."""
    query = select(CampaignVersion).where(
        CampaignVersion.campaign_id == campaign_id, CampaignVersion.part == part, CampaignVersion.live_from.is_not(None)
    )
    if at is not None:
        query = query.where(CampaignVersion.live_from <= at)
    newest = query.order_by(CampaignVersion.live_from.desc(), CampaignVersion.version.desc())
    return session.scalars(newest.limit(1)).first()


def held(session: Session, campaign_id: str, part: str, at: datetime | None) -> Any:
    """What stood in the part at an instant; None when no version is kept: then what the configuration has, held."""
    found = live(session, campaign_id, part, at)
    return found.content[CONTENT_KEYS[part]] if found is not None else None


def newest_content(session: Session, campaign: Campaign, part: str) -> dict[str, Any]:
    """What somebody who goes on writing begins with: the newest version, else what the configuration has."""
    row = session.get(CampaignVersion, (campaign.id, part, newest(session, campaign.id, part)))
    if row is not None:
        return dict(row.content)
    return {CONTENT_KEYS[part]: campaign.config.get(part) or ("" if part == "script" else [])}
