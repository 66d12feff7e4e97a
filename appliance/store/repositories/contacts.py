"""People, their numbers and their leads as an import makes them; each is inserted once, whoever else writes too."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from appliance.domain.list_facts import ListFacts
from appliance.domain.survey import FormField
from appliance.ids import new_id
from appliance.store.bulk import insert_many
from appliance.store.models import (
    Campaign,
    Contact,
    ContactField,
    ContactNumber,
    DoNotCall,
    Lead,
    PersonFacts,
    PhoneNumber,
)
from appliance.types import E164, CampaignState, LeadState, LineType, NumberState, NumberType

_WORDS = {word: word.value for words in (NumberType, LineType) for word in words}


@dataclass(frozen=True, slots=True)
class NewNumber:
    """One of a person's numbers, with what the numbering plan says of it."""

    number: E164
    type: NumberType = NumberType.UNKNOWN
    region: str = ""
    line_type: LineType = LineType.UNKNOWN
    time_zones: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NewLead:
    """A lead to be made; `next_attempt_at` also keeps the order of the list."""

    numbers: tuple[NewNumber, ...]  # of the person, first the one that he is known by
    name: str
    external_id: str
    amount_minor: int | None
    currency: str
    fields: Mapping[str, str]
    next_attempt_at: datetime
    custom: Mapping[str, Any] = field(default_factory=dict)  # goes to the person
    facts: ListFacts | None = None  # and so does what the rules must know of him

    @property
    def number(self) -> E164:
        return self.numbers[0].number


def do_not_call(session: Session, numbers: Iterable[E164]) -> set[E164]:
    """Those of the numbers that must not be called."""
    return {E164(n) for n in session.scalars(select(DoNotCall.number).where(DoNotCall.number.in_(list(numbers))))}


def in_campaign(session: Session, campaign_id: str, numbers: Iterable[E164]) -> dict[E164, str]:
    """Number -> id of the import that brought its person ("" when unknown), for people whom the campaign has.

    A person is found by any of his numbers.
    """
    wanted = list(numbers)
    by_person = (
        select(ContactNumber.number, Lead.import_id)
        .join(Lead, Lead.contact_id == ContactNumber.contact_id)
        .where(ContactNumber.number.in_(wanted), Lead.campaign_id == campaign_id)
    )
    by_lead = select(Lead.number, Lead.import_id).where(Lead.campaign_id == campaign_id, Lead.number.in_(wanted))
    rows = [*session.execute(by_person), *session.execute(by_lead)]
    return {E164(number): import_id or "" for number, import_id in rows}


def is_empty(session: Session, campaign_id: str) -> bool:
    """Say whether the campaign has no leads at all."""
    return session.scalar(select(Lead.id).where(Lead.campaign_id == campaign_id).limit(1)) is None


def waiting_elsewhere(session: Session, campaign_id: str, numbers: Iterable[E164]) -> set[E164]:
    """Those of the numbers whose person waits in another campaign that is not finished."""
    found = (
        select(ContactNumber.number)
        .join(Lead, Lead.contact_id == ContactNumber.contact_id)
        .join(Campaign, Campaign.id == Lead.campaign_id)
        .where(
            ContactNumber.number.in_(list(numbers)), Lead.campaign_id != campaign_id,
            Lead.state.in_([LeadState.WAITING, LeadState.RESERVED]), Campaign.state != CampaignState.FINISHED,
        )
    )  # fmt: skip
    return {E164(number) for number in session.scalars(found)}


def add_leads(session: Session, campaign_id: str, import_id: str, leads: Sequence[NewLead], now: datetime) -> set[E164]:
    """Insert people, numbers and leads that are missing; returns first numbers of those who became leads now."""
    if not leads:
        return set()
    ordered = sorted(leads, key=lambda lead: lead.number)  # one order everywhere: two imports cannot lock each other
    made = {lead.number: new_id() for lead in ordered}
    own = any(lead.custom for lead in ordered)
    insert_many(
        session, Contact, ("id", "number", "name", *(("custom",) if own else ())),
        [
            (made[lead.number], lead.number, lead.name, *((dict(lead.custom),) if own else ()))
            for lead in ordered
        ],
        {"created_at": now},
    )  # fmt: skip
    found = session.execute(select(Contact.number, Contact.id).where(Contact.number.in_(list(made))))
    people = {E164(number): person for number, person in found}
    fresh = {person for number, person in people.items() if person == made[number]}
    if own:
        _fill_in(session, {people[one.number]: one.custom for one in ordered if people[one.number] not in fresh})
    _add_numbers(session, [(people[lead.number], lead.numbers) for lead in ordered], fresh)
    _add_facts(session, {people[lead.number]: lead.facts for lead in ordered if lead.facts is not None}, fresh, now)
    ids = {lead.number: new_id() for lead in ordered}
    insert_many(
        session, Lead,
        (
            "id", "contact_id", "number", "name", "external_id", "amount_minor", "currency", "fields",
            "next_attempt_at",
        ),
        [
            (
                ids[lead.number], people[lead.number], lead.number, lead.name, lead.external_id, lead.amount_minor,
                lead.currency, dict(lead.fields), lead.next_attempt_at,
            )
            for lead in ordered
        ],
        {"campaign_id": campaign_id, "import_id": import_id, "state": LeadState.WAITING.value},
    )  # fmt: skip
    # of a person who was there before somebody else may have made the lead; whom we made in this transaction is ours
    old = {number: person for number, person in people.items() if person not in fresh}
    query = select(Lead.id).where(Lead.campaign_id == campaign_id, Lead.contact_id.in_(old.values()))
    there = set(session.scalars(query)) if old else set()
    return {number for number in made if number not in old or ids[number] in there}


def merge(session: Session, campaign_id: str, rows: Sequence[tuple[E164, NewLead]], now: datetime) -> int:
    """Give each row's numbers, fields and amount to the person of the campaign with that number; how many were found.

    What a newer list says of the amount holds; a name and fields that are there stay.
    """
    if not rows:
        return 0
    wanted = [number for number, _row in rows]
    people = dict(
        session.execute(
            select(ContactNumber.number, Lead)
            .join(Lead, Lead.contact_id == ContactNumber.contact_id)
            .where(ContactNumber.number.in_(wanted), Lead.campaign_id == campaign_id)
        ).all()
    )
    found = [(people[number], row) for number, row in rows if number in people]
    _add_numbers(session, [(lead.contact_id, row.numbers) for lead, row in found])
    _fill_in(session, {lead.contact_id: row.custom for lead, row in found})
    _add_facts(session, {lead.contact_id: row.facts for lead, row in found if row.facts is not None}, frozenset(), now)
    for lead, row in found:
        lead.name, lead.external_id = lead.name or row.name, lead.external_id or row.external_id
        lead.fields = {**row.fields, **lead.fields}
        if row.amount_minor is not None:
            lead.amount_minor, lead.currency = row.amount_minor, row.currency
    return len(found)


def own_fields(session: Session) -> list[FormField]:
    """The fields that the administrator gave to people and that are in use, in their order."""
    rows = session.scalars(select(ContactField).where(~ContactField.retired).order_by(ContactField.position))
    return [FormField.model_validate(row.config) for row in rows]


def _fill_in(session: Session, values: Mapping[str, Mapping[str, Any]]) -> None:
    """What a newer list says of people's own fields holds; what it does not say stays."""
    wanted = {person: found for person, found in values.items() if found}
    if wanted:
        for row in session.scalars(select(Contact).where(Contact.id.in_(wanted))):
            row.custom = {**row.custom, **wanted[row.id]}


def numbers_of(session: Session, contact_id: str) -> list[list[str]]:
    """[number, type] of a person, in the order in which they are tried."""
    query = select(ContactNumber.number, ContactNumber.type).where(ContactNumber.contact_id == contact_id)
    return [list(row) for row in session.execute(query.order_by(ContactNumber.position))]


def edited(session: Session, contact: Contact) -> dict[str, Any]:
    """What is edited of a person by hand (store.versions)."""
    return {"name": contact.name, "numbers": numbers_of(session, contact.id), "custom": dict(contact.custom)}


def _add_facts(session: Session, facts: Mapping[str, ListFacts], fresh: Set[str], now: datetime) -> None:
    """Write what a list says of people, once for each; of whom more is known already nothing is taken back.

    A consent counts from now on: a list does not say since when it holds.
    """
    at = now.isoformat()
    insert_many(
        session, PersonFacts,
        ("contact_id", "contact_revoked_at", "time_zone", "third_party", "consents"),
        [
            (person, now if one.refused else None, one.time_zone, bool(one.third_party), _given(one.consents, at))
            for person, one in facts.items() if person in fresh
        ],
        {"third_party_refused": False, "do_not_call_reason": ""},
    )  # fmt: skip
    for person, one in facts.items():
        if person in fresh:
            continue
        row = session.get(PersonFacts, person)
        if row is None:
            row = PersonFacts(
                contact_id=person, time_zone="", third_party=False, third_party_refused=False, do_not_call_reason="",
                consents=[],
            )  # fmt: skip
            session.add(row)
        row.time_zone = row.time_zone or one.time_zone
        row.third_party = row.third_party or bool(one.third_party)
        if one.refused and row.contact_revoked_at is None:
            row.contact_revoked_at = now
        there = {consent["kind"] for consent in row.consents}  # one that was revoked is not given anew by a list
        row.consents = [*row.consents, *_given([kind for kind in one.consents if kind not in there], at)]


def _given(kinds: Iterable[str], at: str) -> list[dict[str, Any]]:
    return [{"kind": kind, "given_at": at, "revoked_at": None} for kind in kinds]


def add_numbers(session: Session, contact_id: str, numbers: Sequence[NewNumber]) -> None:
    """Give a person the numbers that he has not got, after his others."""
    _add_numbers(session, [(contact_id, tuple(numbers))])


def _add_numbers(
    session: Session, people: Sequence[tuple[str, tuple[NewNumber, ...]]], fresh: Set[str] = frozenset()
) -> None:
    """Write what is known of each number, and give people those that they have not got, after their others.

    `fresh`: people made in this transaction, who have none.
    """
    known = {one.number: one for _person, numbers in people for one in numbers}
    if not known:
        return
    insert_many(
        session, PhoneNumber, ("number", "region", "line_type", "time_zones"),
        [
            (number, one.region, _WORDS[one.line_type], list(one.time_zones))
            for number, one in sorted(known.items())
        ],
        {"state": NumberState.GOOD.value, "state_reason": "", "verdicts": []},
    )  # fmt: skip
    there: dict[str, dict[str, int]] = {}
    old = [person for person, _numbers in people if person not in fresh]
    if old:
        query = select(ContactNumber.contact_id, ContactNumber.number, ContactNumber.position).where(
            ContactNumber.contact_id.in_(old)
        )
        for person, number, position in session.execute(query):
            there.setdefault(person, {})[number] = position
    rows = []
    for person, numbers in people:
        has = there.setdefault(person, {})
        for one in numbers:
            if one.number not in has:
                has[one.number] = max(has.values(), default=-1) + 1
                rows.append((person, has[one.number], one.number, _WORDS[one.type]))
    insert_many(session, ContactNumber, ("contact_id", "position", "number", "type"), rows, {})


def adopt(session: Session, campaign_id: str, import_id: str, numbers: Sequence[E164]) -> None:
    """Leads of an import that was killed belong to the one that takes it up."""
    if not numbers:
        return
    session.execute(
        update(Lead).where(Lead.campaign_id == campaign_id, Lead.number.in_(numbers)).values(import_id=import_id)
    )
