"""Leads: picking who is due (one indexed query), and what becomes of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, func, or_, select, update
from sqlalchemy.orm import Session

from appliance.domain.campaign import PriorityOrder
from appliance.domain.retry import OTHER_NUMBER_S, LeadChange
from appliance.ids import new_id
from appliance.store import models
from appliance.store.repositories import numbers
from appliance.types import E164, LeadState, NumberState, NumberType, Outcome


@dataclass(frozen=True)
class DueLead:
    """A lead that is due, with what forbids its number."""

    lead: models.Lead
    number_state: NumberState
    parked_until: datetime | None
    do_not_call: bool


def due(
    session: Session, campaign_id: str, *, now: datetime, order: PriorityOrder, limit: int
) -> list[DueLead]:
    """Return up to `limit` waiting leads that are due, first come first (ix_leads_next or ix_leads_priority)."""
    lead = models.Lead
    due_at: ColumnElement[Any] = lead.next_attempt_at.expression
    first = [due_at]
    if order is PriorityOrder.PRIORITY:
        first = [lead.priority.desc(), due_at]
        due_at = func.coalesce(due_at, due_at)  # keeps SQLite from sorting all that are due: ix_leads_priority is read
    return _due(session, campaign_id, (due_at <= now, lead.callback_at.is_(None)), first, limit=limit, now=now)


def _due(
    session: Session, campaign_id: str, which: Iterable[ColumnElement[bool]], first: Sequence[ColumnElement[Any]], *,
    limit: int, now: datetime,
) -> list[DueLead]:  # fmt: skip
    lead, known, blocked, wrong = models.Lead, models.PhoneNumber, models.DoNotCall, models.ContactNumber
    is_wrong = and_(
        wrong.contact_id == lead.contact_id, wrong.number == lead.number, wrong.type == NumberType.WRONG
    )
    rows = session.execute(
        select(lead, known.state, known.parked_until, blocked.number, wrong.number)
        .outerjoin(known, known.number == lead.number)
        .outerjoin(blocked, blocked.number == lead.number)
        .outerjoin(wrong, is_wrong)
        .where(lead.campaign_id == campaign_id, lead.state == LeadState.WAITING, *which)
        .order_by(*first)
        .limit(limit)
    ).all()
    return [
        DueLead(
            row, NumberState.RETIRED if not_his else numbers.effective_state(state, parked_until, now), parked_until,
            barred is not None,
        )
        for row, state, parked_until, barred, not_his in rows
    ]  # fmt: skip


def leave_number(session: Session, one: DueLead, now: datetime) -> None:
    """The number of a lead may not be dialled: go to another one of the person, or wait, or give up."""
    other = numbers.first_good(session, one.lead.contact_id, now, but=one.lead.number)
    if other is not None:
        one.lead.number = other
    elif one.number_state is NumberState.PARKED and one.parked_until is not None:
        one.lead.next_attempt_at = one.parked_until
    else:
        one.lead.state = LeadState.RETIRED


def callbacks(session: Session, campaign_id: str, *, now: datetime, limit: int) -> list[DueLead]:
    """Return up to `limit` call-backs that are due, first promised first (ix_leads_callback)."""
    lead = models.Lead
    promised = (lead.callback_at.is_not(None), lead.next_attempt_at <= now)
    return _due(session, campaign_id, promised, [lead.callback_at.expression], limit=limit, now=now)


def by_hand(session: Session, campaign_id: str, number: E164, now: datetime) -> models.Lead:
    """Return the record of a number dialled by hand, with that number to dial next.

    A new one is made as done: the list does not dial it.
    """
    contact = session.scalar(select(models.Contact).where(models.Contact.number == number)) or session.scalar(
        select(models.Contact)
        .join(models.ContactNumber, models.ContactNumber.contact_id == models.Contact.id)
        .where(models.ContactNumber.number == number)
        .limit(1)
    )
    if contact is None:
        contact = models.Contact(id=new_id(), number=number, created_at=now)
        session.add(contact)
        session.flush()
        session.add(models.ContactNumber(contact_id=contact.id, position=0, number=number))
    lead = session.scalar(
        select(models.Lead).where(models.Lead.campaign_id == campaign_id, models.Lead.contact_id == contact.id)
    )
    if lead is None:
        lead = models.Lead(
            id=new_id(), campaign_id=campaign_id, contact_id=contact.id, number=number, name=contact.name,
            state=LeadState.DONE, next_attempt_at=now,
        )  # fmt: skip
        session.add(lead)
        session.flush()
    lead.number = number
    return lead


def contact_of(session: Session, number: str) -> str | None:
    """Return whose number it is, as far as is known."""
    found = session.scalar(select(models.Contact.id).where(models.Contact.number == number))
    other = models.ContactNumber
    return found or session.scalar(select(other.contact_id).where(other.number == number).limit(1))


def is_retired(session: Session, lead: models.Lead, now: datetime) -> bool:
    """Say whether the number of a lead rests or is given up (number hygiene)."""
    known = session.get(models.PhoneNumber, lead.number)
    return known is not None and numbers.effective_state(known.state, known.parked_until, now) is not NumberState.GOOD


def take_back(session: Session, number: str, now: datetime) -> int:
    """Leads that were given up with their number wait again: a person says that it may be dialled. Returns how many."""
    of_person = select(models.ContactNumber.contact_id).where(models.ContactNumber.number == number)
    found = session.execute(
        update(models.Lead)
        .where(
            models.Lead.state == LeadState.RETIRED,
            or_(models.Lead.number == number, models.Lead.contact_id.in_(of_person)),
        )
        .values(state=LeadState.WAITING, number=number, next_attempt_at=now)
        .execution_options(synchronize_session=False)
    )  # fmt: skip
    return int(found.rowcount)  # type: ignore[attr-defined]


def next_due_at(session: Session, campaign_id: str) -> datetime | None:
    """Return when the first waiting lead is due; None when none waits."""
    return session.scalar(
        select(models.Lead.next_attempt_at)
        .where(models.Lead.campaign_id == campaign_id, models.Lead.state == LeadState.WAITING)
        .order_by(models.Lead.next_attempt_at)
        .limit(1)
    )


def counts(session: Session, campaign_id: str) -> dict[str, int]:
    """Return the number of leads by state."""
    rows = session.execute(
        select(models.Lead.state, func.count())
        .where(models.Lead.campaign_id == campaign_id)
        .group_by(models.Lead.state)
    ).all()
    return {row[0]: row[1] for row in rows}


def set_state(session: Session, lead_id: str, state: LeadState, next_attempt_at: datetime | None = None) -> None:
    row = session.get(models.Lead, lead_id)
    if row is not None:
        row.state = state
        if next_attempt_at is not None:
            row.next_attempt_at = next_attempt_at


def apply(
    session: Session, lead_id: str, change: LeadChange, *, outcome: Outcome | None = None,
    agent_id: str | None = None, reason: str = "", now: datetime, reserved: bool = False, keep_callback: bool = False,
    dialled: str = "",
) -> None:  # fmt: skip
    """Write what an attempt or a disposition did to the lead, and to its number.

    `reserved`: the attempt is still open, so the lead keeps that state until it is closed. `keep_callback`: for whom a
    call-back is stands there already. `dialled`: the number that was talked to, where the lead has gone on to another.
    """
    row = session.get(models.Lead, lead_id)
    if row is None:
        return
    row.state = LeadState.RESERVED if reserved else change.state
    if change.next_attempt_at is not None:
        row.next_attempt_at = change.next_attempt_at
    if outcome is not None:
        row.attempts += int(change.counted)
        row.last_outcome = outcome
    if agent_id is not None:
        row.last_agent_id = agent_id
    if not keep_callback:
        row.callback_agent_id = agent_id if change.callback else None
        row.callback_at = change.next_attempt_at if change.callback else None
    if change.number is not None:
        row.number = change.number
    if change.wrong_number:
        wrong = dialled or row.number
        numbers.mark_wrong(session, row.contact_id, wrong)
        other = change.number or numbers.first_good(session, row.contact_id, now, but=wrong)
        if other is not None:
            row.number, row.next_attempt_at = other, now + timedelta(seconds=OTHER_NUMBER_S)
            row.state = LeadState.RESERVED if reserved else LeadState.WAITING
    if change.state is LeadState.DO_NOT_CALL and session.get(models.DoNotCall, row.number) is None:
        session.add(models.DoNotCall(number=row.number, reason=reason[:120], created_at=now))


def due_at(session: Session, lead_id: str) -> datetime | None:
    """Return from when on a lead that waits may be dialled; None when it does not wait."""
    row = session.get(models.Lead, lead_id)
    return row.next_attempt_at if row is not None and row.state == LeadState.WAITING else None


def number_of(session: Session, lead_id: str) -> str:
    """Return the number that a lead is dialled on next; empty when it is gone."""
    row = session.get(models.Lead, lead_id)
    return row.number if row is not None else ""


def next_attempt_at(session: Session, lead_id: str) -> datetime | None:
    row = session.get(models.Lead, lead_id)
    return row.next_attempt_at if row is not None else None


def release(session: Session, lead_id: str, next_attempt_at: datetime) -> None:
    """Put a reserved lead back to waiting."""
    row = session.get(models.Lead, lead_id)
    if row is not None and row.state == LeadState.RESERVED:
        row.state, row.next_attempt_at = LeadState.WAITING, next_attempt_at


def release_orphans(session: Session) -> int:
    """Put reserved leads without an open attempt back to waiting (a preview that a restart ended)."""
    attempt = models.Attempt
    open_attempt = exists().where(attempt.lead_id == models.Lead.id, attempt.ended_at.is_(None))
    found = session.execute(
        update(models.Lead)
        .where(models.Lead.state == LeadState.RESERVED, ~open_attempt)
        .values(state=LeadState.WAITING)
        .execution_options(synchronize_session=False)
    )
    return int(found.rowcount)  # type: ignore[attr-defined]
