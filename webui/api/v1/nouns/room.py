"""Agents, their own desk, seats."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from flask import g

from appliance import commands as cmd
from appliance.commands import Done
from appliance.errors import BusError
from appliance.events import LiveAgent, LiveRoom
from appliance.store.read import seats
from appliance.store.read.seats import SeatView
from appliance.types import Permission
from webui.access import reach
from webui.agent import shortcuts
from webui.api.v1.collection import Api, whole
from webui.api.v1.declare import Call, Paged
from webui.box import box, store, tell
from webui.supervisor.room import my_room

READ, SUPERVISE, WORK = Permission.AGENTS_READ, Permission.AGENTS_SUPERVISE, Permission.AGENT_WORK


@dataclass(frozen=True)
class AgentRow:
    """An agent at a seat, as he is now."""

    agent_id: str
    display_name: str
    seat_id: str | None
    state: str
    since: datetime
    pending_state: str | None
    pause_reason: str
    conversation_id: str | None
    campaign_id: str | None
    on_hold: bool


def _row(agent: LiveAgent) -> AgentRow:
    return AgentRow(
        agent.agent_id, agent.display_name, agent.seat_id, agent.state, datetime.fromtimestamp(agent.since_unix_s, UTC),
        agent.pending_state, agent.pause_reason, agent.conversation_id, agent.campaign_id, agent.on_hold,
    )  # fmt: skip


def _agents(_call: Call) -> Paged:
    room, people = box().live.room(), reach(READ)
    agents = room.agents if room is not None else []
    return whole([_row(one) for one in agents if people is None or one.agent_id in people])


def _agent(call: Call) -> AgentRow | None:
    return next((one for one in _agents(call).items if one.agent_id == call.path["agent_id"]), None)


def _desk(_call: Call) -> Done:
    return Done(id=g.user.id, data=tell(cmd.LiveView(agent_id=g.user.id)).data)


def _room(_call: Call) -> LiveRoom:
    """Raises BusError while the engine is away."""
    found = my_room()
    if found is None:
        raise BusError("bus.no_answer", "The service engine does not answer.", retryable=True)
    return found


agents = Api("Agents")
agents.get("/room", LiveRoom, _room, READ, summary="The whole room as it is now: agents, calls, trunks, queues")
agents.get("/agents", list[AgentRow], _agents, READ, summary="Agents at seats, as they are now")
agents.get("/agents/{agent_id}", AgentRow, _agent, READ, summary="One agent")
agents.command("PUT", "/agents/{agent_id}/supervision", cmd.SuperviseAgent, SUPERVISE,
               summary="Listen, whisper, barge in, or leave (mode null)")  # fmt: skip
agents.command("PUT", "/agents/{agent_id}/state", cmd.ForceState, SUPERVISE)
agents.command("POST", "/agents/{agent_id}/take-over", cmd.TakeOver, SUPERVISE)

desk = Api("Own desk")
desk.get("/me/desk", Done, _desk, WORK, summary="The desk of the key's user: state, call, record")
_DESK: dict[str, type[cmd.UserCommand]] = {
    "login": cmd.AgentLogin, "logout": cmd.AgentLogout, "ready": cmd.AgentReady, "pause": cmd.AgentPause,
    "hangup": cmd.AgentHangup, "hold": cmd.AgentHold, "dtmf": cmd.AgentDtmf, "mute": cmd.AgentMute,
    "recording": cmd.AgentRecording, "reattach": cmd.AgentReattach, "transfer": cmd.AgentTransfer,
    "third": cmd.AgentThird, "draft": cmd.AgentDraft, "dispose": cmd.AgentDispose, "preview": cmd.AgentPreview,
    "dial": cmd.AgentDial, "transfer-targets": cmd.TransferTargets, "add-caller": cmd.AddCaller,
    "start-recording": cmd.AgentStartRecording,
}  # fmt: skip
_SAID = {
    "login": "Sit down at a seat", "logout": "Leave the seat", "hangup": "Hang up",
    "hold": "Hold the customer, or go on", "dtmf": "Send key tones", "mute": "Mute, or speak again",
    "preview": "Look at the next record, dial it or skip it",
    "third": "Go on with whom was called beside the customer: hand over, all together, the two alone, let go",
}  # fmt: skip
for path, command in _DESK.items():
    more: dict[str, Any] = {"summary": _SAID[path]} if path in _SAID else {}
    desk.command("POST", f"/me/desk/{path}", command, WORK, **more)
desk.get("/me/shortcuts", dict[str, str], lambda _call: {one.id: one.keys for one in shortcuts.mine()},
         summary="The keys of one's own desk")  # fmt: skip
desk.command("PUT", "/me/shortcuts", cmd.SaveShortcuts)

places = Api("Seats")
SEATS = Permission.SEATS_WRITE
places.get("/seats", list[SeatView], lambda _call: whole(seats.seats(store())), SEATS, READ,
           summary="Places with a phone, and who sits there")  # fmt: skip
places.get("/seats/{id}", SeatView, lambda call: seats.seat(store(), call.path["id"]), SEATS, READ, summary="One seat",
           versioned="seat")  # fmt: skip
places.command("PUT", "/seats/{id}", cmd.SaveSeat, SEATS, versioned="seat")
places.command("POST", "/seats/{seat_id}/release", cmd.ReleaseSeat, SEATS)
places.command("POST", "/seats/{seat_id}/phone", cmd.PreparePhone, SEATS)
places.command("POST", "/seats/{seat_id}/browser-phone", cmd.SeatPhoneCredentials, WORK, SUPERVISE)


def collections() -> tuple[Any, ...]:
    return agents, desk, places
