"""What people do about callers: make a record of an unknown one, call missed ones back."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy.orm import Session

from appliance import commands as cmd
from appliance.commands import Done
from appliance.domain import survey
from appliance.engine.choosing import card_of
from appliance.engine.core import Core
from appliance.engine.effects import Effects
from appliance.engine.room import LeadCard
from appliance.engine.writer import Writer
from appliance.errors import CallerError, NotAllowedError, ValidationErrors
from appliance.store import models
from appliance.store.repositories import configuration, contacts, users
from appliance.store.repositories import inbound as rows
from appliance.types import Permission

_AT_ONCE_MAX = 500
_NAME_MAX = 200


def _same_caller(card: LeadCard, before: LeadCard | None) -> LeadCard:
    """Return the new record with what is known of the call; he is known from now on."""
    facts = before.caller if before is not None else None
    return replace(card, caller=replace(facts, known=True) if facts is not None else None)


class InboundDesk:
    """One method per command; all raise CallboxError when it is not possible."""

    def __init__(self, core: Core, effects: Effects, writer: Writer) -> None:
        self._core, self._effects, self._writer = core, effects, writer
        self._room = core.room

    async def add_caller(self, command: cmd.AddCaller) -> Done:
        """Make a record of the caller; his agent sees it at once."""
        name = survey.plain_text(command.name)
        if not name or len(name) > _NAME_MAX:
            raise CallerError("inbound.name", f"Give a name of at most {_NAME_MAX} characters.")
        now = self._core.clock.now()

        def work(session: Session) -> tuple[LeadCard, str | None, str | None]:
            users.require(session, command.actor_id, Permission.AGENT_WORK)
            row = rows.require(session, command.conversation_id)
            if row.agent_id != command.actor_id:
                raise NotAllowedError("inbound.not_yours", "This is not one of your conversations.")
            if not rows.may_be_called(row):
                raise CallerError("inbound.no_number", "The caller withheld his number: no record can be made.")
            queue = session.get(models.Queue, row.queue_id)
            campaign_id = row.campaign_id or (str(queue.config.get("campaign_id", "")) if queue is not None else "")
            own = [one for one in contacts.own_fields(session) if one.id in command.custom]
            custom, wrong = survey.check_answers(own, command.custom, complete=True)
            if wrong:
                raise ValidationErrors(wrong)
            made = rows.add_customer(session, row, campaign_id, name, now)
            if custom and row.contact_id:
                contact = session.get_one(models.Contact, row.contact_id)
                contact.custom = {**contact.custom, **custom}
            row.campaign_id = campaign_id or None
            unnamed = LeadCard(lead_id="", number=row.caller, name=name)
            card = card_of(made) if isinstance(made, models.Lead) else unnamed
            return card, row.contact_id, row.lead_id

        card, contact_id, lead_id = await self._writer.now(work)
        self._show(command, card, contact_id, lead_id)
        return Done(id=contact_id)

    def _show(self, command: cmd.AddCaller, card: LeadCard, contact_id: str | None, lead_id: str | None) -> None:
        callers = self._room.inbound.calls
        call = callers.get(command.conversation_id)
        if call is not None:
            callers[call.call_id] = replace(call, contact_id=contact_id, lead_id=lead_id)
            self._room.cards[call.call_id] = card = _same_caller(card, self._room.cards.get(call.call_id))
        agent, desk = self._room.agents.get(command.actor_id), self._room.desks.get(command.actor_id)
        if agent is not None and desk is not None and agent.conversation_id == command.conversation_id:
            desk.card = _same_caller(card, desk.card)
            self._effects.agent_changed(command.actor_id)

    async def call_back(self, command: cmd.CallBackMissed) -> Done:
        """Put missed callers before the list of a campaign."""
        if not 0 < len(command.call_ids) <= _AT_ONCE_MAX:
            raise CallerError("inbound.too_many", f"Choose 1 to {_AT_ONCE_MAX} calls.", limit=_AT_ONCE_MAX)
        now = self._core.clock.now()

        def work(session: Session) -> list[str | None]:
            users.require(session, command.actor_id, Permission.CAMPAIGNS_WRITE)
            if command.campaign_id:
                configuration.campaign(session, command.campaign_id)
            found: list[str | None] = []
            for call_id in command.call_ids:
                row = rows.require(session, call_id)
                queue = session.get(models.Queue, row.queue_id)
                own = str(queue.config.get("campaign_id", "")) if queue is not None else ""
                campaign_id = rows.call_back(session, row, command.campaign_id or own, now)
                if campaign_id is not None:
                    row.callback_at, row.callback_by = row.callback_at or now, command.actor_id
                found.append(campaign_id)
            return found

        campaigns = await self._writer.now(work)
        for campaign_id in {c for c in campaigns if c in self._room.campaigns}:
            self._room.campaigns[campaign_id].lead_returned(now)
            self._effects.room_changed(campaign_id)
        self._effects.lines_changed()
        called_back = sum(c is not None for c in campaigns)
        return Done(data={"called_back": called_back, "skipped": len(campaigns) - called_back})
