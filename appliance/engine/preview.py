"""Dialling by hand: preview (see the record, then dial or skip) and numbers an agent dials from a record or types.

Every such dial is asked of the rules in the transaction that writes its attempt, like all others.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

from sqlalchemy.orm import Session

from appliance import commands as cmd
from appliance.commands import Done
from appliance.domain.agent import Agent, AgentEvent, Kind
from appliance.domain.call import later
from appliance.domain.call_model import Call
from appliance.domain.compliance import Deny
from appliance.domain.numbers import Number, parse_number
from appliance.domain.routing import may_work_in
from appliance.engine.campaigns import Campaigns
from appliance.engine.choosing import card_of
from appliance.engine.core import Core
from appliance.engine.dialling import Dialler
from appliance.engine.room import Campaign, LeadCard, Line
from appliance.engine.writer import Writer
from appliance.errors import BoxError, CallboxError, CallerError, NotFoundError
from appliance.logs import get_logger
from appliance.store import models
from appliance.store.repositories import leads, users
from appliance.types import AgentState, CampaignMode, CampaignState, LeadState, Permission


class Previews:
    """One method per command; all raise CallboxError when it is not possible."""

    def __init__(
        self, core: Core, writer: Writer, dialler: Dialler, campaigns: Campaigns, *, region: str,
        spawn: Callable[[Coroutine[Any, Any, None]], object],
    ) -> None:  # fmt: skip
        self._core, self._writer, self._dialler, self._campaigns = core, writer, dialler, campaigns
        self._region, self._spawn = region, spawn
        self._room = core.room
        self._log = get_logger()

    async def preview(self, command: cmd.AgentPreview) -> Done:
        """next: show a record; dial: call it; skip: put it back."""
        agent = self._core.agents.get(command.actor_id)
        if command.action == "next":
            return await self._preview_next(agent)
        if command.action == "dial":
            return await self._preview_dial(agent)
        if command.action == "skip":
            return self._preview_skip(agent)
        raise CallerError("preview.unknown_action", "Use next, dial or skip.", action=command.action)

    async def _preview_next(self, agent: Agent) -> Done:
        if agent.state not in (AgentState.READY, AgentState.PAUSED):
            self._core.agents.apply(agent.agent_id, AgentEvent(Kind.PREVIEW))  # raises: not possible now
        for campaign in self._room.campaigns.values():
            if (
                campaign.mode is CampaignMode.PREVIEW
                and campaign.state is CampaignState.RUNNING
                and may_work_in(agent, campaign.campaign_id, campaign.config)
            ):
                card = await self._reserve(campaign, agent.agent_id)
                if card is not None:
                    return self._show(agent.agent_id, campaign, card)
        raise NotFoundError("preview.no_lead", "No number may be called now in your preview campaigns.")

    def _show(self, agent_id: str, campaign: Campaign, card: LeadCard) -> Done:
        desk = self._room.desks.get(agent_id)
        shown, shown_of = (desk.card, desk.campaign_id) if desk is not None else (None, None)
        self._core.agents.show_card(agent_id, card, campaign.campaign_id)
        try:
            self._core.agents.apply(agent_id, AgentEvent(Kind.PREVIEW))
        except CallerError:  # paused meanwhile, or a second press was quicker: its record stays on the screen
            self._core.agents.show_card(agent_id, shown, shown_of)
            self._core.agents.release_lead(card.lead_id, campaign.campaign_id, 0.0)
            raise
        self._count_down(agent_id, campaign, card)
        return Done(id=card.lead_id, data={"state": AgentState.PREVIEWING.value})

    def _count_down(self, agent_id: str, campaign: Campaign, card: LeadCard) -> None:
        """Dial or skip by itself after the campaign's time, if this record still stands there."""
        desk, seconds = self._room.desks[agent_id], campaign.config.preview_countdown_s
        if seconds:
            desk.preview_ends = later(self._core.clock.now(), seconds)

            def over() -> None:
                self._spawn(self._over(agent_id, card.lead_id))

            self._core.timers.set(f"preview {agent_id}", desk.preview_ends, over)
            self._core.agents.show(agent_id)

    async def _over(self, agent_id: str, lead_id: str) -> None:
        """The countdown of a record has run out."""
        agent, desk = self._room.agents.get(agent_id), self._room.desks.get(agent_id)
        if agent is None or desk is None or desk.card is None or desk.card.lead_id != lead_id:
            return
        if agent.state is not AgentState.PREVIEWING:
            return
        if self._room.config(desk.campaign_id or "").preview_after == "skip":
            self._preview_skip(agent)
            return
        try:
            await self._preview_dial(agent)
        except CallboxError as error:
            self._log.info("record not dialled", agent=agent_id, error_id=error.error_id)

    async def _reserve(self, campaign: Campaign, agent_id: str) -> LeadCard | None:
        now = self._core.clock.now()
        campaign.due_at = None  # the store is asked now; a lead that comes back meanwhile sets it again

        def work(session: Session) -> LeadCard | None:
            found = self._dialler.chooser.allowed(session, campaign, 1, now, for_agent=agent_id).leads
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
        if agent.state is not AgentState.PREVIEWING or desk.card is None:
            raise CallerError("preview.nothing_shown", "Ask for a record first.")
        return await self._place(agent, self._campaigns.get(desk.campaign_id or ""), desk.card, reserved=True)

    async def _place(self, agent: Agent, campaign: Campaign, card: LeadCard, *, reserved: bool) -> Done:
        """Dial the record on the agent's screen; `reserved`: it waits again when that is not possible."""
        if self._room.disk_low:
            raise BoxError("disk.reserve", "The disk is nearly full; dialling has stopped.", retryable=True)
        if not self._room.clock_trusted:
            raise BoxError("clock.unknown", "The box does not know the time; dialling has stopped.", retryable=True)
        now, agent_id = self._core.clock.now(), agent.agent_id
        owner = (agent_id, agent.seat_id or "")
        call = self._dialler.new_call(campaign, card.lead_id, card.number, Line(""), now, owner)
        self._core.agents.apply(agent_id, AgentEvent(Kind.DIAL, conversation_id=call.attempt_id))

        def work(session: Session) -> Call:
            lead = session.get_one(models.Lead, card.lead_id)
            if not reserved and lead.state == LeadState.RESERVED:
                raise CallerError("lead.busy", "This record is being called at this moment.", retryable=True)
            line = self._dialler.line(session, campaign, now)
            dialled = replace(call, trunk_id=line.trunk_id, caller_id=line.caller_id)
            verdict = self._dialler.chooser.write_own(session, campaign, lead, dialled, now, agent_id)
            if isinstance(verdict, Deny):
                raise CallerError(
                    "preview.not_allowed", f"This number may not be called now ({verdict.rule_id}).",
                    rule=verdict.rule_id,
                )  # fmt: skip
            lead.state = LeadState.RESERVED
            return dialled

        try:
            dialled = await self._writer.now(work)
        except CallboxError:
            if reserved:
                self._core.agents.release_lead(card.lead_id, campaign.campaign_id, 0.0)
            self._core.agents.try_apply(agent_id, AgentEvent(Kind.WITHDRAWN))
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
        self._core.agents.release_lead(lead_id, campaign_id, config.preview_skip_s)
        self._core.agents.apply(agent.agent_id, AgentEvent(Kind.SKIP))
        return Done(id=agent.agent_id, data={"state": self._core.agents.get(agent.agent_id).state.value})

    # ---- dialled by hand ---------------------------------------------------------------------------------------

    async def dial(self, command: cmd.AgentDial) -> Done:
        """Dial a record, or a number that was typed, in a running campaign."""
        agent = self._core.agents.get(command.actor_id)
        if agent.state not in (AgentState.READY, AgentState.PAUSED):
            self._core.agents.apply(agent.agent_id, AgentEvent(Kind.PREVIEW))  # raises: not possible now
        card, campaign_id = await self._writer.now(lambda session: self._record(session, command, agent))
        campaign = self._campaigns.get(campaign_id)
        agent = self._core.agents.get(command.actor_id)
        self._core.agents.apply(agent.agent_id, AgentEvent(Kind.PREVIEW))
        self._core.agents.show_card(agent.agent_id, card, campaign_id)
        return await self._place(self._core.agents.get(agent.agent_id), campaign, card, reserved=False)

    def _record(self, session: Session, command: cmd.AgentDial, agent: Agent) -> tuple[LeadCard, str]:
        """Return the record that is to be dialled; a typed number without one gets it in the campaign."""
        users.require(session, agent.agent_id, Permission.AGENT_WORK)
        lead = session.get(models.Lead, command.lead_id) if command.lead_id else None
        if command.lead_id and lead is None:
            raise NotFoundError("lead.unknown", "There is no such record.", lead=command.lead_id)
        campaign = self._campaigns.get(lead.campaign_id if lead else command.campaign_id)
        if not may_work_in(agent, campaign.campaign_id, campaign.config):
            raise CallerError("campaign.not_yours", "You do not work in this campaign.", campaign=campaign.name)
        if lead is None:
            lead = self._typed(session, command.number, campaign, agent)
        return card_of(lead), campaign.campaign_id

    def _typed(self, session: Session, text: str, campaign: Campaign, agent: Agent) -> models.Lead:
        """Raises CallerError `number.invalid`, NotAllowedError when neither campaign nor role lets him."""
        if not campaign.config.manual_dial:
            users.require(session, agent.agent_id, Permission.CALLS_DIAL)
        number = parse_number(text, self._region)
        if not isinstance(number, Number):
            raise CallerError(
                "number.invalid", f"This is no telephone number ({number.problem}).", reason=number.problem.value
            )
        return leads.by_hand(session, campaign.campaign_id, number.e164, self._core.clock.now())
