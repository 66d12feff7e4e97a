"""Numbers: what is known of each, and whether it may be dialled. A number without a row is good."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from appliance.domain import hygiene
from appliance.domain.hygiene import Health, Noted, Said
from appliance.domain.retry import Person, PersonNumber
from appliance.store.models import Attempt, ContactNumber, Lead, PhoneNumber
from appliance.types import HYGIENE_OUTCOMES, LIVE_OUTCOMES, LineType, NumberState, NumberType

TRIED_SINCE = timedelta(days=30)
"""How far back the hours at which a person did not answer are looked for."""


def get(session: Session, number: str) -> PhoneNumber:
    """Return the row of a number, made when there is none."""
    row = session.get(PhoneNumber, number)
    if row is None:
        row = PhoneNumber(number=number, state=NumberState.GOOD, verdicts=[])
        session.add(row)
    return row


def rows(session: Session, numbers: Iterable[str]) -> dict[str, PhoneNumber]:
    """Return the rows there are, by number."""
    found = session.scalars(select(PhoneNumber).where(PhoneNumber.number.in_(list(numbers))))
    return {row.number: row for row in found}


def effective_state(state: str | None, parked_until: datetime | None, now: datetime) -> NumberState:
    """Say whether a number may be dialled now: good when it has no row, or when its rest is over."""
    if state is None:
        return NumberState.GOOD
    if state == NumberState.PARKED and parked_until is not None and parked_until <= now:
        return NumberState.GOOD
    return NumberState(state)


def health(row: PhoneNumber | None) -> Health:
    """What a row says of its number's health."""
    if row is None:
        return Health()
    verdicts = tuple(Noted(**one) for one in row.verdicts or ())
    return Health(NumberState(row.state), row.state_reason, row.state_since, row.parked_until, verdicts)


def note(session: Session, number: str, said: Said, now: datetime) -> Health:
    """Take one attempt's word about a number and return its health; nothing is written when nothing changes."""
    row = session.get(PhoneNumber, number)
    if row is None and said.outcome not in HYGIENE_OUTCOMES:
        return Health()
    before = health(row)
    found = hygiene.after(before, said, now)
    if found != before:
        _save(row or get(session, number), found)
    return found


def decide(session: Session, number: str, state: NumberState, reason: str, now: datetime) -> None:
    """Write a person's decision about a number."""
    row = get(session, number)
    _save(row, hygiene.by_hand(health(row), state, reason[:60], now))


def _save(row: PhoneNumber, found: Health) -> None:
    row.state, row.state_reason, row.state_since = found.state, found.reason[:60], found.since
    row.parked_until, row.verdicts = found.parked_until, [dataclasses.asdict(one) for one in found.verdicts]


def person_of(session: Session, lead: Lead, number: str, now: datetime) -> Person:
    """What domain.retry must know of the person behind a lead; `number` was dialled just now."""
    query = (
        select(ContactNumber, PhoneNumber)
        .outerjoin(PhoneNumber, PhoneNumber.number == ContactNumber.number)
        .where(ContactNumber.contact_id == lead.contact_id)
        .order_by(ContactNumber.position)
    )
    attempts = session.execute(
        select(Attempt.number, Attempt.outcome, Attempt.created_at, Attempt.bridged_at)
        .where(Attempt.lead_id == lead.id, Attempt.originated_at.is_not(None))
    ).all()  # fmt: skip
    dials = Counter(row.number for row in attempts)
    numbers = [
        PersonNumber(
            one.number, effective_state(known.state if known else None, known.parked_until if known else None, now),
            known.parked_until if known else None, one.type, LineType(known.line_type) if known else LineType.UNKNOWN,
            known.time_zones[0] if known and known.time_zones else "", dials[one.number],
        )
        for one, known in session.execute(query)
    ]  # fmt: skip
    if not any(one.number == number for one in numbers):  # typed by hand, or a person of before he had numbers
        known = session.get(PhoneNumber, number)
        state = effective_state(known.state if known else None, known.parked_until if known else None, now)
        numbers.insert(0, PersonNumber(number, state, known.parked_until if known else None, attempts=dials[number]))
    return Person(
        lead.id, number, numbers, outcomes=Counter(one.outcome for one in attempts if one.outcome),
        tried=[
            one.created_at for one in attempts
            if one.outcome not in LIVE_OUTCOMES and one.created_at > now - TRIED_SINCE
        ],
        suspected=health(session.get(PhoneNumber, number)).suspected,
    )  # fmt: skip


def add_for(session: Session, contact_id: str, number: str) -> None:
    """Note another number of a person, behind those he has."""
    known = session.scalars(select(ContactNumber).where(ContactNumber.contact_id == contact_id)).all()
    same = next((row for row in known if row.number == number), None)
    if same is None:
        position = max((row.position for row in known), default=-1) + 1
        session.add(ContactNumber(contact_id=contact_id, position=position, number=number))
    elif same.type == NumberType.WRONG:
        same.type = NumberType.UNKNOWN
    session.flush()


def first_good(session: Session, contact_id: str, now: datetime, *, but: str) -> str | None:
    """Return the person's first number that may be dialled now, other than `but`."""
    query = (
        select(ContactNumber.number, PhoneNumber.state, PhoneNumber.parked_until)
        .outerjoin(PhoneNumber, PhoneNumber.number == ContactNumber.number)
        .where(
            ContactNumber.contact_id == contact_id, ContactNumber.type != NumberType.WRONG, ContactNumber.number != but
        )
        .order_by(ContactNumber.position)
    )
    for number, state, parked_until in session.execute(query):
        if effective_state(state, parked_until, now) is NumberState.GOOD:
            return str(number)
    return None


def mark_wrong(session: Session, contact_id: str, number: str) -> None:
    """An agent heard that the number is somebody else's: it is not dialled for this person any more."""
    session.execute(
        update(ContactNumber)
        .where(ContactNumber.contact_id == contact_id, ContactNumber.number == number)
        .values(type=NumberType.WRONG)
    )
