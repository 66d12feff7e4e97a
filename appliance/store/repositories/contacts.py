"""Contacts and leads as an import makes them; each number is inserted once, whoever else writes at the same time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from appliance.ids import new_id
from appliance.store.models import Base, Contact, ContactNumber, DoNotCall, Lead, PhoneNumber
from appliance.types import E164, LeadState, LineType, NumberState, NumberType


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

    @property
    def number(self) -> E164:
        return self.numbers[0].number


def insert_or_skip(session: Session, model: type[Base]) -> Any:
    """An INSERT of the session's database that passes over rows whose key exists."""
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    return dialect.insert(model.__table__).on_conflict_do_nothing()


def do_not_call(session: Session, numbers: Iterable[E164]) -> set[E164]:
    """Those of the numbers that must not be called."""
    return {E164(n) for n in session.scalars(select(DoNotCall.number).where(DoNotCall.number.in_(list(numbers))))}


def in_campaign(session: Session, campaign_id: str, numbers: Iterable[E164]) -> dict[E164, str]:
    """Number -> id of the import that brought it ("" when unknown), for those that the campaign has."""
    found = select(Lead.number, Lead.import_id).where(Lead.campaign_id == campaign_id, Lead.number.in_(list(numbers)))
    return {E164(number): import_id or "" for number, import_id in session.execute(found)}


def add_leads(session: Session, campaign_id: str, import_id: str, leads: Sequence[NewLead], now: datetime) -> set[E164]:
    """Insert contacts and leads that are missing; returns the numbers that became leads of the campaign now."""
    if not leads:
        return set()
    ordered = sorted(leads, key=lambda lead: lead.number)  # one order everywhere: two imports cannot lock each other
    session.execute(
        insert_or_skip(session, Contact),
        [{"id": new_id(), "number": lead.number, "name": lead.name, "created_at": now} for lead in ordered],
    )
    numbers = [lead.number for lead in ordered]
    found = session.execute(select(Contact.number, Contact.id).where(Contact.number.in_(numbers)))
    contacts = dict(found.all())
    _add_numbers(session, ordered, contacts)
    inserted = session.execute(
        insert_or_skip(session, Lead).returning(Lead.number),
        [
            {
                "id": new_id(), "campaign_id": campaign_id, "contact_id": contacts[lead.number],
                "number": lead.number, "name": lead.name, "external_id": lead.external_id,
                "amount_minor": lead.amount_minor, "currency": lead.currency, "fields": dict(lead.fields),
                "import_id": import_id, "state": LeadState.WAITING.value, "next_attempt_at": lead.next_attempt_at,
            }
            for lead in ordered
        ],
    )  # fmt: skip
    return {E164(number) for (number,) in inserted}


def _add_numbers(session: Session, leads: Sequence[NewLead], contacts: Mapping[str, str]) -> None:
    """Write the numbers of people, and what is known of each number; what stands already stays."""
    known = {one.number: one for lead in leads for one in lead.numbers}
    session.execute(
        insert_or_skip(session, PhoneNumber),
        [
            {
                "number": number, "state": NumberState.GOOD.value, "state_reason": "", "verdicts": [],
                "region": one.region, "line_type": one.line_type.value, "time_zones": list(one.time_zones),
            }
            for number, one in sorted(known.items())
        ],
    )  # fmt: skip
    session.execute(
        insert_or_skip(session, ContactNumber),
        [
            {"contact_id": contacts[lead.number], "position": n, "number": one.number, "type": one.type.value}
            for lead in leads
            for n, one in enumerate(lead.numbers)
        ],
    )


def adopt(session: Session, campaign_id: str, import_id: str, numbers: Sequence[E164]) -> None:
    """Leads of an import that was killed belong to the one that takes it up."""
    if not numbers:
        return
    session.execute(
        update(Lead).where(Lead.campaign_id == campaign_id, Lead.number.in_(numbers)).values(import_id=import_id)
    )
