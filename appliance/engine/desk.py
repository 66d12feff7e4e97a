"""The agents' commands: sign in, pause, talk, dispose, preview."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy.orm import Session

from appliance import commands as cmd
from appliance.bus import Bus
from appliance.commands import Done
from appliance.domain import disposition, inbound_model, retry
from appliance.domain.agent import Agent, AgentEvent, Kind
from appliance.domain.call_model import Call, HangUpAsked
from appliance.domain.compliance import Deny
from appliance.domain.routing import may_work_in
from appliance.engine.campaigns import Campaigns
from appliance.engine.choosing import card_of
from appliance.engine.core import Core
from appliance.engine.dialling import Dialler
from appliance.engine.inbound import Inbound
from appliance.engine.room import Campaign, Desk, LeadCard, Line
from appliance.engine.writer import Writer
from appliance.errors import BoxError, CallboxError, CallerError, NotAllowedError, NotFoundError
from appliance.ids import new_id
from appliance.store import models
from appliance.store.repositories import attempts, configuration, inbound, leads, users
from appliance.types import AgentState, CampaignMode, CampaignState, LeadState, Permission

WORKER_TIMEOUT_S = 2.0


class Desks:
    """One method per command; all raise CallboxError when it is not possible."""

    def __init__(
        self, core: Core, bus: Bus, writer: Writer, dialler: Dialler, campaigns: Campaigns, callers: Inbound
    ) -> None:
        self._core, self._bus, self._writer, self._inbound = core, bus, writer, callers
        self._dialler, self._campaigns = dialler, campaigns
        self._room = core.room

    # ---- at the seat -----------------------------------------------------------------------------------

    async def log_in(self, command: cmd.AgentLogin) -> Done:
        """Seat an agent. Signed in at this seat already (the page was loaded anew): nothing changes."""

        def read(session: Session) -> tuple[models.User, models.Seat]:
            users.require(session, command.actor_id, Permission.AGENT_WORK)
            return users.get(session, command.actor_id), configuration.seat(session, command.seat_id)

        user, seat = await self._writer.read(read)
        self._check_seat(seat, user.id)
        present = self._room.agents.get(user.id)
        if present is not None and present.seat_id != seat.id:
            if present.state not in (AgentState.READY, AgentState.PAUSED):
                raise CallerError("agent.busy", "End your conversation before you change the seat.")
            self._core.apply_agent(user.id, AgentEvent(Kind.LOG_OUT))
            present = None
        if present is not None:
            self._core.apply_agent(user.id, AgentEvent(Kind.LOG_IN))
        else:
            self._room.agents[user.id] = Agent(user.id, user.display_name or user.login)
            self._room.desks[user.id] = Desk(session_id=new_id())
            self._core.apply_agent(
                user.id, AgentEvent(Kind.LOG_IN, seat_id=seat.id, campaigns=frozenset(command.campaigns),
                                    ready=command.ready),
            )  # fmt: skip
            await self._writer.drain()
        return self._answer(user.id)

    def _check_seat(self, seat: models.Seat, user_id: str) -> None:
        """Raise CallerError `seat.disabled` or `seat.in_use` when the user cannot have its phone."""
        if not seat.enabled:
            raise CallerError("seat.disabled", f"Seat '{seat.id}' is switched off.", seat=seat.id)
        holder = next((a for a in self._room.agents.values() if a.seat_id == seat.id), None)
        if holder is not None and holder.agent_id != user_id:
            raise CallerError(
                "seat.in_use", f"Seat '{seat.id}' is taken by {holder.display_name or holder.agent_id}.", seat=seat.id,
                agent=holder.display_name,
            )  # fmt: skip

    async def check_agent(self, agent_id: str) -> None:
        """Sign an agent out who was disabled or is no agent any more; a conversation is ended by himself first."""
        try:
            await self._writer.read(lambda session: users.require(session, agent_id, Permission.AGENT_WORK))
        except NotAllowedError:
            if agent_id in self._room.agents:
                self._core.apply_agent(agent_id, AgentEvent(Kind.LOG_OUT))

    async def log_out(self, command: cmd.AgentLogout) -> Done:
        return self._apply(command.actor_id, AgentEvent(Kind.LOG_OUT))

    async def ready(self, command: cmd.AgentReady) -> Done:
        return self._apply(command.actor_id, AgentEvent(Kind.READY))

    async def pause(self, command: cmd.AgentPause) -> Done:
        return self._apply(command.actor_id, AgentEvent(Kind.PAUSE, reason=command.reason))

    def _apply(self, agent_id: str, event: AgentEvent) -> Done:
        self._core.agent(agent_id)
        self._core.apply_agent(agent_id, event)
        return self._answer(agent_id)

    def _answer(self, agent_id: str) -> Done:
        agent = self._room.agents.get(agent_id)
        state = agent.state if agent else AgentState.OFFLINE
        return Done(id=agent_id, data={"state": state.value, "pending": agent.pending if agent else None})

    # ---- in a conversation ----------------------------------------------------------------------------------

    def _conversation(self, agent_id: str) -> str:
        agent = self._core.agent(agent_id)
        own = agent.conversation_id
        if own is None or not (own in self._room.calls or own in self._room.inbound.calls):
            raise CallerError("agent.no_conversation", "There is no conversation now.")
        return own

    async def hang_up(self, command: cmd.AgentHangup) -> Done:
        conversation_id = self._conversation(command.actor_id)
        if conversation_id in self._room.calls:
            self._core.apply(conversation_id, HangUpAsked("agent_hangup"))
        else:
            self._inbound.apply(conversation_id, inbound_model.HangUpAsked("agent_hangup"))
        return Done(id=conversation_id)

    async def hold(self, command: cmd.AgentHold) -> Done:
        conversation_id = self._conversation(command.actor_id)
        await self._bus.request(
            cmd.Hold(conversation_id=conversation_id, resume=command.resume), timeout_s=WORKER_TIMEOUT_S
        )
        self._core.hold(command.actor_id, not command.resume)
        return Done(id=conversation_id)

    async def dtmf(self, command: cmd.AgentDtmf) -> Done:
        conversation_id = self._conversation(command.actor_id)
        digits = cmd.SendDtmf(conversation_id=conversation_id, digits=command.digits)
        await self._bus.request(digits, timeout_s=WORKER_TIMEOUT_S)
        return Done(id=conversation_id)

    async def supervise(self, command: cmd.SuperviseAgent) -> Done:
        """Bring a supervisor's phone into an agent's conversation."""

        def read(session: Session) -> models.Seat | None:
            users.require(session, command.actor_id, Permission.AGENTS_SUPERVISE)
            return configuration.seat(session, command.seat_id) if command.mode is not None else None

        seat = await self._writer.read(read)
        if seat is not None:
            self._check_seat(seat, command.actor_id)
        conversation_id = self._conversation(command.agent_id)
        supervise = cmd.Supervise(conversation_id=conversation_id, seat_id=command.seat_id, mode=command.mode)
        await self._bus.request(supervise, timeout_s=WORKER_TIMEOUT_S)
        return Done(id=conversation_id)

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
            row.disposition, row.note, row.disposed_at = command.disposition, command.note, now
            row.promise_amount_minor, row.promise_date = command.promise_amount_minor, command.promise_date
            lead_id = row.lead_id if isinstance(row, models.Attempt) else inbound.record_for(session, row, now)
            lead = session.get(models.Lead, lead_id) if lead_id else None
            change = retry.after_disposition(
                config, command.disposition, callback_at=callback_at, attempts=lead.attempts if lead else 0, now=now
            )
            if change is None or lead is None:
                return None
            is_open = row.ended_at is None if isinstance(row, models.Attempt) else lead.state == LeadState.RESERVED
            leads.apply(
                session, lead.id, change, agent_id=command.actor_id, reason=command.disposition, now=now,
                reserved=is_open,
            )  # fmt: skip
            return lead.campaign_id if change.state is LeadState.WAITING and not is_open else None

        agent = self._core.agent(command.actor_id)
        own = agent.conversation_id
        returned = await self._writer.now(work)
        if returned in self._room.campaigns:
            self._room.campaigns[returned].look_again()
            self._dialler.wake()
        if self._core.agent(command.actor_id).conversation_id == command.conversation_id:
            self._core.apply_agent(command.actor_id, AgentEvent(Kind.DISPOSED))
        return self._answer(command.actor_id)

    # ---- preview ----------------------------------------------------------------------------------------------

    async def preview(self, command: cmd.AgentPreview) -> Done:
        """next: show a record; dial: call it; skip: put it back."""
        agent = self._core.agent(command.actor_id)
        if command.action == "next":
            return await self._preview_next(agent)
        if command.action == "dial":
            return await self._preview_dial(agent)
        if command.action == "skip":
            return self._preview_skip(agent)
        raise CallerError("preview.unknown_action", "Use next, dial or skip.", action=command.action)

    async def _preview_next(self, agent: Agent) -> Done:
        if agent.state not in (AgentState.READY, AgentState.PAUSED):
            self._core.apply_agent(agent.agent_id, AgentEvent(Kind.PREVIEW))  # raises: not possible now
        for campaign in self._room.campaigns.values():
            if (
                campaign.mode is CampaignMode.PREVIEW
                and campaign.state is CampaignState.RUNNING
                and may_work_in(agent, campaign.campaign_id, campaign.config)
            ):
                card = await self._reserve(campaign)
                if card is not None:
                    return self._show(agent.agent_id, campaign, card)
        raise NotFoundError("preview.no_lead", "No number may be called now in your preview campaigns.")

    def _show(self, agent_id: str, campaign: Campaign, card: LeadCard) -> Done:
        desk = self._room.desks.get(agent_id)
        shown, shown_of = (desk.card, desk.campaign_id) if desk is not None else (None, None)
        self._core.show_card(agent_id, card, campaign.campaign_id)
        try:
            self._core.apply_agent(agent_id, AgentEvent(Kind.PREVIEW))
        except CallerError:  # paused meanwhile, or a second press was quicker: its record stays on the screen
            self._core.show_card(agent_id, shown, shown_of)
            self._core.release_lead(card.lead_id, campaign.campaign_id, 0.0)
            raise
        return Done(id=card.lead_id, data={"state": AgentState.PREVIEWING.value})

    async def _reserve(self, campaign: Campaign) -> LeadCard | None:
        now = self._core.clock.now()
        campaign.due_at = None  # the store is asked now; a lead that comes back meanwhile sets it again

        def work(session: Session) -> LeadCard | None:
            found = self._dialler.chooser.allowed(session, campaign, 1, now).leads
            for lead in found:
                lead.state = LeadState.RESERVED
            session.flush()
            if not found and leads.next_due_at(session, campaign.campaign_id) is None:
                campaign.note_due(None)
            return card_of(found[0]) if found else None

        card = await self._writer.now(work)
        self._dialler.wake()
        return card

    async def _preview_dial(self, agent: Agent) -> Done:
        desk = self._room.desks[agent.agent_id]
        if agent.state is not AgentState.PREVIEWING or desk.card is None or agent.seat_id is None:
            raise CallerError("preview.nothing_shown", "Ask for a record first.")
        if self._room.disk_low:
            raise BoxError("disk.reserve", "The disk is nearly full; dialling has stopped.", retryable=True)
        if not self._room.clock_trusted:
            raise BoxError("clock.unknown", "The box does not know the time; dialling has stopped.", retryable=True)
        campaign, card = self._campaigns.get(desk.campaign_id or ""), desk.card
        now = self._core.clock.now()
        call = self._dialler.new_call(
            campaign, card.lead_id, card.number, Line(""), now, owner=(agent.agent_id, agent.seat_id)
        )
        self._core.apply_agent(agent.agent_id, AgentEvent(Kind.DIAL, conversation_id=call.attempt_id))

        def work(session: Session) -> Call:
            lead = session.get_one(models.Lead, card.lead_id)
            line = self._dialler.line(session, campaign, now)
            dialled = replace(call, trunk_id=line.trunk_id, caller_id=line.caller_id)
            verdict = self._dialler.chooser.write_own(session, campaign, lead, dialled, now, agent.agent_id)
            if isinstance(verdict, Deny):
                raise CallerError(
                    "preview.not_allowed", f"This number may not be called now ({verdict.rule_id}).",
                    rule=verdict.rule_id,
                )  # fmt: skip
            return dialled

        try:
            dialled = await self._writer.now(work)
        except CallboxError:
            self._core.release_lead(card.lead_id, campaign.campaign_id, 0.0)
            self._core.apply_agent(agent.agent_id, AgentEvent(Kind.WITHDRAWN))
            raise
        self._dialler.dial(dialled, card)
        return Done(id=call.attempt_id, data={"state": AgentState.DIALLING.value})

    def _preview_skip(self, agent: Agent) -> Done:
        desk = self._room.desks[agent.agent_id]
        if agent.state is not AgentState.PREVIEWING or desk.card is None:
            raise CallerError("preview.nothing_shown", "Ask for a record first.")
        config = self._room.config(desk.campaign_id or "")
        lead_id, campaign_id = desk.card.lead_id, desk.campaign_id
        desk.card = None  # released here, later than a pause would
        self._core.release_lead(lead_id, campaign_id, config.preview_skip_s)
        return self._apply(agent.agent_id, AgentEvent(Kind.SKIP))
