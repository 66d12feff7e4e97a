"""The heart of the engine: an event goes into the domain, what comes out is carried out. The only writer of the room.

All methods are synchronous and run in the one loop, so nothing comes between a verdict and the command that follows it.
What takes time (bus, store) is handed to `Effects`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

from sqlalchemy.orm import Session

from appliance.clock import Clock
from appliance.commands import ConnectSeat, ConversationCommand, Hangup, PlayPrompt
from appliance.domain import after_call, inbound, retry, routing
from appliance.domain import agent as agents
from appliance.domain import call as calls
from appliance.domain import call_message as message
from appliance.domain import call_model as model
from appliance.domain.agent import Agent, AgentEvent, WrapUp
from appliance.domain.call_model import Call, CallState
from appliance.domain.campaign import CampaignConfig
from appliance.domain.conversation import AgentConnected, AgentFree, AgentNotice, AgentUnreachable
from appliance.domain.outcome import Verdict
from appliance.domain.retry import LeadChange
from appliance.domain.third_party import ThirdGone, ThirdJoined, ThirdNotice
from appliance.engine.inbound_views import may_serve
from appliance.engine.pace import Pace
from appliance.engine.recycling import Recycler
from appliance.engine.room import Desk, LeadCard, Room
from appliance.engine.terms import Terms, terms_of
from appliance.errors import CallboxError, CallerError, NotFoundError
from appliance.events import ConversationEvent
from appliance.logs import get_logger
from appliance.settings import DiallingSettings
from appliance.store.repositories import agents as agent_rows
from appliance.store.repositories import attempts, leads
from appliance.types import AgentState, LeadState, Outcome

_TRUNK_REST_MAX_S = 30.0
_NEARLY_UP_S = 2.5
"""What is left of a person's time when he goes before callers: all of it, unless a greeting keeps him."""


class Effects(Protocol):
    """What the core asks of the outside; none of it waits."""

    def send(self, command: ConversationCommand) -> None:
        """Send a command to a worker; a failure comes back through `Core.command_failed`."""

    def write(self, work: Callable[[Session], None]) -> None:
        """Write soon, in order."""

    def agent_changed(self, agent_id: str) -> None:
        """Show this agent at once."""

    def room_changed(self, campaign_id: str | None = None) -> None:
        """Show the room soon; count the campaign again if one is named."""

    def lines_changed(self) -> None:
        """There may be something to dial."""

    def fail_over(self, call: Call, card: LeadCard) -> None:
        """Dial a number through another trunk: its own one failed before the subscriber could answer."""

    def seat_alert(self, seat_id: str, raised: bool) -> None:
        """Raise or clear the alert of an unreachable phone."""


def _on_other_number(session: Session, said: LeadChange | None, call: Call) -> LeadChange | None:
    """The agent named another number of the person: the lead goes on there."""
    if said is not None or leads.number_of(session, call.lead_id) == call.number:
        return said
    return LeadChange(LeadState.WAITING, leads.next_attempt_at(session, call.lead_id))


class Core:
    """Applies events to calls and agents."""

    def __init__(self, room: Room, effects: Effects, dialling: DiallingSettings, clock: Clock) -> None:
        self.room = room
        self.clock = clock
        self._effects = effects
        self._dialling = dialling
        self.pace = Pace(room, dialling, clock)
        self.recycler = Recycler(dialling.timezone)
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self.unreachable_seats: set[str] = set()  # whose alert stands
        self.callers_first: Callable[[], None] = lambda: None  # gives ready agents to those who called us
        self._log = get_logger()

    # ---- calls ------------------------------------------------------------------------------------------

    def open_call(self, call: Call, card: LeadCard) -> None:
        """Take a new attempt, already written, into the room."""
        self.room.calls[call.attempt_id] = call
        self.room.cards[call.attempt_id] = card
        self.room.last_sign_s[call.attempt_id] = self.clock.monotonic_s()
        self.set_timer(call.attempt_id, call.deadline, lambda: self.apply(call.attempt_id, model.Expired()))
        self.pace.call_started(call, card.history)
        self._effects.room_changed()

    def conversation_event(self, event: ConversationEvent) -> None:
        """Apply a worker's event; one of an attempt that is closed or not ours is late and ignored."""
        if event.attempt_id in self.room.calls:
            self.room.last_sign_s[event.attempt_id] = self.clock.monotonic_s()
            self.apply(event.attempt_id, event)

    def apply(self, attempt_id: str, event: model.CallEvent) -> None:
        """Apply one event to one attempt and carry out what follows."""
        before = self.room.calls.get(attempt_id)
        if before is None:
            return
        call, commands = calls.step(before, event, self.clock.now())
        self.room.calls[attempt_id] = call
        self.pace.call_changed(before, call)
        if call.deadline != before.deadline:
            self.set_timer(attempt_id, call.deadline, lambda: self.apply(attempt_id, model.Expired()))
        if call.state is not CallState.HEARD and attempt_id in self.room.waiting:
            self.room.waiting.remove(attempt_id)
        if call.state is not before.state:
            self._log.info("call", conversation=attempt_id, was=before.state.value, now=call.state.value,
                           event_type=type(event).__name__)  # fmt: skip
            if call.state is not CallState.ENDED:
                self._effects.write(lambda session: attempts.save(session, call))
            self._effects.room_changed()
            self._effects.lines_changed()
        for command in commands:
            self._carry_out(call, command)

    def _carry_out(self, call: Call, command: model.Notice | ConversationCommand) -> None:
        if isinstance(command, ConversationCommand):
            self._effects.send(command)
        elif isinstance(command, model.FindAgent):
            self.room.waiting.append(call.attempt_id)
            self.serve_waiting()
            if call.attempt_id in self.room.waiting:
                self.apply(call.attempt_id, model.NobodyFree())
        elif isinstance(command, AgentNotice):
            self.agent_notice(command, call.attempt_id, call.seat_id, call.campaign_id)
        elif isinstance(command, ThirdNotice):
            self.third(command, call.attempt_id)
        elif isinstance(command, model.LateWord):
            agent = self.room.agents.get(command.agent_id)
            if agent is not None:
                self.pace.late_word(agent, call)
                self._effects.agent_changed(command.agent_id)
        else:
            self._close(call, command.verdict)

    def agent_notice(self, notice: AgentNotice, conversation_id: str, seat_id: str | None, campaign_id: str) -> None:
        """Carry out what a call or a caller says of its agent."""
        if isinstance(notice, AgentConnected):
            card = self.room.cards.get(conversation_id)
            self._agent_connected(notice.agent_id, conversation_id, seat_id, card, campaign_id or None)
        elif isinstance(notice, AgentFree):
            self.try_agent(notice.agent_id, AgentEvent(agents.Kind.WITHDRAWN, conversation_id=conversation_id))
        elif isinstance(notice, AgentUnreachable):
            self._unreachable(notice.agent_id, notice.seat_id, conversation_id)
        else:
            wrap_up = WrapUp() if notice.taken_off else self.wrap_up(campaign_id)
            ended = AgentEvent(agents.Kind.ENDED, conversation_id=conversation_id, wrap_up=wrap_up)
            self.try_agent(notice.agent_id, ended)

    def serve_waiting(self) -> None:
        """Give ready agents to the live people who wait, first come first.

        First to people we called whose time is nearly up (they have two seconds, and are abandoned then), then to
        callers, who hear music, then to the others we called (ADR 19).
        """
        soon = calls.later(self.clock.now(), _NEARLY_UP_S)
        self._serve([
            attempt_id for attempt_id in self.room.waiting
            if (deadline := self.room.calls[attempt_id].deadline) is not None and deadline <= soon
        ])  # fmt: skip
        self.callers_first()
        self._serve(list(self.room.waiting))

    def _serve(self, waiting: Sequence[str]) -> None:
        for attempt_id in waiting:
            call = self.room.calls.get(attempt_id)
            if call is None or attempt_id not in self.room.waiting:
                continue
            card = self.room.cards.get(attempt_id)
            agent = self._agent_for(call, card)
            if agent is None or agent.seat_id is None:
                continue
            self.show_card(agent.agent_id, card, call.campaign_id)
            self.apply_agent(agent.agent_id, AgentEvent(agents.Kind.RESERVE, conversation_id=attempt_id))
            self.apply(attempt_id, model.AgentFound(agent.agent_id, agent.seat_id))

    def _agent_for(self, call: Call, card: LeadCard | None) -> Agent | None:
        queue = self.room.inbound.queues.get(call.queue_id)
        if queue is not None:
            serves = may_serve(self.room, queue)
            return inbound.choose(self.room.agents.values(), queue.config.skills, None, serves)
        preferred = (card.callback_agent_id, card.last_agent_id) if card and not call.passed_on_s else ()
        elsewhere = {a for a, campaign_id in self.room.given.items() if campaign_id != call.campaign_id}
        return routing.pick(
            self.room.agents.values(), call.campaign_id, self.room.config(call.campaign_id), preferred,
            given_elsewhere=elsewhere,
        )  # fmt: skip

    def third(self, notice: ThirdNotice, conversation_id: str) -> None:
        """Somebody else came into a conversation, or left it; or it stands otherwise."""
        if isinstance(notice, ThirdJoined):
            self.try_agent(notice.agent_id, AgentEvent(agents.Kind.CONNECTED, conversation_id=conversation_id))
        elif isinstance(notice, ThirdGone):
            self.try_agent(notice.agent_id, AgentEvent(agents.Kind.ENDED, conversation_id=conversation_id))
        else:
            self._effects.agent_changed(notice.agent_id)

    def free_others(self, conversation_id: str) -> None:
        """A conversation is over: whoever was still promised to it is free."""
        bound = (AgentState.RESERVED, AgentState.TALKING)
        for agent in list(self.room.agents.values()):
            if agent.conversation_id == conversation_id and agent.state in bound:
                ended = AgentEvent(agents.Kind.ENDED, conversation_id=conversation_id)
                self.try_agent(agent.agent_id, ended)

    def _agent_connected(
        self, agent_id: str, conversation_id: str, seat_id: str | None, card: LeadCard | None, campaign_id: str | None
    ) -> None:
        """An agent and a customer hear each other."""
        desk = self.room.desks.get(agent_id)
        if desk is not None and desk.card is None:
            self.show_card(agent_id, card, campaign_id)
        self.try_agent(agent_id, AgentEvent(agents.Kind.CONNECTED, conversation_id=conversation_id))
        if seat_id in self.unreachable_seats:
            self.unreachable_seats.discard(seat_id)
            self._effects.seat_alert(seat_id, raised=False)

    def _unreachable(self, agent_id: str, seat_id: str, conversation_id: str) -> None:
        """The phone of an agent did not answer for a conversation."""
        self.unreachable_seats.add(seat_id)
        self._effects.seat_alert(seat_id, raised=True)
        self.try_agent(agent_id, AgentEvent(agents.Kind.SEAT_LOST, conversation_id=conversation_id))

    def _close(self, call: Call, verdict: Verdict) -> None:
        room, now = self.room, self.clock.now()
        del room.calls[call.attempt_id]
        card = room.cards.pop(call.attempt_id, None)
        room.last_sign_s.pop(call.attempt_id, None)
        self.set_timer(call.attempt_id, None, lambda: None)
        self._rest_trunk(call, verdict.outcome)
        self.pace.call_ended(call, verdict)
        config, attempts_before = room.config(call.campaign_id), card.attempts if card else 0
        change = after_call.lead_change(config, call, verdict, attempts_before=attempts_before, now=now)

        loop = asyncio.get_running_loop()

        def work(session: Session) -> None:
            row = attempts.get(session, call.attempt_id)
            if row is None or row.ended_at is not None:
                return
            said = None
            if row.disposed_at is not None:  # the agent spoke first; his call-back time stands in the lead
                said = retry.after_disposition(
                    config, row.disposition, callback_at=leads.next_attempt_at(session, call.lead_id),
                    attempts=attempts_before + 1, now=now,
                )  # fmt: skip
                said = _on_other_number(session, said, call)
            attempts.save(session, call, verdict)
            found = self.recycler.decide(session, config, call, verdict, change, now)
            leads.apply(
                session, call.lead_id, said or found, outcome=verdict.outcome, reason=verdict.outcome.value, now=now,
                agent_id=call.agent_id if call.bridged_at else None, keep_callback=said is not None,
                dialled=call.number,
            )  # fmt: skip
            due_at = leads.due_at(session, call.lead_id) if said is not None else None
            if due_at is not None:  # an agent's word may have led to another number
                loop.call_soon_threadsafe(self._lead_returned, call.campaign_id, due_at)

        self._effects.write(work)
        self.free_others(call.attempt_id)
        campaign = room.campaigns.get(call.campaign_id)
        if campaign is not None and change.next_attempt_at is not None:
            campaign.lead_returned(min(change.next_attempt_at, calls.later(now, retry.OTHER_NUMBER_S)))
        self._log.info("attempt closed", conversation=call.attempt_id, outcome=verdict.outcome.value,
                       abandoned=call.abandoned)  # fmt: skip
        if card is not None and after_call.may_fail_over(call, verdict):
            self._effects.fail_over(call, card)
        self._effects.room_changed(call.campaign_id)
        self._effects.lines_changed()

    def _lead_returned(self, campaign_id: str, due_at: datetime) -> None:
        campaign = self.room.campaigns.get(campaign_id)
        if campaign is not None:
            campaign.lead_returned(due_at)
            self._effects.lines_changed()

    def _rest_trunk(self, call: Call, outcome: Outcome) -> None:
        """A trunk that fails rests twice as long each time; Retry-After is obeyed as it stands."""
        trunk = self.room.trunks.get(call.trunk_id)
        if trunk is None:
            return
        now_s = self.clock.monotonic_s()
        if call.retry_after_s and call.answered_at is None:
            trunk.not_before_s = max(trunk.not_before_s, now_s + call.retry_after_s)
        if outcome is Outcome.TRUNK_FAILED:
            trunk.failures += 1
            trunk.not_before_s = max(trunk.not_before_s, now_s + min(_TRUNK_REST_MAX_S, 2.0 ** (trunk.failures - 1)))
        elif call.progressed or call.answered_at is not None:
            trunk.failures = 0

    def command_failed(self, command: ConversationCommand, error: CallboxError) -> None:
        """A worker did not take a command: a seat is free again, a customer is not left on a silent line."""
        over = error.error_id in ("conversation.ended", "bus.no_service")  # the call was quicker
        log = self._log.debug if over else self._log.warning
        log("command failed", conversation=command.conversation_id, command=type(command).__name__,
            error_id=error.error_id)  # fmt: skip
        if isinstance(command, ConnectSeat):
            self.apply(command.conversation_id, model.SeatRefused(command.agent_id))
        elif isinstance(command, PlayPrompt) and not over and not self._can_do_without(command):
            self._effects.send(Hangup(conversation_id=command.conversation_id, reason="abandoned"))

    def _can_do_without(self, command: PlayPrompt) -> bool:
        """A person who waits for an agent goes on waiting without it, and one who talks goes on talking."""
        call = self.room.calls.get(command.conversation_id)
        return call is not None and call.state in (CallState.HEARD, CallState.TALKING)

    # ---- agents -----------------------------------------------------------------------------------------

    def agent(self, agent_id: str) -> Agent:
        """Return a signed-in agent; raises NotFoundError `agent.not_logged_in`."""
        found = self.room.agents.get(agent_id)
        if found is None:
            raise NotFoundError("agent.not_logged_in", "Sign in at a seat first.", agent=agent_id)
        return found

    def terms(self, config: CampaignConfig) -> Terms:
        """What a campaign's calls run under."""
        return terms_of(config, self._dialling)

    def wrap_up(self, campaign_id: str) -> WrapUp:
        config = self.room.config(campaign_id)
        limit_s = self._dialling.wrap_up_s if config.wrap_up_s is None else config.wrap_up_s
        return WrapUp(config.wrap_up_mode, limit_s, AgentState(config.after_wrap_up))

    def show_card(self, agent_id: str, card: LeadCard | None, campaign_id: str | None) -> None:
        """Put a record on the agent's screen (None: take it away)."""
        desk = self.room.desks[agent_id]
        desk.card, desk.campaign_id = card, campaign_id
        desk.popped_at = self.clock.now() if card else None
        desk.preview_ends = None

    def show_agent(self, agent_id: str) -> None:
        """Something on an agent's desk changed."""
        self._effects.agent_changed(agent_id)

    def apply_agent(self, agent_id: str, event: AgentEvent) -> None:
        """Apply one event to one agent; raises CallerError when it is not possible now."""
        before = self.agent(agent_id)
        now = self.clock.now()
        after, commands = agents.step(before, event, now)
        if after == before:
            return
        self.room.agents[agent_id] = after
        desk = self.room.desks[agent_id]
        if after.wrap_up_ends != before.wrap_up_ends:
            over = AgentEvent(agents.Kind.WRAP_UP_OVER)
            self.set_timer("agent " + agent_id, after.wrap_up_ends, lambda: self.try_agent(agent_id, over))
        self.pace.agent_changed(before.state, after, desk.campaign_id)
        for command in commands:
            self._agent_command(after, desk, command, now)
        self._effects.write(lambda session: agent_rows.save(session, desk.session_id, after, now))
        if after.state in (AgentState.READY, AgentState.PAUSED, AgentState.OFFLINE):
            self.show_card(agent_id, None, None)
        self._effects.agent_changed(agent_id)
        self._effects.room_changed()
        if after.state is AgentState.OFFLINE:
            del self.room.agents[agent_id], self.room.desks[agent_id]
        if after.state is AgentState.READY and before.state is not AgentState.READY:
            self.serve_waiting()
            self._effects.lines_changed()

    def _agent_command(self, agent: Agent, desk: Desk, command: agents.AgentCommand, now: datetime) -> None:
        if isinstance(command, agents.StateChanged):
            self._log.info("agent", agent=agent.agent_id, state=command.state.value, reason=command.reason)
            self._effects.write(
                lambda session: agent_rows.log_state(session, agent.agent_id, command.state, command.reason, now)
            )
        elif isinstance(command, agents.DisposeNone):
            self._effects.write(lambda session: attempts.dispose_none(session, command.conversation_id, now))
        elif desk.card is not None:
            self.release_lead(desk.card.lead_id, desk.campaign_id, 0.0)

    def release_lead(self, lead_id: str, campaign_id: str | None, wait_s: float) -> None:
        """Put a previewed lead back among those that wait."""
        due_at = calls.later(self.clock.now(), wait_s)
        self._effects.write(lambda session: leads.release(session, lead_id, due_at))
        campaign = self.room.campaigns.get(campaign_id or "")
        if campaign is not None:
            campaign.lead_returned(due_at)
        self._effects.room_changed(campaign_id)

    def try_agent(self, agent_id: str, event: AgentEvent) -> None:
        """Apply an event of the engine's own; an agent who left meanwhile is no error."""
        try:
            self.apply_agent(agent_id, event)
        except CallerError as error:
            self._log.warning("agent event ignored", agent=agent_id, kind=event.kind.value, error_id=error.error_id)

    def restore_agent(self, agent: Agent, desk: Desk) -> None:
        """Take an agent from his stored session into the room."""
        self.room.agents[agent.agent_id], self.room.desks[agent.agent_id] = agent, desk
        self.pace.agent_changed(AgentState.OFFLINE, agent, desk.campaign_id)
        over = AgentEvent(agents.Kind.WRAP_UP_OVER)
        self.set_timer("agent " + agent.agent_id, agent.wrap_up_ends, lambda: self.try_agent(agent.agent_id, over))

    def bind_agent(self, call: Call) -> None:
        """Make an agent's state fit a conversation that lived on without us."""
        agent_id = call.agent_id or ""
        agent = self.room.agents[agent_id]
        self.show_card(agent_id, self.room.cards.get(call.attempt_id), call.campaign_id)
        if call.state is CallState.TALKING:
            if agent.state is not AgentState.TALKING:
                self.try_agent(agent_id, AgentEvent(agents.Kind.CONNECTED, conversation_id=call.attempt_id))
        elif agent.state is AgentState.READY:
            self.try_agent(agent_id, AgentEvent(agents.Kind.RESERVE, conversation_id=call.attempt_id))

    def hang_up_again(self, call: Call) -> None:
        """The command to hang up may have died with the engine that gave it."""
        self._effects.send(Hangup(conversation_id=call.attempt_id, reason="resumed"))

    def speak_again(self, call: Call) -> None:
        """The command to speak may have died with the engine that gave it: nobody is left in silence."""
        self._effects.send(message.prompt_of(call))

    def close_restored(self, call: Call, card: LeadCard) -> None:
        """Write an attempt that ended while we were away."""
        self.room.calls[call.attempt_id], self.room.cards[call.attempt_id] = call, card
        self._close(call, calls.verdict_of(call))

    # ---- timers -----------------------------------------------------------------------------------------

    def set_timer(self, key: str, when: datetime | None, action: Callable[[], None]) -> None:
        old = self._timers.pop(key, None)
        if old is not None:
            old.cancel()
        if when is not None:
            delay_s = max(0.0, (when - self.clock.now()).total_seconds())

            def fire() -> None:
                self._timers.pop(key, None)
                action()

            self._timers[key] = asyncio.get_running_loop().call_later(delay_s, fire)

    def stop(self) -> None:
        """Cancel all timers."""
        for handle in self._timers.values():
            handle.cancel()
        self._timers.clear()
