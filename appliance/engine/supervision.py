"""What a supervisor does with an agent's call and state: listen, whisper, barge in, take the customer, force a state.

Each needs `agents.supervise` that reaches as far as this agent, is in the audit log, and of what changes his state the
agent is told who did it.
"""

from __future__ import annotations

from sqlalchemy.orm import Session

from appliance import commands as cmd
from appliance.bus import Bus
from appliance.commands import Done
from appliance.domain.agent import AgentEvent, Kind
from appliance.domain.call_model import CallState
from appliance.domain.inbound_model import InboundState
from appliance.engine.auditing import Auditor
from appliance.engine.core import Core
from appliance.engine.desk import WORKER_TIMEOUT_S, check_seat
from appliance.engine.room import Told
from appliance.engine.writer import Writer
from appliance.errors import CallboxError, CallerError, NotAllowedError
from appliance.store import models
from appliance.store.repositories import configuration, users
from appliance.types import AgentState, Permission

FORCED = {"ready": Kind.READY, "pause": Kind.PAUSE, "log_out": Kind.LOG_OUT}
_TAKES_OVER_WITHIN_S = 30.0


class Supervision:
    """One method per command; all raise CallboxError when it is not possible."""

    def __init__(self, core: Core, bus: Bus, writer: Writer, auditor: Auditor) -> None:
        self._core, self._bus, self._writer, self._auditor = core, bus, writer, auditor
        self._room = core.room

    async def supervise(self, command: cmd.SuperviseAgent) -> Done:
        """Bring a supervisor's phone into an agent's conversation."""
        await self._allowed(command, command.agent_id, command.seat_id if command.mode is not None else "")
        own = self._conversation(command.agent_id)
        supervise = cmd.Supervise(conversation_id=own, seat_id=command.seat_id, mode=command.mode)
        await self._bus.request(supervise, timeout_s=WORKER_TIMEOUT_S)
        if command.mode is not None:
            self._auditor.note(command, "agent.supervised", f"user:{command.agent_id}", mode=command.mode.value,
                               conversation=own)  # fmt: skip
        return Done(id=own)

    async def take_over(self, command: cmd.TakeOver) -> Done:
        """The supervisor's phone gets the customer; the agent goes to his wrap-up."""
        name = await self._allowed(command, command.agent_id, command.seat_id)
        own = self._conversation(command.agent_id)
        call = self._room.calls.get(own) or self._room.inbound.calls[own]
        if call.state not in (CallState.TALKING, InboundState.TALKING) or call.agent_id != command.agent_id:
            raise CallerError("agent.no_conversation", "There is no conversation now.")
        if call.controls is not None and call.controls.third:
            raise CallerError("transfer.one_at_a_time", "Somebody is brought in already: let him go first.")
        me = self._room.agents.get(command.actor_id)
        seated = me is not None and me.seat_id == command.seat_id
        if seated and me is not None and me.state not in (AgentState.READY, AgentState.PAUSED):
            raise CallerError("agent.busy", "You have a conversation yourself.")
        if seated:  # his own record shows the customer then
            self._core.agents.show_card(command.actor_id, self._room.cards.get(own), call.campaign_id or None)
            if me is not None and me.state is AgentState.READY:
                self._core.agents.apply(command.actor_id, AgentEvent(Kind.RESERVE, conversation_id=own))
        try:
            await self._bus.request(
                cmd.HandOver(
                    conversation_id=own, seat_id=command.seat_id, agent_id=command.actor_id if seated else "",
                    wait_s=_TAKES_OVER_WITHIN_S,
                ),
                timeout_s=WORKER_TIMEOUT_S,
            )  # fmt: skip
        except CallboxError:
            if seated:
                self._core.agents.try_apply(command.actor_id, AgentEvent(Kind.WITHDRAWN, conversation_id=own))
            raise
        self._tell(command.agent_id, name, "taken_over")
        self._auditor.note(command, "agent.taken_over", f"user:{command.agent_id}", conversation=own)
        return Done(id=own)

    async def force(self, command: cmd.ForceState) -> Done:
        """Make an agent ready, pause him or sign him out; during a conversation it applies after it.

        Out of a wrap-up he goes at once; a result that he has not set stays open.
        """
        kind = FORCED.get(command.state)
        if kind is None:
            raise CallerError("agent.unknown_state", f"Use one of {', '.join(FORCED)}.", state=command.state)
        name = await self._allowed(command, command.agent_id)
        before = self._core.agents.get(command.agent_id)
        self._tell(command.agent_id, name, command.state)
        if before.state is AgentState.WRAP_UP and kind is Kind.READY:
            self._core.agents.apply(command.agent_id, AgentEvent(Kind.WRAP_UP_OVER))
        if self._core.agents.get(command.agent_id).state is not AgentState.READY or kind is not Kind.READY:
            self._core.agents.apply(command.agent_id, AgentEvent(kind, reason=command.reason))
        left = self._room.agents.get(command.agent_id)
        if left is not None and left.state is AgentState.WRAP_UP:
            self._core.agents.apply(command.agent_id, AgentEvent(Kind.WRAP_UP_OVER))
        after = self._room.agents.get(command.agent_id)
        self._core.agents.show(command.agent_id)
        self._auditor.note(command, "agent.forced", f"user:{command.agent_id}", state=command.state,
                           before=before.state.value, reason=command.reason)  # fmt: skip
        state = after.state if after is not None else AgentState.OFFLINE
        pending = after.pending.value if after is not None and after.pending is not None else None
        return Done(id=command.agent_id, data={"state": state.value, "pending": pending})

    # ---- helpers ------------------------------------------------------------------------------------------

    async def _allowed(self, command: cmd.UserCommand, agent_id: str, seat_id: str = "") -> str:
        """Return the supervisor's name; raises NotAllowedError, and CallerError for a seat he cannot have."""

        def read(session: Session) -> tuple[str, models.Seat | None]:
            who = users.require(session, command.actor_id, Permission.AGENTS_SUPERVISE)
            if not users.in_reach(session, who, Permission.AGENTS_SUPERVISE, agent_id):
                raise NotAllowedError("agent.not_in_team", "This agent is not in your department.")
            user = session.get(models.User, command.actor_id)
            name = (user.display_name or user.login) if user is not None else command.actor_id
            return name, configuration.seat(session, seat_id) if seat_id else None

        name, seat = await self._writer.read(read)
        if seat is not None:
            check_seat(self._room, seat, command.actor_id)
        return name

    def _conversation(self, agent_id: str) -> str:
        own = self._core.agents.get(agent_id).conversation_id
        if own is None or not (own in self._room.calls or own in self._room.inbound.calls):
            raise CallerError("agent.no_conversation", "There is no conversation now.")
        return own

    def _tell(self, agent_id: str, by: str, what: str) -> None:
        desk = self._room.desks.get(agent_id)
        if desk is not None:
            desk.told = Told(by=by, what=what, at=self._core.clock.now())
