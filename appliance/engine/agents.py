"""The agents of the room: one event at a time goes into their state machine, and what comes out is carried out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from appliance.clock import Clock
from appliance.domain import agent as agent_machine
from appliance.domain.agent import Agent, AgentEvent, WrapUp
from appliance.domain.call_model import Call, CallState
from appliance.domain.call_steps import later
from appliance.engine.effects import Effects
from appliance.engine.pace import Pace
from appliance.engine.room import Desk, LeadCard, Room
from appliance.engine.timers import Timers
from appliance.errors import CallerError, NotFoundError
from appliance.logs import get_logger
from appliance.settings import DiallingSettings
from appliance.store.repositories import agents as agent_rows
from appliance.store.repositories import attempts, leads
from appliance.types import AgentState


class Agents:
    """Applies events to agents, and keeps what stands on their screens."""

    def __init__(
        self, room: Room, effects: Effects, dialling: DiallingSettings, clock: Clock, timers: Timers, pace: Pace
    ) -> None:  # fmt: skip
        self._room, self._effects, self._dialling = room, effects, dialling
        self._clock, self._timers, self._pace = clock, timers, pace
        self.became_ready: Callable[[], None] = lambda: None  # somebody may be waiting for this agent
        self._log = get_logger()

    def get(self, agent_id: str) -> Agent:
        """Return a signed-in agent; raises NotFoundError `agent.not_logged_in`."""
        found = self._room.agents.get(agent_id)
        if found is None:
            raise NotFoundError("agent.not_logged_in", "Sign in at a seat first.", agent=agent_id)
        return found

    def wrap_up(self, campaign_id: str) -> WrapUp:
        config = self._room.config(campaign_id)
        limit_s = self._dialling.wrap_up_s if config.wrap_up_s is None else config.wrap_up_s
        return WrapUp(config.wrap_up_mode, limit_s, AgentState(config.after_wrap_up))

    def show_card(self, agent_id: str, card: LeadCard | None, campaign_id: str | None) -> None:
        """Put a record on the agent's screen (None: take it away)."""
        desk = self._room.desks[agent_id]
        desk.card, desk.campaign_id = card, campaign_id
        desk.popped_at = self._clock.now() if card else None
        desk.preview_ends = None

    def show(self, agent_id: str) -> None:
        """Something on an agent's desk changed."""
        self._effects.agent_changed(agent_id)

    def apply(self, agent_id: str, event: AgentEvent) -> None:
        """Apply one event to one agent; raises CallerError when it is not possible now."""
        before = self.get(agent_id)
        now = self._clock.now()
        after, commands = agent_machine.step(before, event, now)
        if after == before:
            return
        self._room.agents[agent_id] = after
        desk = self._room.desks[agent_id]
        if after.wrap_up_ends != before.wrap_up_ends:
            over = AgentEvent(agent_machine.Kind.WRAP_UP_OVER)
            self._timers.set("agent " + agent_id, after.wrap_up_ends, lambda: self.try_apply(agent_id, over))
        self._pace.agent_changed(before.state, after, desk.campaign_id)
        for command in commands:
            self._carry_out(after, desk, command, now)
        self._effects.write(lambda session: agent_rows.save(session, desk.session_id, after, now))
        if after.state in (AgentState.READY, AgentState.PAUSED, AgentState.OFFLINE):
            self.show_card(agent_id, None, None)
        self._effects.agent_changed(agent_id)
        self._effects.room_changed()
        if after.state is AgentState.OFFLINE:
            del self._room.agents[agent_id], self._room.desks[agent_id]
        if after.state is AgentState.READY and before.state is not AgentState.READY:
            self.became_ready()
            self._effects.lines_changed()

    def _carry_out(self, agent: Agent, desk: Desk, command: agent_machine.AgentCommand, now: datetime) -> None:
        if isinstance(command, agent_machine.StateChanged):
            self._log.info("agent", agent=agent.agent_id, state=command.state.value, reason=command.reason)
            self._effects.write(
                lambda session: agent_rows.log_state(session, agent.agent_id, command.state, command.reason, now)
            )
        elif isinstance(command, agent_machine.DisposeNone):
            self._effects.write(lambda session: attempts.dispose_none(session, command.conversation_id, now))
        elif desk.card is not None:
            self.release_lead(desk.card.lead_id, desk.campaign_id, 0.0)

    def release_lead(self, lead_id: str, campaign_id: str | None, wait_s: float) -> None:
        """Put a previewed lead back among those that wait."""
        due_at = later(self._clock.now(), wait_s)
        self._effects.write(lambda session: leads.release(session, lead_id, due_at))
        campaign = self._room.campaigns.get(campaign_id or "")
        if campaign is not None:
            campaign.lead_returned(due_at)
        self._effects.room_changed(campaign_id)

    def try_apply(self, agent_id: str, event: AgentEvent) -> None:
        """Apply an event of the engine's own; an agent who left meanwhile is no error."""
        try:
            self.apply(agent_id, event)
        except CallerError as error:
            self._log.warning("agent event ignored", agent=agent_id, kind=event.kind.value, error_id=error.error_id)

    def restore(self, agent: Agent, desk: Desk) -> None:
        """Take an agent from his stored session into the room."""
        self._room.agents[agent.agent_id], self._room.desks[agent.agent_id] = agent, desk
        self._pace.agent_changed(AgentState.OFFLINE, agent, desk.campaign_id)
        over = AgentEvent(agent_machine.Kind.WRAP_UP_OVER)
        self._timers.set("agent " + agent.agent_id, agent.wrap_up_ends, lambda: self.try_apply(agent.agent_id, over))

    def bind(self, call: Call) -> None:
        """Make an agent's state fit a conversation that lived on without us."""
        agent_id = call.agent_id or ""
        agent = self._room.agents[agent_id]
        self.show_card(agent_id, self._room.cards.get(call.attempt_id), call.campaign_id)
        if call.state is CallState.TALKING:
            if agent.state is not AgentState.TALKING:
                self.try_apply(agent_id, AgentEvent(agent_machine.Kind.CONNECTED, conversation_id=call.attempt_id))
        elif agent.state is AgentState.READY:
            self.try_apply(agent_id, AgentEvent(agent_machine.Kind.RESERVE, conversation_id=call.attempt_id))
