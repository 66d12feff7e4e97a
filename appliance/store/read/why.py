"""Why a person may or may not be called now, and why he was called then: the same rules over the same rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from appliance.domain.campaign import CampaignConfig
from appliance.domain.compliance import Deny, Reason, denials, may_contact
from appliance.domain.compliance_explain import RuleState, figures, states
from appliance.domain.compliance_ledger import Channel, Ledger
from appliance.domain.compliance_own import rules_of
from appliance.domain.compliance_profile import Profile
from appliance.store.db import Store
from appliance.store.models import (
    Attempt,
    Campaign,
    CampaignDoNotCall,
    Contact,
    ContactNumber,
    DoNotCall,
    Lead,
    PersonFacts,
    PhoneNumber,
    RuleSet,
    User,
)
from appliance.store.repositories import ledger as ledger_rows
from appliance.store.repositories import rule_sets
from appliance.store.repositories.numbers import effective_state
from appliance.types import CampaignMode, NumberState


@dataclass(frozen=True)
class DenialView:
    """One rule in the way; `not_before` None: not until something changes."""

    rule_id: str
    reason: str
    not_before: datetime | None
    figures: dict[str, Any] = field(default_factory=dict)
    source: str = ""
    confidence: str = ""


@dataclass(frozen=True)
class Answer:
    """May `number` be called by a campaign at an instant; `events` were in the ledger.

    `rebuilt`: the attempt was written before rules were kept with attempts, so today's settings stand in.
    """

    campaign_id: str
    campaign_name: str
    number: str
    at: datetime
    profile: str
    version: str
    allowed: bool
    not_before: datetime | None
    denials: list[DenialView]
    rules: list[RuleState]
    zones: list[str]
    events: int
    lead_attempts: int
    attempt_id: str = ""
    rebuilt: bool = False


@dataclass(frozen=True)
class PersonView:
    """A person, his numbers, and at which levels each is barred."""

    contact_id: str
    name: str
    numbers: list[str]
    barred_box: list[str]
    barred_campaigns: list[tuple[str, str, str]]  # (number, campaign id, name)
    barred_person: bool = False
    barred_reason: str = ""
    time_zone: str = ""
    contact_revoked: bool = False
    third_party: bool = False
    third_party_refused: bool = False
    debtor_number: str = ""
    consents: list[dict[str, Any]] = field(default_factory=list)

    @property
    def consents_now(self) -> list[str]:
        return sorted({one["kind"] for one in self.consents if one.get("revoked_at") is None})


@dataclass(frozen=True)
class Call:
    """One attempt of a person's history."""

    attempt_id: str
    at: datetime
    number: str
    campaign_id: str
    campaign_name: str
    outcome: str
    disposition: str
    agent_name: str
    abandoned: bool
    rules: str  # profile and version


def people(store: Store, digits: str, *, limit: int = 20) -> list[tuple[str, str, str]]:
    """Return (contact id, name, number) of those who have a number that holds these digits."""
    wanted = "".join(c for c in digits if c.isdigit())
    if not wanted:
        return []
    with store.read() as db:
        rows = db.execute(
            select(Contact.id, Contact.name, Contact.number)
            .outerjoin(ContactNumber, ContactNumber.contact_id == Contact.id)
            .where(or_(Contact.number.contains(wanted), ContactNumber.number.contains(wanted)))
            .distinct().order_by(Contact.number).limit(limit)
        ).all()  # fmt: skip
    return [(row[0], row[1], row[2]) for row in rows]


def person(store: Store, contact_id: str) -> PersonView | None:
    """Return one person with what bars him; None when there is none."""
    with store.read() as db:
        contact = db.get(Contact, contact_id)
        if contact is None:
            return None
        numbers = ledger_rows.numbers_of(db, [contact_id]).get(contact_id) or [contact.number]
        facts = db.get(PersonFacts, contact_id)
        debtor = db.get(Contact, facts.debtor_id) if facts and facts.debtor_id else None
        campaigns = db.execute(
            select(CampaignDoNotCall.number, Campaign.id, Campaign.name)
            .join(Campaign, Campaign.id == CampaignDoNotCall.campaign_id)
            .where(CampaignDoNotCall.number.in_(numbers)).order_by(Campaign.name)
        ).all()  # fmt: skip
        plain = PersonView(
            contact_id=contact_id, name=contact.name, numbers=numbers,
            barred_box=sorted(db.scalars(select(DoNotCall.number).where(DoNotCall.number.in_(numbers)))),
            barred_campaigns=[(row[0], row[1], row[2]) for row in campaigns],
        )  # fmt: skip
        if facts is None:
            return plain
        return replace(
            plain, barred_person=facts.do_not_call_since is not None, barred_reason=facts.do_not_call_reason,
            time_zone=facts.time_zone, contact_revoked=facts.contact_revoked_at is not None,
            third_party=facts.third_party, third_party_refused=facts.third_party_refused,
            debtor_number=debtor.number if debtor else "", consents=list(facts.consents),
        )  # fmt: skip


def calls(store: Store, contact_id: str, *, limit: int = 50) -> list[Call]:
    """Return the newest attempts to any of a person's numbers."""
    with store.read() as db:
        numbers = ledger_rows.numbers_of(db, [contact_id]).get(contact_id, [])
        rows = db.execute(
            select(Attempt, Campaign.name, User.display_name, RuleSet.profile, RuleSet.version)
            .join(Campaign, Campaign.id == Attempt.campaign_id)
            .outerjoin(User, User.id == Attempt.agent_id).outerjoin(RuleSet, RuleSet.id == Attempt.rule_set)
            .where(or_(Attempt.contact_id == contact_id, Attempt.number.in_(numbers)))
            .order_by(Attempt.created_at.desc()).limit(limit)
        ).all()  # fmt: skip
        return [
            Call(
                row.id, row.created_at, row.number, row.campaign_id, campaign, row.outcome or "", row.disposition,
                agent or "", row.abandoned, f"{profile} {version}" if profile else "",
            )
            for row, campaign, agent, profile, version in rows
        ]  # fmt: skip


def now(
    store: Store, number: str, at: datetime, *, box_zone: str, campaign: str = "", contact_id: str = ""
) -> list[Answer]:
    """Return the answer of every campaign that has the number in its list, or of the one named (id or name).

    The rules are those in force on the day of `at`, the campaigns' own settings those of today.
    """
    with store.read() as db:
        asked = select(Lead, Campaign).join(Campaign, Campaign.id == Lead.campaign_id)
        owner = select(ContactNumber.contact_id).where(ContactNumber.number == number)
        whose = Lead.contact_id == contact_id if contact_id else or_(Lead.number == number, Lead.contact_id.in_(owner))
        asked = asked.where(whose).order_by(Campaign.name)
        if campaign:
            asked = asked.where(or_(Campaign.id == campaign, Campaign.name == campaign))
        answers = []
        for lead, row in db.execute(asked).all():
            channel = Channel.ROBOT if row.mode == CampaignMode.VOICE else Channel.CALL
            question = ledger_rows.asked_of(
                lead, channel=channel, agent_guaranteed=row.mode == CampaignMode.PREVIEW
            )
            profile = rules_of(CampaignConfig.model_validate(row.config), box_zone, at.date())
            ledger = ledger_rows.load(
                db, [replace(question, number=number)], days=profile.ledger_days, now=at
            )[0]
            answers.append(_answer(row, ledger, profile, at, _hygiene(db, number, at)))
        return answers


def then(store: Store, attempt_id: str, *, box_zone: str) -> Answer | None:
    """Return the answer that the rules gave when an attempt was written, from what was known then; None: no such."""
    with store.read() as db:
        row = db.get(Attempt, attempt_id)
        campaign = db.get(Campaign, row.campaign_id) if row is not None else None
        if row is None or campaign is None:
            return None
        kept = db.get(RuleSet, row.rule_set) if row.rule_set else None
        config = CampaignConfig.model_validate(kept.own if kept else campaign.config)
        at = row.created_at
        profile = rules_of(config, kept.box_zone if kept else box_zone, at.date())
        lead = db.get(Lead, row.lead_id)
        inputs = row.rule_inputs or {}
        question = ledger_rows.Asked(
            row.contact_id or (lead.contact_id if lead else ""), row.number, row.campaign_id,
            inputs.get("debt", lead.external_id if lead and not kept else ""),
            Channel(inputs.get("channel", Channel.CALL)), bool(inputs.get("agent_guaranteed", False)),
            int(inputs.get("lead_attempts", 0)),
        )  # fmt: skip
        ledger = ledger_rows.load(db, [question], days=profile.ledger_days, now=at, without=row.id)[0]
        if kept is not None:
            ledger = replace(
                ledger, zones=tuple(inputs.get("zones", ())), third_party=bool(inputs.get("third_party", False)),
                debtor_unreachable=bool(inputs.get("debtor_unreachable", False)),
                consents=tuple(ledger_rows.consent_of(one) for one in inputs.get("consents", ())),
                holidays=rule_sets.holidays_of(inputs),
            )  # fmt: skip
        answer = _answer(campaign, ledger, profile, at, [])
        version = kept.version if kept is not None else answer.version
        return replace(answer, attempt_id=row.id, rebuilt=kept is None, version=version)


def near(store: Store, number: str, at: datetime, *, within_s: float = 60.0) -> list[str]:
    """Return the ids of attempts to a number that were written within so many seconds of an instant."""
    with store.read() as db:
        rows = db.execute(select(Attempt.id, Attempt.created_at).where(Attempt.number == number)).all()
    return [row[0] for row in rows if abs((row[1] - at).total_seconds()) <= within_s]


def _hygiene(db: Session, number: str, at: datetime) -> list[Deny]:
    """Numbers that rest or are given up are no matter of law, but they are not dialled either."""
    known = db.get(PhoneNumber, number)
    if known is None:
        return []
    state = effective_state(known.state, known.parked_until, at)
    if state is NumberState.GOOD:
        return []
    until = known.parked_until if state is NumberState.PARKED else None
    return [Deny(f"number.{state.value}", Reason.NUMBER_RETIRED, until)]


def _answer(campaign: Campaign, ledger: Ledger, profile: Profile, at: datetime, more: Sequence[Deny]) -> Answer:
    verdict = may_contact(ledger, profile, at)
    in_the_way = [*more, *denials(ledger, profile, at)]
    opens = [verdict.not_before] if isinstance(verdict, Deny) else []
    opens += [deny.not_before for deny in more]
    ends = [one for one in opens if one is not None]
    return Answer(
        campaign_id=campaign.id, campaign_name=campaign.name, number=ledger.number, at=at, profile=profile.id,
        version=profile.version, allowed=not opens,
        not_before=None if not opens or len(ends) < len(opens) else max(ends),
        denials=[_denial(deny, profile) for deny in in_the_way],
        rules=states(ledger, profile, at) if ledger.zones else [],
        zones=list(ledger.zones), events=len(ledger.events), lead_attempts=ledger.lead_attempts,
    )  # fmt: skip


def _denial(deny: Deny, profile: Profile) -> DenialView:
    rule = next((one for one in profile.rules if one.rule == deny.rule_id), None)
    if rule is not None:
        return DenialView(deny.rule_id, deny.reason.value, deny.not_before, figures(rule), rule.source, rule.confidence)
    source = ""
    if deny.reason is Reason.THIRD_PARTY:
        source = profile.third_party.source
    elif deny.reason is Reason.ROBOT_CONSENT:
        source = profile.robot.source
    known = {"maximum": profile.attempts_total_max} if deny.reason is Reason.ATTEMPTS_TOTAL else {}
    return DenialView(deny.rule_id, deny.reason.value, deny.not_before, known, source)
