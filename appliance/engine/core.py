"""The heart of the engine: an event goes into the domain, what comes out is carried out. The only writer of the room.

All methods are synchronous and run in the one loop, so nothing comes between a verdict and the command that follows it.
What takes time (bus, store) is handed to `Effects`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime

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
from appliance.engine.agents import Agents
from appliance.engine.effects import Effects
from appliance.engine.inbound_views import may_serve
from appliance.engine.pace import Pace
from appliance.engine.recycling import Recycler
from appliance.engine.room import LeadCard, Room
from appliance.engine.terms import Terms, terms_of
from appliance.engine.timers import Timers
from appliance.errors import CallboxError
from appliance.events import ConversationEvent
from appliance.logs import get_logger
from appliance.settings import DiallingSettings
from appliance.store.repositories import attempts, leads
from appliance.types import AgentState, LeadState, Outcome

_TRUNK_REST_MAX_S = 30.0
_NEARLY_UP_S = 2.5
"""What is left of a person's time when he goes before callers: all of it, unless a greeting keeps him."""


def _on_other_number(session: Session, said: LeadChange | None, call: Call) -> LeadChange | None:
    """The agent named another number of the person: the lead goes on there."""
    if said is not None or leads.number_of(session, call.lead_id) == call.number:
        return said
    return LeadChange(LeadState.WAITING, leads.next_attempt_at(session, call.lead_id))


class Core:
    """Applies events to calls; the agents of the room stand in `agents`."""

    def __init__(self, room: Room, effects: Effects, dialling: DiallingSettings, clock: Clock) -> None:
        self.room = room
        self.clock = clock
        self._effects = effects
        self._dialling = dialling
        self.pace = Pace(room, dialling, clock)
        self.recycler = Recycler(dialling.timezone)
        self.timers = Timers(clock)
        self.agents = Agents(room, effects, dialling, clock, self.timers, self.pace)
        self.agents.became_ready = self.serve_waiting
        self.unreachable_seats: set[str] = set()  # whose alert stands
        self.callers_first: Callable[[], None] = lambda: None  # gives ready agents to those who called us
        self._log = get_logger()

    # ---- calls ------------------------------------------------------------------------------------------

    def open_call(self, call: Call, card: LeadCard) -> None:
        """Take a new attempt, already written, into the room."""
        self.room.calls[call.attempt_id] = call
        self.room.cards[call.attempt_id] = card
        self.room.last_sign_s[call.attempt_id] = self.clock.monotonic_s()
        self.timers.set(call.attempt_id, call.deadline, lambda: self.apply(call.attempt_id, model.Expired()))
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
            self.timers.set(attempt_id, call.deadline, lambda: self.apply(attempt_id, model.Expired()))
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
            self.agents.try_apply(notice.agent_id, AgentEvent(agents.Kind.WITHDRAWN, conversation_id=conversation_id))
        elif isinstance(notice, AgentUnreachable):
            self._unreachable(notice.agent_id, notice.seat_id, conversation_id)
        else:
            wrap_up = WrapUp() if notice.taken_off else self.agents.wrap_up(campaign_id)
            ended = AgentEvent(agents.Kind.ENDED, conversation_id=conversation_id, wrap_up=wrap_up)
            self.agents.try_apply(notice.agent_id, ended)

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
            self.agents.show_card(agent.agent_id, card, call.campaign_id)
            self.agents.apply(agent.agent_id, AgentEvent(agents.Kind.RESERVE, conversation_id=attempt_id))
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

    def terms(self, config: CampaignConfig) -> Terms:
        """What a campaign's calls run under."""
        return terms_of(config, self._dialling)

    def third(self, notice: ThirdNotice, conversation_id: str) -> None:
        """Somebody else came into a conversation, or left it; or it stands otherwise."""
        if isinstance(notice, ThirdJoined):
            self.agents.try_apply(notice.agent_id, AgentEvent(agents.Kind.CONNECTED, conversation_id=conversation_id))
        elif isinstance(notice, ThirdGone):
            self.agents.try_apply(notice.agent_id, AgentEvent(agents.Kind.ENDED, conversation_id=conversation_id))
        else:
            self._effects.agent_changed(notice.agent_id)

    def free_others(self, conversation_id: str) -> None:
        """A conversation is over: whoever was still promised to it is free."""
        bound = (AgentState.RESERVED, AgentState.TALKING)
        for agent in list(self.room.agents.values()):
            if agent.conversation_id == conversation_id and agent.state in bound:
                ended = AgentEvent(agents.Kind.ENDED, conversation_id=conversation_id)
                self.agents.try_apply(agent.agent_id, ended)

    def _agent_connected(
        self, agent_id: str, conversation_id: str, seat_id: str | None, card: LeadCard | None, campaign_id: str | None
    ) -> None:
        """An agent and a customer hear each other."""
        desk = self.room.desks.get(agent_id)
        if desk is not None and desk.card is None:
            self.agents.show_card(agent_id, card, campaign_id)
        self.agents.try_apply(agent_id, AgentEvent(agents.Kind.CONNECTED, conversation_id=conversation_id))
        if seat_id in self.unreachable_seats:
            self.unreachable_seats.discard(seat_id)
            self._effects.seat_alert(seat_id, raised=False)

    def _unreachable(self, agent_id: str, seat_id: str, conversation_id: str) -> None:
        """The phone of an agent did not answer for a conversation."""
        self.unreachable_seats.add(seat_id)
        self._effects.seat_alert(seat_id, raised=True)
        self.agents.try_apply(agent_id, AgentEvent(agents.Kind.SEAT_LOST, conversation_id=conversation_id))

    def _close(self, call: Call, verdict: Verdict) -> None:
        room, now = self.room, self.clock.now()
        del room.calls[call.attempt_id]
        card = room.cards.pop(call.attempt_id, None)
        room.last_sign_s.pop(call.attempt_id, None)
        self.timers.set(call.attempt_id, None, lambda: None)
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

    # ---- after a restart ------------------------------------------------------------------------------

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
