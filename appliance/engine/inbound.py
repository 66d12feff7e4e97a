"""Callers: matched, written, answered, given to agents; what they hear while they wait; back after a restart.

Like `core`, synchronous but for what waits for the store; only `event` and `restore` do.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from sqlalchemy.orm import Session

from appliance.commands import ConnectSeat, ConversationCommand, Hangup, PlayPrompt
from appliance.domain import agent as agents
from appliance.domain import inbound, inbound_call
from appliance.domain import inbound_model as model
from appliance.domain import inbound_prompts as prompts
from appliance.domain.agent import AgentEvent
from appliance.domain.conversation import AgentConnected, AgentFree, AgentUnreachable, ConversationOver
from appliance.domain.inbound_config import is_open, parse_queue, queue_of
from appliance.domain.inbound_model import InboundCall, InboundOutcome, InboundPolicy, InboundState
from appliance.domain.numbers import Number, country, parse_number
from appliance.domain.third_party import ShowAgent, ThirdGone, ThirdJoined
from appliance.engine.choosing import card_of
from appliance.engine.core import Core
from appliance.engine.effects import Effects
from appliance.engine.inbound_room import CallerFacts, CallerQueue, Known
from appliance.engine.inbound_views import loads, may_serve, policy_of, same_need, wait_s
from appliance.engine.room import LeadCard
from appliance.engine.writer import Writer
from appliance.errors import CallboxError, StoreError
from appliance.events import ConversationEvent, InboundOffered, InboundUnserved
from appliance.logs import get_logger
from appliance.settings import DiallingSettings
from appliance.store import models
from appliance.store.repositories import inbound as rows
from appliance.types import E164, AgentState

_HOPS_MAX = 3
_UNAVAILABLE = 480


class Inbound:
    """One method per thing that happens; `core` and its room belong to the engine."""

    def __init__(self, core: Core, effects: Effects, writer: Writer, dialling: DiallingSettings) -> None:
        self._core, self._effects, self._writer, self._dialling = core, effects, writer, dialling
        self._room = core.room
        self._callers = core.room.inbound
        self._clock = core.clock
        self._log = get_logger()
        self._callers.zone = dialling.timezone
        core.callers_first = self.serve

    async def load(self) -> None:
        """Read the queues; callers who wait keep the figures they came in under."""
        fresh: dict[str, CallerQueue] = {}
        for row in await self._writer.read(rows.queues):
            try:
                config = parse_queue(row.config)
            except CallboxError as error:
                self._log.error("queue config", queue=row.id, error_id=error.error_id, message=error.message)
                continue
            known = self._callers.queues.get(row.id) or CallerQueue(row.id, row.name, config)
            known.name, known.config = row.name, config
            fresh[row.id] = known
        self._callers.queues = fresh
        self._effects.room_changed()

    # ---- from the workers -----------------------------------------------------------------------------------

    async def event(self, event: ConversationEvent) -> None:
        """Apply a worker's event of a caller; all others are not for us."""
        call_id = event.conversation_id
        if call_id in self._callers.calls:
            self._room.last_sign_s[call_id] = self._clock.monotonic_s()
            self.apply(call_id, event)
        elif isinstance(event, InboundOffered):
            await self._offered(event)
        elif isinstance(event, InboundUnserved):
            self._unserved(event)

    def _unserved(self, event: InboundUnserved) -> None:
        """No worker was free for him: he is among the missed calls, whom somebody calls back."""
        at = inbound_call.at(event)
        called = self._e164(event.called)
        queue = self._queue_of(called)
        call = InboundCall(
            event.conversation_id, event.trunk_id, self._caller(event.caller), called, at=at,
            queue_id=queue.queue_id if queue is not None else "", state=InboundState.ENDED, ended_at=at,
            reason="no_worker",
        )  # fmt: skip

        def work(session: Session) -> None:
            if rows.get(session, call.call_id) is None:  # told twice
                matched, _, _ = self._matched(session, call, queue)
                rows.add(session, matched)
                rows.save(session, matched, InboundOutcome.MISSED)

        self._effects.write(work)
        self._log.warning("caller not served", conversation=call.call_id, trunk=call.trunk_id, pii_caller=call.caller)

    async def _offered(self, event: InboundOffered) -> None:
        """Write the caller, with what was decided about him, before he is answered."""
        now = self._clock.now()
        call = InboundCall(
            event.conversation_id, event.trunk_id, self._caller(event.caller), self._e164(event.called),
            at=inbound_call.at(event),
        )  # fmt: skip
        queue = self._queue_of(call.called)
        call, _ = inbound_call.step(call, event, now)
        call, commands = inbound_call.step(call, self._decision(queue, now), now)

        def work(session: Session) -> tuple[InboundCall, Known, LeadCard | None] | None:
            if rows.get(session, call.call_id) is not None:
                return None  # told again after a restart, and closed since
            matched = self._matched(session, call, queue)
            rows.add(session, matched[0])
            return matched

        try:
            found = await self._writer.now(work)
        except StoreError as error:
            self._log.error("caller not written, not answered", conversation=call.call_id, error_id=error.error_id)
            self._effects.send(Hangup(conversation_id=call.call_id, reason="store", sip_status=_UNAVAILABLE))
            return
        if found is None:
            return
        call, known, card = found
        if queue is not None:
            queue.arrivals.append(now)
        self._log.info("caller", conversation=call.call_id, trunk=call.trunk_id, queue=call.queue_id,
                       known=call.contact_id is not None, pii_caller=call.caller)  # fmt: skip
        self._take(call, known, card)
        for command in commands:
            self._carry_out(call.call_id, command)

    def _decision(self, queue: CallerQueue | None, now: datetime) -> model.Admitted | model.TurnedAway:
        if queue is None:
            return model.TurnedAway("", InboundPolicy(closed_prompt="closed", record=False))
        policy = policy_of(self._room, queue, self._dialling.seat_answer_timeout_s, now)
        if is_open(queue.config, self._dialling.timezone, now):
            return model.Admitted(queue.queue_id, policy)
        return model.TurnedAway(queue.queue_id, policy)

    def _queue_of(self, called: str) -> CallerQueue | None:
        found = queue_of(called, ((q.queue_id, q.config) for q in self._callers.queues.values()))
        return self._callers.queues.get(found or "")

    def _caller(self, number: str) -> str:
        """Return the caller's number; empty when it is withheld, whatever word the gateway has for that."""
        shown = self._e164(number)
        return shown if shown.removeprefix("+").isdigit() else ""

    def _e164(self, number: str) -> str:
        """Return a number as the box writes it, also where the trunk has no rules; what is none stays as it is."""
        read = parse_number(number, self._dialling.default_region) if number else None
        return read.e164 if isinstance(read, Number) else number[:20]

    def _matched(
        self, session: Session, call: InboundCall, queue: CallerQueue | None
    ) -> tuple[InboundCall, Known, LeadCard | None]:
        """Return the caller with his person and his newest record."""
        found = rows.caller_of(session, call.caller)
        campaign_id = found.lead.campaign_id if found.lead is not None else queue.config.campaign_id if queue else ""
        call = model.recognised(
            call, contact_id=found.contact_id, lead_id=found.lead.id if found.lead is not None else None,
            campaign_id=campaign_id,
        )  # fmt: skip
        card = card_of(found.lead) if found.lead is not None else None
        return call, Known(found.last_agent_id, found.history), card

    def _take(self, call: InboundCall, known: Known, card: LeadCard | None) -> None:
        """Take a caller, already written, into the room."""
        self._callers.calls[call.call_id], self._callers.known[call.call_id] = call, known
        self._room.cards[call.call_id] = self._card(call, known, card)
        self._room.last_sign_s[call.call_id] = self._clock.monotonic_s()
        self._core.timers.set(call.call_id, call.deadline, lambda: self.apply(call.call_id, model.Expired()))
        self._effects.room_changed()
        self._effects.lines_changed()

    def _card(self, call: InboundCall, known: Known, card: LeadCard | None) -> LeadCard:
        queue = self._callers.queues.get(call.queue_id)
        is_number = inbound_call.may_be_called_back(call)
        facts = CallerFacts(
            queue.name if queue is not None else "", (country(E164(call.caller)) or "") if is_number else "",
            call.contact_id is not None, known.history,
        )  # fmt: skip
        return replace(card or LeadCard(lead_id="", number=call.caller), caller=facts)

    # ---- one caller -------------------------------------------------------------------------------------------

    def apply(self, call_id: str, event: model.InboundEvent) -> None:
        """Apply one event to one caller and carry out what follows."""
        before = self._callers.calls.get(call_id)
        if before is None:
            return
        call, commands = inbound_call.step(before, event, self._clock.now())
        self._callers.calls[call_id] = call
        if call.deadline != before.deadline:
            self._core.timers.set(call_id, call.deadline, lambda: self.apply(call_id, model.Expired()))
        if call.state is not before.state or call.queue_id != before.queue_id:
            self._log.info("caller", conversation=call_id, was=before.state.value, now=call.state.value,
                           queue=call.queue_id, event_type=type(event).__name__)  # fmt: skip
            if call.state is not InboundState.ENDED:
                self._effects.write(lambda session: rows.save(session, call))
            self._effects.room_changed()
            self.look_ahead()
        for command in commands:
            self._carry_out(call_id, command)

    def _carry_out(self, call_id: str, command: model.Notice | ConversationCommand) -> None:
        call = self._callers.calls.get(call_id)
        if call is None:
            return
        match command:
            case ConversationCommand():
                self._effects.send(command)
            case model.FindAgent():
                self._core.serve_waiting()
            case model.Announce():
                self._announce(call)
            case model.Overflowed():
                self._overflowed(call)
            case model.CallBack():
                self._call_back(call)
            case AgentConnected() | AgentFree() | AgentUnreachable() | ConversationOver():
                self._core.agent_notice(command, call_id, call.seat_id, call.campaign_id)
            case model.PassedTo(queue_id=queue_id):
                self._passed_to(call, queue_id)
            case ShowAgent() | ThirdJoined() | ThirdGone():
                self._core.third(command, call_id)
            case model.Ended(outcome=outcome):
                self._close(call, outcome)
            case model.Decide():
                """He was decided about when he was written."""

    def serve(self) -> None:
        """Give ready agents to those who wait, who waits longest first."""
        for waiting in self._callers.waiting():
            call = self._callers.calls.get(waiting.call_id)
            if call is None or not call.waits:
                continue
            queue = self._callers.queues.get(call.queue_id)
            wanted = queue.config.skills if queue is not None else {}
            known = self._callers.known.get(call.call_id, Known())
            serves = may_serve(self._room, queue)
            agent = inbound.choose(self._room.agents.values(), wanted, known.last_agent_id, serves)
            if agent is None or agent.seat_id is None:
                continue
            self._core.agents.show_card(agent.agent_id, self._room.cards.get(call.call_id), call.campaign_id or None)
            self._core.agents.apply(
                agent.agent_id, AgentEvent(agents.Kind.RESERVE, conversation_id=call.call_id)
            )
            self.apply(call.call_id, model.AgentFound(agent.agent_id, agent.seat_id))
        self.look_ahead()

    def look_ahead(self) -> None:
        """Say anew how many agents callers will need; dialling looks again when that has changed."""
        before, self._room.inbound_loads = self._room.inbound_loads, loads(self._room, self._clock.now())
        if not same_need(before, self._room.inbound_loads):
            self._effects.lines_changed()

    # ---- what a caller hears -------------------------------------------------------------------------------

    def _announce(self, call: InboundCall) -> None:
        """Say him his place, how long it may take, and that he may be called back instead."""
        queue = self._callers.queues.get(call.queue_id)
        if call.state is not InboundState.WAITING or queue is None:
            return
        config, language = queue.config, call.policy.language
        position = self._callers.position(call)
        said = [prompts.position_prompt(language, position)] if config.announce_position else []
        if config.announce_wait:
            said.append(prompts.wait_prompt(language, wait_s(self._room, queue, position)))
        if call.policy.callback_key and inbound_call.may_be_called_back(call):
            said.append(prompts.sentence(language, prompts.CALLBACK_OFFER))
        if said:
            self._effects.send(PlayPrompt(conversation_id=call.call_id, prompt_id=said[0], then=tuple(said[1:])))

    def _overflowed(self, call: InboundCall) -> None:
        queue = self._callers.queues.get(call.queue_id)
        other = self._callers.queues.get(queue.config.overflow_queue) if queue is not None else None
        full = other is None or other is queue or call.hops >= _HOPS_MAX
        now = self._clock.now()
        if other is None or full or not is_open(other.config, self._dialling.timezone, now):
            self.apply(call.call_id, model.TurnedAway(call.queue_id, call.policy))
        else:
            policy = policy_of(self._room, other, self._dialling.seat_answer_timeout_s, now)
            self.apply(call.call_id, model.Moved(other.queue_id, policy))

    def _passed_to(self, call: InboundCall, queue_id: str) -> None:
        """His agent has passed him on to a queue: he waits there, or goes on where he was when it is gone."""
        queue = self._callers.queues.get(queue_id)
        if queue is None:
            self._core.serve_waiting()
            return
        policy = policy_of(self._room, queue, self._dialling.seat_answer_timeout_s, self._clock.now())
        self.apply(call.call_id, model.Moved(queue_id, policy))

    def _call_back(self, call: InboundCall) -> None:
        queue = self._callers.queues.get(call.queue_id)
        campaign_id = queue.config.campaign_id if queue is not None else ""
        now = self._clock.now()

        def work(session: Session) -> None:
            row = rows.get(session, call.call_id)
            if row is None or row.callback_at is not None:  # once, also when it is said again after a restart
                return
            if rows.call_back(session, row, campaign_id, now) is not None:  # else he stays among the missed
                row.callback_at = call.callback_at

        self._effects.write(work)
        for wanted in {campaign_id, call.campaign_id}:
            if wanted in self._room.campaigns:
                self._room.campaigns[wanted].lead_returned(now)
        self._effects.lines_changed()

    # ---- ends ---------------------------------------------------------------------------------------------------

    def _close(self, call: InboundCall, outcome: InboundOutcome) -> None:
        del self._callers.calls[call.call_id]
        self._callers.known.pop(call.call_id, None)
        self._room.cards.pop(call.call_id, None)
        self._room.last_sign_s.pop(call.call_id, None)
        self._core.timers.set(call.call_id, None, lambda: None)
        queue = self._callers.queues.get(call.queue_id)
        if queue is not None and call.bridged_at is not None and call.ended_at is not None:
            wrap_up_s = self._core.agents.wrap_up(call.campaign_id).limit_s or 0.0
            queue.handling.learn((call.ended_at - call.bridged_at).total_seconds() + wrap_up_s / 2)
        agent_id = call.agent_id if call.bridged_at is not None else None

        def work(session: Session) -> None:
            rows.save(session, call, outcome)
            lead = session.get(models.Lead, call.lead_id) if call.lead_id else None
            if lead is not None and agent_id is not None:
                lead.last_agent_id = agent_id

        self._effects.write(work)
        self._core.free_others(call.call_id)
        self._log.info("caller gone", conversation=call.call_id, outcome=outcome.value, wait_s=round(call.wait_s, 1))
        self._effects.room_changed()
        self._effects.lines_changed()

    def command_failed(self, command: ConversationCommand, error: CallboxError) -> None:
        """A worker did not take a command of a caller."""
        if isinstance(command, ConnectSeat):
            self.apply(command.conversation_id, model.SeatRefused(command.agent_id))
        elif isinstance(command, PlayPrompt) and command.hangup_after and error.error_id != "conversation.ended":
            self._effects.send(Hangup(conversation_id=command.conversation_id, reason="no_prompt"))

    def without_worker(self, call_id: str) -> None:
        """Close a caller who shows no sign of life."""
        self.apply(call_id, model.WorkerGone())

    # ---- after a restart ------------------------------------------------------------------------------------

    def take_restored(self, call: InboundCall, known: Known, card: LeadCard | None) -> None:
        """Take a caller into the room as rows and stream tell him; what the worker may have missed is said again."""
        self._take(call, known, card)
        if call.callback_at is not None:
            self._call_back(call)
        if call.state is InboundState.ENDED:
            self._close(call, inbound_call.outcome_of(call))
        elif call.state is InboundState.ANSWERING:
            self._effects.send(inbound_call.answer(call))
        elif call.waits:
            self._effects.send(inbound_call.music(call))
        elif call.state is InboundState.CLOSING:
            self._effects.send(Hangup(conversation_id=call.call_id, reason="resumed"))
        elif call.agent_id in self._room.agents:
            self._bind(call)

    def _bind(self, call: InboundCall) -> None:
        """Make an agent's state fit a conversation that lived on without us."""
        agent_id = call.agent_id or ""
        agent = self._room.agents[agent_id]
        self._core.agents.show_card(agent_id, self._room.cards.get(call.call_id), call.campaign_id or None)
        talking = call.state is InboundState.TALKING
        kind = agents.Kind.CONNECTED if talking else agents.Kind.RESERVE
        wrong = agent.state is not AgentState.TALKING if talking else agent.state is AgentState.READY
        if wrong:
            self._core.agents.try_apply(agent_id, AgentEvent(kind, conversation_id=call.call_id))
