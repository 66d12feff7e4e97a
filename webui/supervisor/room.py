"""The live views of the room: newest event, else a question to the engine."""

from __future__ import annotations

import msgspec

from appliance.commands import LiveView
from appliance.errors import BusError
from appliance.events import LiveCampaign, LiveRoom
from webui.box import box, tell


def room() -> LiveRoom | None:
    """The room as last told; asked for when nothing was told yet; None while the engine is away."""
    known = box().live.room()
    if known is not None:
        return known
    try:
        return msgspec.convert(tell(LiveView(), timeout_s=2.0).data, LiveRoom)
    except (BusError, msgspec.ValidationError):
        return None


def campaign(campaign_id: str) -> LiveCampaign | None:
    """Live counters of one campaign; None when the engine does not run it."""
    known = box().live.campaign(campaign_id)
    if known is not None:
        return known
    present = room()
    if present is None:
        return None
    return next((c for c in present.campaigns if c.campaign_id == campaign_id), None)
