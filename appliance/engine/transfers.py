"""What an agent does with a call he has: pass it on, bring somebody in, mute, leave card data out, find it again."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from appliance import commands as cmd
from appliance.bus import Bus
from appliance.commands import Done
from appliance.domain.agent import AgentEvent, Kind
from appliance.domain.call_model import Call, CallState
from appliance.domain.call_steps import OUTSIDE_RINGS_S
from appliance.domain.compliance import Deny
from appliance.domain.inbound_config import is_open
from appliance.domain.inbound_model import InboundCall, InboundState
from appliance.domain.numbers import Number, parse_number
from appliance.engine.auditing import Auditor
from appliance.engine.core import Core
from appliance.engine.dialling import Dialler
from appliance.engine.writer import Writer
from appliance.errors import CallboxError, CallerError, NotFoundError
from appliance.logs import get_logger
from appliance.store import models
from appliance.store.repositories import configuration, users
from appliance.types import AgentState, LegRole, Permission

_WORKER_S = 2.0
_WAIT_MAX_S = 150.0  # less than a worker keeps a customer whom nobody attends to
_SEAT_RINGS_S = 15.0


@dataclass(frozen=True)
class Target:
    """Whom a customer is passed to; one of the four is given."""

    agent_id: str = ""
    seat_id: str = ""
    queue_id: str = ""
    number: str = ""
    trunk_id: str = ""
    caller_id: str = ""
    wait_s: float = 60.0


class Transfers:
    """One method per command; all raise CallboxError when it is not possible."""

    def __init__(
        self, core: Core, bus: Bus, writer: Writer, dialler: Dialler, *, zone: str, region: str,
        auditor: Auditor,
    ) -> None:  # fmt: skip
        self._core, self._bus, self._writer, self._dialler = core, bus, writer, dialler
        self._zone, self._region, self._auditor = zone, region, auditor
        self._room = core.room
        self._log = get_logger()

    # ---- the conversation -----------------------------------------------------------------------------------

    def _talk(self, agent_id: str) -> Call | InboundCall:
        """Return the conversation in which this agent talks with his customer."""
        own = self._core.agents.get(agent_id).conversation_id or ""
        call = self._room.calls.get(own) or self._room.inbound.calls.get(own)
        if call is None or call.state not in (CallState.TALKING, InboundState.TALKING):
            raise CallerError("agent.no_conversation", "There is no conversation now.")
        if call.agent_id != agent_id or call.outside:
            raise CallerError("transfer.not_yours", "You were brought in: only the customer's agent can do that.")
        return call

    async def _tell(self, command: cmd.ConversationCommand) -> None:
        await self._bus.request(command, timeout_s=_WORKER_S)

    async def mute(self, command: cmd.AgentMute) -> Done:
        own = _id(self._talk(command.actor_id))
        await self._tell(cmd.Mute(conversation_id=own, on=command.on))
        return Done(id=own)

    async def recording(self, command: cmd.AgentRecording) -> Done:
        """Pause the recording, or go on; the audit log says so, also when it can only be written a little later."""
        own = _id(self._talk(command.actor_id))
        await self._tell(cmd.PauseRecording(conversation_id=own, resume=not command.paused))
        self._auditor.note(command, "recording.paused" if command.paused else "recording.resumed", own)
        return Done(id=own)

    async def start_recording(self, command: cmd.AgentStartRecording) -> Done:
        """Record from now on, where it is the agent's choice."""
        own = _id(self._talk(command.actor_id))
        await self._tell(cmd.StartRecording(conversation_id=own))
        self._auditor.note(command, "recording.started", own)
        return Done(id=own)

    async def reattach(self, command: cmd.AgentReattach) -> Done:
        """Call the agent's phone again into the conversation that it has lost."""
        agent = self._core.agents.get(command.actor_id)
        own = agent.conversation_id or ""
        call = self._room.calls.get(own) or self._room.inbound.calls.get(own)
        if agent.state is not AgentState.TALKING or call is None or agent.seat_id is None:
            raise CallerError("agent.no_conversation", "There is no conversation now.")
        role = LegRole.SEAT if call.agent_id == agent.agent_id else LegRole.TRANSFER
        await self._tell(
            cmd.ConnectSeat(
                conversation_id=own, seat_id=agent.seat_id, agent_id=agent.agent_id, role=role, again=True,
                answer_timeout_s=_SEAT_RINGS_S,
            )
        )  # fmt: skip
        return Done(id=own)

    # ---- whom to ---------------------------------------------------------------------------------------------

    async def targets(self, command: cmd.TransferTargets) -> Done:
        """Return whom the agent may pass a customer to now."""
        own = self._core.agents.get(command.actor_id)

        def read(session: Session) -> tuple[list[models.Seat], bool]:
            may = users.actor(session, own.agent_id).may(Permission.CALLS_DIAL)
            return [seat for seat in configuration.seats(session) if seat.enabled], may

        seats, may_dial = await self._writer.read(read)
        taken = {agent.seat_id for agent in self._room.agents.values()}
        now = self._core.clock.now()
        desk = self._room.desks.get(own.agent_id)
        config = self._room.config(desk.campaign_id or "") if desk else None
        return Done(data={
            "agents": [
                {"id": a.agent_id, "name": a.display_name} for a in self._room.ready_agents() if a.seat_id
            ],
            "seats": [{"id": s.id, "name": s.display_name or s.id} for s in seats if s.id not in taken],
            "queues": [
                {"id": q.queue_id, "name": q.name} for q in self._room.inbound.queues.values()
                if is_open(q.config, self._zone, now)
            ],
            "numbers": may_dial or (config is not None and config.manual_dial),
        })  # fmt: skip

    async def _target(self, to: str, agent_id: str, call: Call | InboundCall) -> Target:
        kind, _, name = to.partition(":")
        if kind == "agent":
            other = self._room.agents.get(name)
            if other is None or other.seat_id is None or other.state is not AgentState.READY:
                raise CallerError("transfer.agent_busy", "This agent is not free now.", retryable=True)
            return Target(agent_id=name, seat_id=other.seat_id)
        if kind == "seat":
            if any(agent.seat_id == name for agent in self._room.agents.values()):
                raise CallerError("seat.in_use", f"Seat '{name}' is taken by an agent.", seat=name)
            seat = await self._writer.read(lambda session: configuration.seat(session, name))
            return Target(seat_id=seat.id)
        if kind == "queue":
            queue = self._room.inbound.queues.get(name)
            if queue is None:
                raise NotFoundError("queue.unknown", "There is no such queue.", queue=name)
            if not is_open(queue.config, self._zone, self._core.clock.now()):
                raise CallerError("transfer.queue_closed", f"The queue '{queue.name}' is closed now.", queue=queue.name)
            return Target(queue_id=name, wait_s=min(queue.config.max_wait_s, _WAIT_MAX_S))
        return await self._outside(to, agent_id, call)

    async def _outside(self, text: str, agent_id: str, call: Call | InboundCall) -> Target:
        """Ask the rules of the campaign whether this number may be called now, and find a line."""
        number = parse_number(text, self._region)
        if not isinstance(number, Number):
            raise CallerError(
                "number.invalid", f"This is no telephone number ({number.problem}).", reason=number.problem.value
            )
        campaign = self._room.campaigns.get(call.campaign_id)
        if campaign is None:
            raise CallerError("transfer.no_campaign", "This call belongs to no campaign: no outside number is called.")
        now = self._core.clock.now()

        def work(session: Session) -> Target:
            if not campaign.config.manual_dial:
                users.require(session, agent_id, Permission.CALLS_DIAL)
            verdict = self._dialler.chooser.third_party(session, campaign, number.e164, now)
            if isinstance(verdict, Deny):
                raise CallerError(
                    "preview.not_allowed", f"This number may not be called now ({verdict.rule_id}).",
                    rule=verdict.rule_id,
                )  # fmt: skip
            line = self._dialler.line(session, campaign, now)
            return Target(number=number.e164, trunk_id=line.trunk_id, caller_id=line.caller_id)

        return await self._writer.now(work)

    # ---- passing on ------------------------------------------------------------------------------------------

    async def transfer(self, command: cmd.AgentTransfer) -> Done:
        """Leave the customer to somebody at once, or call that one first (attended)."""
        call = self._talk(command.actor_id)
        if call.controls is not None and call.controls.third:
            raise CallerError("transfer.one_at_a_time", "Somebody is brought in already: let him go first.")
        target = await self._target(command.to, command.actor_id, call)
        call = self._talk(command.actor_id)  # the customer may have gone while the rules were asked
        if command.attended and target.queue_id:
            raise CallerError("transfer.queue_attended", "A queue cannot be asked first: pass the customer on at once.")
        if target.agent_id:
            self._core.agents.show_card(target.agent_id, self._room.cards.get(_id(call)), call.campaign_id or None)
            self._core.agents.apply(target.agent_id, AgentEvent(Kind.RESERVE, conversation_id=_id(call)))
        try:
            await self._tell(_consult(_id(call), target) if command.attended else _hand_over(_id(call), target))
        except CallboxError:
            if target.agent_id:
                withdrawn = AgentEvent(Kind.WITHDRAWN, conversation_id=_id(call))
                self._core.agents.try_apply(target.agent_id, withdrawn)
            raise
        kind = "number" if target.number else command.to.partition(":")[0]
        self._log.info("brought in" if command.attended else "passed on", conversation=_id(call),
                       agent=command.actor_id, to=kind)  # fmt: skip
        return Done(id=_id(call))

    async def third(self, command: cmd.AgentThird) -> Done:
        """How it goes on with the one who was brought in."""
        call = self._talk(command.actor_id)
        own, third = _id(call), call.controls.third if call.controls is not None else ""
        if not third:
            raise CallerError("transfer.nobody", "Nobody is brought in.")
        match command.action:
            case "complete" | "join" | "private" if third != "talking":
                raise CallerError("transfer.not_answered", "The other side has not answered yet.", retryable=True)
            case "complete":
                await self._tell(cmd.HandOver(conversation_id=own))
            case "join" | "private":
                await self._tell(cmd.Hold(conversation_id=own, resume=command.action == "join"))
            case "drop":
                await self._tell(cmd.Hangup(conversation_id=own, role=LegRole.TRANSFER, reason="dropped"))
                await self._tell(cmd.Hold(conversation_id=own, resume=True))
            case _:
                raise CallerError("transfer.unknown_action", "Use complete, join, private or drop.")
        return Done(id=own)


def _id(call: Call | InboundCall) -> str:
    return call.attempt_id if isinstance(call, Call) else call.call_id


def _consult(conversation_id: str, target: Target) -> cmd.ConnectSeat:
    return cmd.ConnectSeat(
        conversation_id=conversation_id, role=LegRole.TRANSFER, seat_id=target.seat_id, agent_id=target.agent_id,
        number=target.number, trunk_id=target.trunk_id, caller_id=target.caller_id or None,
        answer_timeout_s=OUTSIDE_RINGS_S if target.number else _SEAT_RINGS_S,
    )  # fmt: skip


def _hand_over(conversation_id: str, target: Target) -> cmd.HandOver:
    return cmd.HandOver(
        conversation_id=conversation_id, seat_id=target.seat_id, agent_id=target.agent_id, number=target.number,
        trunk_id=target.trunk_id, caller_id=target.caller_id, queue_id=target.queue_id, wait_s=target.wait_s,
    )  # fmt: skip
