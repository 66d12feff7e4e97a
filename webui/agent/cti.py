"""Other programs at the desk: the customer's page of their own system, and telephone links that are dialled here."""

from __future__ import annotations

import re
from dataclasses import dataclass

from flask import Blueprint, g, render_template, request

from appliance.events import LiveAgent
from appliance.types import AgentState, Permission
from appliance.url_template import fill
from webui.access import needs
from webui.agent import desk as desks
from webui.box import saved_settings

blueprint = Blueprint("cti", __name__, url_prefix="/desk")

_SCHEME = re.compile(r"^(tel|callto|sip):(//)?", re.IGNORECASE)
_NUMBER = re.compile(r"[0-9+*#() ./-]{2,40}")
_RINGS = {"ring": (AgentState.RESERVED, AgentState.TALKING), "connect": (AgentState.TALKING,), "never": ()}


@dataclass(frozen=True)
class Screen:
    """The customer's page: its address, and whether it opens by itself now."""

    url: str
    opens: bool


@blueprint.app_template_global("customer_screen")
def customer_screen(agent: LiveAgent) -> Screen | None:
    """What the bar offers for the record on the screen; None without a record or an address."""
    settings, record = saved_settings().cti, agent.record
    if not settings.screen_url or record is None or agent.conversation_id is None:
        return None
    values = {
        "phone": record.get("number"), "call_id": agent.conversation_id, "lead_id": record.get("lead_id"),
        "contact_id": record.get("contact_id"), "external_id": record.get("external_id"), "name": record.get("name"),
        "campaign": agent.campaign_name, "agent": g.user.login,
    }  # fmt: skip
    url = fill(settings.screen_url, values, record.get("fields") or {})
    return Screen(url, AgentState(agent.state) in _RINGS[settings.screen_on])


def dialled(link: str) -> str:
    """The number of a telephone link (RFC 3966: parameters are left out); empty when it holds none."""
    plain = _SCHEME.sub("", link.strip()).partition(";")[0].partition("?")[0].partition("@")[0]
    return plain if _NUMBER.fullmatch(plain) else ""


@blueprint.get("/link")
@needs(Permission.AGENT_WORK)
def link() -> str:
    """What a telephone link opens: the number, and the button that dials it; nothing is dialled by a link alone."""
    agent = desks.my_view()
    return render_template(
        "agent/link.html", number=dialled(request.args.get("number", "")), asked="number" in request.args,
        agent=agent if agent is not None and desks.at_a_seat(agent) else None, dial_campaigns=desks.dial_campaigns(),
    )  # fmt: skip
