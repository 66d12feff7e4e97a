"""Which leads: from the list to attempts that are written, each asked of the rules in that very transaction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from appliance.domain import call as calls
from appliance.domain import compliance
from appliance.domain.call_model import Call
from appliance.domain.compliance import Allowed, Contact, NotBefore, load_profile
from appliance.domain.numbers import zones
from appliance.engine.room import Campaign, LeadCard
from appliance.store import models
from appliance.store.repositories import attempts, leads
from appliance.store.repositories import campaigns as campaign_rows
from appliance.types import E164, LeadState, NumberState

_LEDGER_DAYS = 32
_CHUNK = 50
_LOOK_AGAIN_S = 1.0

NewCall = Callable[[Campaign, str, str, str, datetime], Call]
"""(campaign, lead_id, number, trunk_id, now) -> an attempt that is not written yet."""


@dataclass(frozen=True)
class Picked:
    """What one look into the list brought. `next_due_at` None: no lead waits; `more`: others are due right now."""

    calls: list[tuple[Call, LeadCard]]
    more: bool
    next_due_at: datetime | None
    held_back_by: str = ""


@dataclass(frozen=True)
class Found:
    """Leads that may be called now; `held_back_by`: the rule that kept others back."""

    leads: list[models.Lead]
    more: bool
    held_back_by: str


class Chooser:
    """Asks the store and the rules; every method runs inside a transaction of the caller."""

    def __init__(self, box_zone: str) -> None:
        self._box_zone = box_zone

    def pick(
        self, session: Session, campaign: Campaign, wanted: int, free_trunks: list[str], now: datetime,
        new_call: NewCall,
    ) -> Picked:  # fmt: skip
        """Pick up to `wanted` leads, check them and write their attempts."""
        if not campaign_rows.is_running(session, campaign.campaign_id):  # stopped in this very moment
            return Picked([], more=False, next_due_at=calls.later(now, _LOOK_AGAIN_S))
        found = self.allowed(session, campaign, wanted, now)
        picked: list[tuple[Call, LeadCard]] = []
        for lead, trunk_id in zip(found.leads, free_trunks, strict=False):
            call = new_call(campaign, lead.id, lead.number, trunk_id, now)
            attempts.add(session, call)
            lead.state = LeadState.RESERVED
            picked.append((call, card_of(lead)))
        session.flush()
        next_due_at = leads.next_due_at(session, campaign.campaign_id)
        return Picked(picked, found.more, next_due_at, found.held_back_by)

    def allowed(self, session: Session, campaign: Campaign, wanted: int, now: datetime) -> Found:
        """Return up to `wanted` leads that may be called now; those that may not are moved to when they may."""
        order = campaign.config.priority_order
        due = leads.due(session, campaign.campaign_id, now=now, order=order, limit=_CHUNK)
        since = now - timedelta(days=_LEDGER_DAYS)
        ledger = attempts.ledger(session, [d.lead.number for d in due], since)
        good: list[models.Lead] = []
        held_back_by = ""
        for one in due:
            if len(good) == wanted:
                break
            if one.do_not_call or one.number_state is NumberState.RETIRED:
                one.lead.state = LeadState.DO_NOT_CALL if one.do_not_call else LeadState.RETIRED
                continue
            if one.number_state is NumberState.PARKED:
                if one.parked_until is None:
                    one.lead.state = LeadState.RETIRED
                else:
                    one.lead.next_attempt_at = one.parked_until
                continue
            verdict = self.may_contact(campaign, one.lead, ledger.get(one.lead.number, []), now)
            if isinstance(verdict, Allowed):
                good.append(one.lead)
                continue
            held_back_by = verdict.rule
            if isinstance(verdict, NotBefore):
                one.lead.next_attempt_at = verdict.at
            else:
                one.lead.state = LeadState.DONE
        session.flush()
        return Found(good, len(due) == _CHUNK, held_back_by)

    def may_contact(
        self, campaign: Campaign, lead: models.Lead, ledger: list[Contact], now: datetime
    ) -> compliance.Verdict:
        """Ask the rules about one lead."""
        return compliance.may_contact(
            campaign.config, load_profile(campaign.config.rule_profile), ledger, lead_attempts=lead.attempts,
            number_zones=zones(E164(lead.number)), box_zone=self._box_zone, now=now,
        )  # fmt: skip

    def ask(self, session: Session, campaign: Campaign, lead: models.Lead, now: datetime) -> compliance.Verdict:
        """Ask the rules about one lead that was shown a while ago and whose ledger is not at hand."""
        if not campaign_rows.is_running(session, campaign.campaign_id):
            return compliance.Never(rule="campaign.not_running")
        if leads.is_barred(session, lead, now):
            return compliance.Never(rule="do_not_call")
        ledger = attempts.ledger(session, [lead.number], now - timedelta(days=_LEDGER_DAYS))
        return self.may_contact(campaign, lead, ledger.get(lead.number, []), now)


def card_of(lead: models.Lead) -> LeadCard:
    """Return the record of a lead as the agent will see it."""
    return LeadCard(
        lead_id=lead.id, number=lead.number, name=lead.name, external_id=lead.external_id,
        amount_minor=lead.amount_minor, currency=lead.currency, fields=dict(lead.fields), attempts=lead.attempts,
        last_outcome=lead.last_outcome, last_agent_id=lead.last_agent_id, callback_agent_id=lead.callback_agent_id,
    )  # fmt: skip
