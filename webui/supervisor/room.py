"""The live views of the room: newest event, else a question to the engine."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from appliance.commands import LiveView
from appliance.errors import BusError
from appliance.events import LiveCampaign, LiveRoom
from appliance.types import Permission
from webui.access import reach
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


def my_room() -> LiveRoom | None:
    """The room with those agents, and their calls, whom the signed-in user may see."""
    present = room()
    return None if present is None else narrowed(present, reach(Permission.AGENTS_READ))


def narrowed(present: LiveRoom, people: frozenset[str] | None) -> LiveRoom:
    """The room with these agents only, and their calls; None: all of it."""
    if people is None:
        return present
    return replace(
        present, agents=[agent for agent in present.agents if agent.agent_id in people],
        lines=[line for line in present.lines if line.agent_id is None or line.agent_id in people],
    )  # fmt: skip


def campaign(campaign_id: str) -> LiveCampaign | None:
    """Live counters of one campaign; None when the engine does not run it."""
    known = box().live.campaign(campaign_id)
    if known is not None:
        return known
    present = room()
    if present is None:
        return None
    return next((c for c in present.campaigns if c.campaign_id == campaign_id), None)
