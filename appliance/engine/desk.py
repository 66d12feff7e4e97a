"""The agents' commands: sign in, pause, talk, dispose."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy.orm import Session

from appliance import commands as cmd
from appliance.bus import Bus
from appliance.commands import Done
from appliance.domain import disposition, inbound_model, retry, survey
from appliance.domain.agent import Agent, AgentEvent, Kind
from appliance.domain.call_model import HangUpAsked
from appliance.domain.numbers import Number, parse_number
from appliance.engine.campaigns import Campaigns
from appliance.engine.core import Core
from appliance.engine.dialling import Dialler
from appliance.engine.inbound import Inbound
from appliance.engine.room import Desk, Room
from appliance.engine.writer import Writer
from appliance.errors import CallerError, NotAllowedError, NotFoundError, ValidationErrors
from appliance.ids import new_id
from appliance.store import models
from appliance.store.repositories import attempts, campaign_texts, configuration, inbound, leads, numbers, users
from appliance.types import AgentState, LeadState, LegRole, Permission

WORKER_TIMEOUT_S = 2.0


def check_seat(room: Room, seat: models.Seat, user_id: str) -> None:
    """Raise CallerError `seat.disabled` or `seat.in_use` when the user cannot have its phone."""
    if not seat.enabled:
        raise CallerError("seat.disabled", f"Seat '{seat.id}' is switched off.", seat=seat.id)
    holder = next((a for a in room.agents.values() if a.seat_id == seat.id), None)
    if holder is not None and holder.agent_id != user_id:
        raise CallerError(
            "seat.in_use", f"Seat '{seat.id}' is taken by {holder.display_name or holder.agent_id}.", seat=seat.id,
            agent=holder.display_name,
        )  # fmt: skip


class Desks:
    """One method per command; all raise CallboxError when it is not possible."""

    def __init__(
        self, core: Core, bus: Bus, writer: Writer, dialler: Dialler, campaigns: Campaigns, callers: Inbound,
        *, region: str,
    ) -> None:
        self._core, self._bus, self._writer, self._inbound = core, bus, writer, callers
        self._dialler, self._campaigns, self._region = dialler, campaigns, region
        self._room = core.room

    # ---- at the seat -----------------------------------------------------------------------------------

    async def log_in(self, command: cmd.AgentLogin) -> Done:
        """Seat an agent. Signed in at this seat already (the page was loaded anew): nothing changes."""

        def read(session: Session) -> tuple[models.User, models.Seat]:
            users.require(session, command.actor_id, Permission.AGENT_WORK)
            return users.get(session, command.actor_id), configuration.seat(session, command.seat_id)

        user, seat = await self._writer.read(read)
        check_seat(self._room, seat, user.id)
        present = self._room.agents.get(user.id)
        if present is not None and present.seat_id != seat.id:
            if present.state not in (AgentState.READY, AgentState.PAUSED):
                raise CallerError("agent.busy", "End your conversation before you change the seat.")
            self._core.agents.apply(user.id, AgentEvent(Kind.LOG_OUT))
            present = None
        if present is not None:
            self._core.agents.apply(user.id, AgentEvent(Kind.LOG_IN))
        else:
            self._room.agents[user.id] = Agent(user.id, user.display_name or user.login, skills=dict(user.skills))
            self._room.desks[user.id] = Desk(session_id=new_id())
            self._core.agents.apply(
                user.id, AgentEvent(Kind.LOG_IN, seat_id=seat.id, campaigns=frozenset(command.campaigns),
                                    ready=command.ready),
            )  # fmt: skip
            await self._writer.drain()
        return self._answer(user.id)

    async def check_agent(self, agent_id: str) -> None:
        """Sign an agent out who was disabled or is no agent any more; a conversation is ended by himself first.

        Skills that were changed hold at once.
        """

        def read(session: Session) -> dict[str, int]:
            users.require(session, agent_id, Permission.AGENT_WORK)
            return dict(users.get(session, agent_id).skills)

        try:
            skills = await self._writer.read(read)
        except NotAllowedError:
            if agent_id in self._room.agents:
                self._core.agents.apply(agent_id, AgentEvent(Kind.LOG_OUT))
            return
        if agent_id in self._room.agents:
            self._room.agents[agent_id] = replace(self._room.agents[agent_id], skills=skills)
            self._dialler.wake()

    async def log_out(self, command: cmd.AgentLogout) -> Done:
        return self._apply(command.actor_id, AgentEvent(Kind.LOG_OUT))

    async def release_seat(self, command: cmd.ReleaseSeat) -> Done:
        """Sign out who sits there; during a conversation it applies after it."""

        def read(session: Session) -> None:
            users.require(session, command.actor_id, Permission.SEATS_WRITE)

        await self._writer.read(read)
        holder = next((a for a in self._room.agents.values() if a.seat_id == command.seat_id), None)
        if holder is None:
            raise NotFoundError("seat.free", f"Nobody sits at '{command.seat_id}'.", seat=command.seat_id)
        return self._apply(holder.agent_id, AgentEvent(Kind.LOG_OUT))

    async def ready(self, command: cmd.AgentReady) -> Done:
        return self._apply(command.actor_id, AgentEvent(Kind.READY))

    async def pause(self, command: cmd.AgentPause) -> Done:
        return self._apply(command.actor_id, AgentEvent(Kind.PAUSE, reason=command.reason))

    def _apply(self, agent_id: str, event: AgentEvent) -> Done:
        self._core.agents.get(agent_id)
        self._room.desks[agent_id].told = None
        self._core.agents.apply(agent_id, event)
        return self._answer(agent_id)

    def _answer(self, agent_id: str) -> Done:
        agent = self._room.agents.get(agent_id)
        state = agent.state if agent else AgentState.OFFLINE
        return Done(id=agent_id, data={"state": state.value, "pending": agent.pending if agent else None})

    # ---- in a conversation ----------------------------------------------------------------------------------

    def _conversation(self, agent_id: str) -> str:
        agent = self._core.agents.get(agent_id)
        own = agent.conversation_id
        if own is None or not (own in self._room.calls or own in self._room.inbound.calls):
            raise CallerError("agent.no_conversation", "There is no conversation now.")
        return own

    async def hang_up(self, command: cmd.AgentHangup) -> Done:
        conversation_id = self._conversation(command.actor_id)
        call = self._room.calls.get(conversation_id) or self._room.inbound.calls[conversation_id]
        if call.agent_id not in (None, command.actor_id):  # he was brought in: only he leaves
            leaves = cmd.Hangup(conversation_id=conversation_id, role=LegRole.TRANSFER, reason="agent_hangup")
            await self._bus.request(leaves, timeout_s=WORKER_TIMEOUT_S)
        elif conversation_id in self._room.calls:
            self._core.apply(conversation_id, HangUpAsked("agent_hangup"))
        else:
            self._inbound.apply(conversation_id, inbound_model.HangUpAsked("agent_hangup"))
        return Done(id=conversation_id)

    async def hold(self, command: cmd.AgentHold) -> Done:
        conversation_id = self._conversation(command.actor_id)
        await self._bus.request(
            cmd.Hold(conversation_id=conversation_id, resume=command.resume), timeout_s=WORKER_TIMEOUT_S
        )
        return Done(id=conversation_id)

    async def dtmf(self, command: cmd.AgentDtmf) -> Done:
        conversation_id = self._conversation(command.actor_id)
        digits = cmd.SendDtmf(conversation_id=conversation_id, digits=command.digits)
        await self._bus.request(digits, timeout_s=WORKER_TIMEOUT_S)
        return Done(id=conversation_id)

    def _other_number(self, text: str) -> str:
        """Return the number that the agent was told, empty without one; raises ValidationErrors."""
        if not text.strip():
            return ""
        number = parse_number(text, self._region)
        if not isinstance(number, Number):
            raise ValidationErrors([("other_number", "number.invalid", "This is no telephone number.")])
        return number.e164

    def _form(self, session: Session, row: models.Attempt | models.InboundCall) -> list[survey.FormField]:
        """The form that a conversation began with: one that goes live meanwhile is for the next."""
        desk = self._room.desks.get(row.agent_id or "")
        shown_at = row.bridged_at or (desk.popped_at if desk is not None else None)
        held = campaign_texts.held(session, row.campaign_id or "", "survey", shown_at)
        form = self._room.config(row.campaign_id or "").survey
        return form if held is None else [survey.FormField.model_validate(one) for one in held]

    async def draft(self, command: cmd.AgentDraft) -> Done:
        """Keep what is typed before it is saved as a result; what is saved already is not touched."""
        own = self._core.agents.get(command.actor_id).conversation_id

        def work(session: Session) -> None:
            row = attempts.get(session, command.conversation_id) or inbound.get(session, command.conversation_id)
            if row is None or (row.agent_id != command.actor_id and command.conversation_id != own):
                raise NotFoundError("conversation.unknown", "This is not one of your conversations.")
            if row.disposed_at is None:
                row.note = command.note
                if command.answers is not None:
                    row.answers = survey.check_answers(self._form(session, row), command.answers, complete=False)[0]

        await self._writer.now(work)
        return Done(id=command.conversation_id)

    async def dispose(self, command: cmd.AgentDispose) -> Done:
        """Write the disposition, then let the agent go on. It may be set again, also for an earlier conversation."""
        now = self._core.clock.now()

        def work(session: Session) -> str | None:
            row = attempts.get(session, command.conversation_id) or inbound.get(session, command.conversation_id)
            if row is None or (row.agent_id != command.actor_id and command.conversation_id != own):
                raise NotFoundError("conversation.unknown", "This is not one of your conversations.")
            config = self._room.config(row.campaign_id or "")
            callback_at = disposition.check(
                config, command.disposition, callback_at=command.callback_at, promise_date=command.promise_date,
                promise_amount_minor=command.promise_amount_minor, now=now,
            )  # fmt: skip
            answers, wrong = survey.check_answers(self._form(session, row), command.answers or {}, complete=True)
            if command.answers is not None and wrong and disposition.wants_answers(command.disposition):
                raise ValidationErrors(wrong)
            other = self._other_number(command.other_number)
            row.disposition, row.note, row.disposed_at = command.disposition, command.note, now
            if command.answers is not None:
                row.answers = answers
            row.promise_amount_minor, row.promise_date = command.promise_amount_minor, command.promise_date
            lead_id = row.lead_id if isinstance(row, models.Attempt) else inbound.record_for(session, row, now)
            lead = session.get(models.Lead, lead_id) if lead_id else None
            change = retry.after_disposition(
                config, command.disposition, callback_at=callback_at, attempts=lead.attempts if lead else 0, now=now
            )
            if lead is not None and other:
                numbers.add_for(session, lead.contact_id, other)
                change = retry.on_other_number(change, other, now)
            if change is None or lead is None:
                return None
            is_open = row.ended_at is None if isinstance(row, models.Attempt) else lead.state == LeadState.RESERVED
            leads.apply(
                session, lead.id, change, agent_id=command.actor_id, reason=command.disposition, now=now,
                reserved=is_open, dialled=row.number if isinstance(row, models.Attempt) else row.caller,
            )  # fmt: skip
            if command.callback_to == "anyone":
                lead.callback_agent_id = None
            return lead.campaign_id if lead.state == LeadState.WAITING and not is_open else None

        own = self._core.agents.get(command.actor_id).conversation_id
        returned = await self._writer.now(work)
        if returned in self._room.campaigns:
            self._room.campaigns[returned].look_again()
            self._dialler.wake()
        if self._core.agents.get(command.actor_id).conversation_id == command.conversation_id:
            self._core.agents.apply(command.actor_id, AgentEvent(Kind.DISPOSED))
        return self._answer(command.actor_id)
