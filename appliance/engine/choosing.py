"""Which leads: from the list to attempts that are written, each asked of the rules in that very transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from appliance.clock import Clock
from appliance.domain import call as calls
from appliance.domain.answer_model import NumberHistory
from appliance.domain.best_hour import spread
from appliance.domain.call_model import Call
from appliance.domain.compliance import Allow, Deny, Reason, Verdict, may_contact
from appliance.domain.compliance_ledger import Channel, Ledger
from appliance.domain.compliance_own import own_inputs, rules_of
from appliance.domain.compliance_profile import Profile
from appliance.engine.foresight import histories
from appliance.engine.room import Campaign, LeadCard, Line
from appliance.store import models
from appliance.store.repositories import attempts, leads, rule_sets
from appliance.store.repositories import campaigns as campaign_rows
from appliance.store.repositories import ledger as ledger_rows
from appliance.types import CampaignMode, LeadState, NumberState

_CHUNK = 50
_LOOK_AGAIN_S = 1.0
_DONE = frozenset({Reason.ATTEMPTS_TOTAL, Reason.CAP})
_SPREAD = timedelta(hours=2)
"""Retries that were put off to the same opening or the same next day do not come all at once."""
_OWN_CALLBACK_LOOK = timedelta(seconds=15)
_NEXT_KNOWN = 8
"""Leads next in turn of whose numbers a pacer is told."""

NewCall = Callable[[Campaign, str, str, Line, datetime], Call]
"""(campaign, lead_id, number, line, now) -> an attempt that is not written yet."""


@dataclass(frozen=True)
class Picked:
    """What one look into the list brought. `next_due_at` None: no lead waits; `more`: others are due right now.

    `next_up`: what is known of the numbers next in turn, where the campaign is paced ahead.
    """

    calls: list[tuple[Call, LeadCard]]
    more: bool
    next_due_at: datetime | None
    held_back_by: str = ""
    next_up: tuple[NumberHistory, ...] = ()


@dataclass(frozen=True)
class Found:
    """Leads that may be called now; `held_back_by`: the rule that kept others back; `rest`: due, not looked at."""

    leads: list[models.Lead]
    more: bool
    held_back_by: str
    rest: list[models.Lead]


class Chooser:
    """Asks the store and the rules; every method runs inside a transaction of the caller.

    The rules are asked twice: when a lead is chosen, and when its attempt is written, with a ledger that was read anew.
    Nothing else writes an attempt, so no way of dialling passes them by.
    """

    def __init__(self, box_zone: str, clock: Clock | None = None) -> None:
        self._box_zone, self._clock = box_zone, clock
        self._rule_set: models.RuleSet | None = None
        self.ready: frozenset[str] = frozenset()  # agents who may get a call-back of their own now

    def pick(
        self, session: Session, campaign: Campaign, wanted: int, lines: Sequence[Line], now: datetime,
        new_call: NewCall,
    ) -> Picked:  # fmt: skip
        """Pick up to `wanted` leads, check them and write their attempts."""
        if not campaign_rows.is_running(session, campaign.campaign_id):  # stopped in this very moment
            return Picked([], more=False, next_due_at=calls.later(now, _LOOK_AGAIN_S))
        found = self.allowed(session, campaign, wanted, now)
        at = max(now, self._clock.now()) if self._clock is not None else now  # the store may have let us wait
        picked: list[tuple[Call, LeadCard]] = []
        held_back_by = found.held_back_by
        ledgers = self._ledgers(session, campaign, found.leads, at)
        known: dict[str, NumberHistory] = {}
        if campaign.mode is CampaignMode.PREDICTIVE:
            known = histories(session, [*found.leads, *found.rest[:_NEXT_KNOWN]], self._box_zone, at)
        touched: set[str] = set()  # people and numbers that are dialled in this very round
        for lead, ledger, line in zip(found.leads, ledgers, lines, strict=False):
            call = new_call(campaign, lead.id, lead.number, line, at)
            own = {lead.contact_id, *ledger.numbers}
            verdict = self.write(session, campaign, lead, call, at, ledger=None if own & touched else ledger)
            if isinstance(verdict, Deny):
                held_back_by = verdict.rule_id
                _hold_back(lead, verdict)
                continue
            touched |= {lead.contact_id, lead.number}
            lead.state = LeadState.RESERVED
            picked.append((call, replace(card_of(lead), history=known.get(lead.id))))
        session.flush()
        next_due_at = leads.next_due_at(session, campaign.campaign_id)
        next_up = tuple(known[lead.id] for lead in found.rest if lead.id in known)
        return Picked(picked, found.more, next_due_at, held_back_by, next_up)

    def allowed(
        self, session: Session, campaign: Campaign, wanted: int, now: datetime, *, for_agent: str = ""
    ) -> Found:
        """Return up to `wanted` leads that may be called now, call-backs first; others are moved to when they may.

        `for_agent`: who asked for a record; a call-back of somebody else is not shown to him while that one may come.
        """
        due = [*self._callbacks(session, campaign, now, for_agent), *leads.due(
            session, campaign.campaign_id, now=now, order=campaign.config.priority_order, limit=_CHUNK
        )]  # fmt: skip
        profile = self.rules(campaign, now)
        ledgers = self._ledgers(session, campaign, [one.lead for one in due], now)
        good: list[models.Lead] = []
        looked_at = 0
        held_back_by = ""
        for one, ledger in zip(due, ledgers, strict=True):
            if len(good) == wanted:
                break
            looked_at += 1
            if one.number_state is not NumberState.GOOD:
                leads.leave_number(session, one, now)
                continue
            verdict = may_contact(ledger, profile, now)
            if isinstance(verdict, Allow):
                good.append(one.lead)
                continue
            held_back_by = verdict.rule_id
            _hold_back(one.lead, verdict)
        session.flush()
        return Found(good, len(due) >= _CHUNK, held_back_by, [one.lead for one in due[looked_at:]])

    def _callbacks(
        self, session: Session, campaign: Campaign, now: datetime, for_agent: str
    ) -> list[leads.DueLead]:
        """Return the call-backs that are due; one of an agent who is not there waits for him a while."""
        due: list[leads.DueLead] = []
        for one in leads.callbacks(session, campaign.campaign_id, now=now, limit=_CHUNK):
            owner, patience = one.lead.callback_agent_id, timedelta(minutes=campaign.config.callback_wait_min)
            given_up_at = (one.lead.callback_at or now) + patience
            there = owner == for_agent if for_agent else owner in self.ready
            if owner is None or there or now >= given_up_at:
                due.append(one)
            else:
                one.lead.next_attempt_at = min(now + _OWN_CALLBACK_LOOK, given_up_at)
        return due

    def rules(self, campaign: Campaign, now: datetime) -> Profile:
        """Return the rules that a campaign dials by today."""
        return rules_of(campaign.config, self._box_zone, now.date())

    def _ledgers(
        self, session: Session, campaign: Campaign, chosen: Sequence[models.Lead], now: datetime
    ) -> list[Ledger]:
        asked = [self._asked(campaign, lead, agent_guaranteed=False) for lead in chosen]
        return ledger_rows.load(session, asked, days=self.rules(campaign, now).ledger_days, now=now)

    def write(
        self, session: Session, campaign: Campaign, lead: models.Lead, call: Call, now: datetime,
        agent_id: str | None = None, *, ledger: Ledger | None = None,
    ) -> Verdict:  # fmt: skip
        """Write an attempt if the rules allow it in this very transaction; `agent_id`: who dials it himself.

        `ledger`: one that was read in this transaction, since when nothing was written of the person.
        """
        profile = self.rules(campaign, now)
        if ledger is None:
            asked = replace(self._asked(campaign, lead, agent_guaranteed=agent_id is not None), number=call.number)
            session.flush()  # what was written a moment ago counts
            ledger = ledger_rows.load(session, [asked], days=profile.ledger_days, now=now)[0]
        verdict: Verdict = may_contact(ledger, profile, now)
        if isinstance(verdict, Allow):
            # held, so that the session finds it again for the next lead without asking the store
            self._rule_set = rule_sets.keep(session, profile, own_inputs(campaign.config), self._box_zone)
            attempts.add(session, call, agent_id, rule_set=self._rule_set.id, rule_inputs=rule_sets.inputs_of(ledger))
        return verdict

    def write_own(
        self, session: Session, campaign: Campaign, lead: models.Lead, call: Call, now: datetime, agent_id: str
    ) -> Verdict:
        """Write the attempt of an agent who dials a record himself; it was shown a while ago."""
        if not campaign_rows.is_running(session, campaign.campaign_id):
            return Deny("campaign.not_running", Reason.NOT_RUNNING, None)
        if leads.is_retired(session, lead, now):
            return Deny("number.retired", Reason.NUMBER_RETIRED, None)
        return self.write(session, campaign, lead, call, now, agent_id)

    def third_party(self, session: Session, campaign: Campaign, number: str, now: datetime) -> Verdict:
        """Say whether a number may be called now to be brought into a conversation; nothing is written."""
        contact_id = leads.contact_of(session, number) or ""
        asked = ledger_rows.Asked(contact_id, number, campaign.campaign_id, agent_guaranteed=True)
        profile = self.rules(campaign, now)
        ledger = ledger_rows.load(session, [asked], days=profile.ledger_days, now=now)[0]
        return may_contact(ledger, profile, now)

    def _asked(self, campaign: Campaign, lead: models.Lead, *, agent_guaranteed: bool) -> ledger_rows.Asked:
        """An agent is guaranteed only where he dials himself: in preview, or by hand."""
        channel = Channel.ROBOT if campaign.mode is CampaignMode.VOICE else Channel.CALL
        guaranteed = agent_guaranteed or campaign.mode is CampaignMode.PREVIEW
        return ledger_rows.asked_of(lead, channel=channel, agent_guaranteed=guaranteed)


def _hold_back(lead: models.Lead, verdict: Deny) -> None:
    """Move a lead to when it may be called; one that may not be called at all is out.

    Whom only a person's word can free (jobs.contact_rules) is kept apart from those who are done.
    """
    if verdict.not_before is not None:
        again = lead.attempts > 0 and lead.callback_at is None  # first calls keep the order of the list
        seed = f"{lead.id}/{verdict.not_before:%Y%m%d}"  # another place every day
        lead.next_attempt_at = spread(verdict.not_before, seed, _SPREAD) if again else verdict.not_before
    else:
        lead.state = LeadState.DONE if verdict.reason in _DONE else LeadState.DO_NOT_CALL


def card_of(lead: models.Lead) -> LeadCard:
    """Return the record of a lead as the agent will see it."""
    return LeadCard(
        lead_id=lead.id, number=lead.number, name=lead.name, external_id=lead.external_id,
        amount_minor=lead.amount_minor, currency=lead.currency, fields=dict(lead.fields), attempts=lead.attempts,
        last_outcome=lead.last_outcome, last_agent_id=lead.last_agent_id, callback_agent_id=lead.callback_agent_id,
    )  # fmt: skip
