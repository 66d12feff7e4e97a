"""The wallboard: one page of large figures for a screen on the wall, without the frame of the other pages."""

from __future__ import annotations

from collections import Counter
from typing import Any

from flask import Blueprint, render_template, url_for

from appliance.events import LiveRoom
from appliance.store.read import trunks
from appliance.types import Permission
from webui.access import may, needs
from webui.box import store
from webui.supervisor.reports import figures_of_today
from webui.supervisor.room import my_room

blueprint = Blueprint("wall", __name__, url_prefix="/wall")

AGENT_ORDER = ("talking", "wrap_up", "reserved", "dialling", "previewing", "ready", "paused")
CALLS = {
    "dialling": ("dialling", "originated", "calling", "reserved"), "ringing": ("ringing", "early"),
    "answered": ("answered", "heard", "beep", "message", "notice", "offered", "answering", "waiting", "offer"),
    "talking": ("connecting", "talking"),
}  # fmt: skip
"""Calls in four groups; what belongs to none is ending."""


def _figures(room: LiveRoom) -> dict[str, Any]:
    states = Counter(line.state for line in room.lines)
    waiting = [line for line in room.lines if line.state in ("heard", "waiting", "offer")]
    return {
        "calls": {name: sum(states[state] for state in of) for name, of in CALLS.items()},
        "waiting": len(waiting), "waits_since": min((line.since_unix_s for line in waiting), default=None),
        "agents": sorted(room.agents, key=lambda a: (_place(a.state), a.since_unix_s)),
        "by_state": Counter(agent.state for agent in room.agents),
        "left": sum(campaign.leads_waiting for campaign in room.campaigns),
        "total": sum(campaign.leads_total for campaign in room.campaigns),
        "trunk_names": {trunk.id: trunk.display_name or trunk.id for trunk in trunks.trunks(store())},
    }  # fmt: skip


def _place(state: str) -> int:
    return AGENT_ORDER.index(state) if state in AGENT_ORDER else len(AGENT_ORDER)


def _shown() -> dict[str, Any]:
    room = my_room()
    today = figures_of_today() if may(Permission.REPORTS_READ) else {"whole": None}
    return {"room": room, **(_figures(room) if room is not None else {}), **today}


@blueprint.get("")
@needs(Permission.AGENTS_READ)
def page() -> str:
    """The page; who opened it stays signed in as long as his session lasts, then it asks for a new one."""
    return render_template("wall/page.html", again=url_for("auth.log_in", next=url_for("wall.page")), **_shown())


@blueprint.get("/view")
@needs(Permission.AGENTS_READ)
def view() -> str:
    """The tiles alone, after each live event and every few seconds."""
    return render_template("wall/tiles.html", **_shown())
