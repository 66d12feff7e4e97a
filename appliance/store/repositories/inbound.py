"""Calls that come in: written before they are answered, matched to the person, closed once; and call-backs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from appliance.domain.inbound_model import InboundCall, InboundOutcome
from appliance.errors import NotFoundError
from appliance.ids import new_id
from appliance.store import models
from appliance.store.repositories import leads
from appliance.types import E164, LeadState

CALLBACK_PRIORITY = 100
_HISTORY = 10
_ON_THE_LINE_S = 600.0


@dataclass(frozen=True)
class Caller:
    """Whom a number belongs to, as far as is known: the person, his newest record, and what was before."""

    contact_id: str | None = None
    lead: models.Lead | None = None
    last_agent_id: str | None = None
    history: tuple[dict[str, Any], ...] = ()


def queues(session: Session) -> list[models.Queue]:
    """Return the enabled queues."""
    return list(session.scalars(select(models.Queue).where(models.Queue.enabled).order_by(models.Queue.id)))


def get(session: Session, call_id: str) -> models.InboundCall | None:
    return session.get(models.InboundCall, call_id)


def require(session: Session, call_id: str) -> models.InboundCall:
    """Raises NotFoundError `inbound.unknown`."""
    row = get(session, call_id)
    if row is None:
        raise NotFoundError("inbound.unknown", "There is no such call.", call=call_id)
    return row


def open_calls(session: Session) -> Sequence[models.InboundCall]:
    return session.scalars(
        select(models.InboundCall).where(models.InboundCall.ended_at.is_(None)).order_by(models.InboundCall.at)
    ).all()


def add(session: Session, call: InboundCall) -> None:
    """Write a new caller, open; one who is there already (his offer came twice) is left as he is."""
    if get(session, call.call_id) is None:
        session.add(models.InboundCall(id=call.call_id, at=call.at, state=call.state.value, **_columns(call)))
        if call.contact_id is not None:  # who is on the line is not dialled meanwhile
            lead, soon = models.Lead, call.at + timedelta(seconds=_ON_THE_LINE_S)
            session.execute(
                update(lead)
                .where(lead.contact_id == call.contact_id, lead.state == LeadState.WAITING, lead.next_attempt_at < soon)
                .values(next_attempt_at=soon)
                .execution_options(synchronize_session=False)
            )
        session.flush()


def save(session: Session, call: InboundCall, outcome: InboundOutcome | None = None) -> None:
    """Write what is known of a caller; with `outcome` he is closed, and a closed one is never written again."""
    row = get(session, call.call_id)
    if row is None or row.ended_at is not None:
        return
    row.state = call.state.value
    made_since = ("contact_id", "lead_id", "campaign_id")  # a record that was made meanwhile stays
    for name, value in _columns(call).items():
        if value is not None or name not in made_since:
            setattr(row, name, value)
    if outcome is not None:
        row.ended_at, row.outcome = call.ended_at, outcome.value


def _columns(call: InboundCall) -> dict[str, Any]:
    return {
        "trunk_id": call.trunk_id, "caller": call.caller, "called": call.called, "contact_id": call.contact_id,
        "lead_id": call.lead_id, "campaign_id": call.campaign_id or None, "queue_id": call.queue_id,
        "hops": call.hops, "answered_at": call.answered_at, "queued_at": call.queued_at,
        "bridged_at": call.bridged_at, "wait_s": round(call.wait_s, 1), "reason": call.reason,
        "agent_id": call.agent_id, "seat_id": call.seat_id, "last_seq": call.last_seq, "media": call.media,
    }  # fmt: skip


# ---- who calls ------------------------------------------------------------------------------------------


def caller_of(session: Session, number: str) -> Caller:
    """Find the person of a number, by any of his numbers; of several the one whose record is newest."""
    if not number:
        return Caller()
    contact_number, contact, lead = models.ContactNumber, models.Contact, models.Lead
    ids = set(session.scalars(select(contact_number.contact_id).where(contact_number.number == number)))
    ids.update(session.scalars(select(contact.id).where(contact.number == number)))
    if not ids:
        return Caller(history=tuple(_history(session, None, number)))
    newest = session.scalars(
        select(lead).where(lead.contact_id.in_(ids)).order_by(lead.id.desc()).limit(1)
    ).first()
    contact_id = newest.contact_id if newest is not None else min(ids)
    history = _history(session, contact_id, number)
    last = next((line["agent_id"] for line in history if line["agent_id"]), None)
    return Caller(contact_id, newest, last or (newest.last_agent_id if newest is not None else None), tuple(history))


def _history(session: Session, contact_id: str | None, number: str) -> list[dict[str, Any]]:
    """Return the last calls with a person (or an unknown number), newest first."""
    attempt, inbound = models.Attempt, models.InboundCall
    ours = attempt.contact_id == contact_id if contact_id else attempt.number == number
    theirs = inbound.contact_id == contact_id if contact_id else inbound.caller == number
    found = [
        _line(row, "outbound")
        for row in session.scalars(
            select(attempt).where(ours, attempt.ended_at.is_not(None)).order_by(attempt.created_at.desc())
            .limit(_HISTORY)
        )
    ]  # fmt: skip
    found += [
        _line(row, "inbound")
        for row in session.scalars(
            select(inbound).where(theirs, inbound.ended_at.is_not(None)).order_by(inbound.at.desc()).limit(_HISTORY)
        )
    ]
    return sorted(found, key=lambda line: float(line["at_unix_s"]), reverse=True)[:_HISTORY]


def _line(row: models.Attempt | models.InboundCall, direction: str) -> dict[str, Any]:
    at = row.created_at if isinstance(row, models.Attempt) else row.at
    return {
        "at_unix_s": at.timestamp(), "direction": direction, "outcome": row.outcome or "",
        "agent_id": row.agent_id if row.bridged_at is not None else None, "disposition": row.disposition,
        "note": row.note,
    }  # fmt: skip


# ---- call-backs and new customers ---------------------------------------------------------------------


def may_be_called(row: models.InboundCall) -> bool:
    """Say whether the caller showed a whole number: not withheld, not an extension."""
    return row.caller.startswith("+")


def call_back(session: Session, row: models.InboundCall, campaign_id: str, now: datetime) -> str | None:
    """Put the caller before the list of a campaign, due at once; returns the campaign, None when it is not possible.

    Somebody whom an open attempt calls right now is left to it.
    """
    lead = session.get(models.Lead, row.lead_id) if row.lead_id else None
    if not may_be_called(row) or (lead is None and not campaign_id):
        return None
    if session.get(models.DoNotCall, row.caller) is not None:
        return None
    if lead is None or (campaign_id and lead.campaign_id != campaign_id):
        lead = _lead_in(session, row, campaign_id, name="", now=now)
    row.contact_id, row.lead_id = lead.contact_id, lead.id
    if lead.state != LeadState.RESERVED:
        lead.state, lead.number, lead.next_attempt_at = LeadState.WAITING, row.caller, now
        lead.callback_at, lead.callback_agent_id = now, None
        lead.priority = max(lead.priority, CALLBACK_PRIORITY)
    return lead.campaign_id


def add_customer(
    session: Session, row: models.InboundCall, campaign_id: str, name: str, now: datetime
) -> models.Lead | models.Contact:
    """Make a record of an unknown caller; without a campaign only his name is kept."""
    if campaign_id:
        lead = _lead_in(session, row, campaign_id, name=name, now=now)
        row.contact_id, row.lead_id = lead.contact_id, lead.id
        return lead
    contact = _contact(session, row.caller, name, now)
    row.contact_id = contact.id
    return contact


def record_for(session: Session, row: models.InboundCall, now: datetime) -> str | None:
    """Return the record of a caller to whom something was promised, made when he has none; None without a campaign."""
    if row.lead_id is None and may_be_called(row):
        queue = session.get(models.Queue, row.queue_id)
        campaign_id = row.campaign_id or (str(queue.config.get("campaign_id", "")) if queue is not None else "")
        if campaign_id:
            lead = _lead_in(session, row, campaign_id, name="", now=now)
            row.contact_id, row.lead_id, row.campaign_id = lead.contact_id, lead.id, campaign_id
    return row.lead_id


def _contact(session: Session, number: str, name: str, now: datetime) -> models.Contact:
    found = session.scalar(select(models.Contact).where(models.Contact.number == number))
    if found is None:
        found = models.Contact(id=new_id(), number=number, name=name, created_at=now)
        session.add(found)
        session.flush()
        session.add(models.ContactNumber(contact_id=found.id, position=0, number=number))
    found.name = found.name or name
    return found


def _lead_in(
    session: Session, row: models.InboundCall, campaign_id: str, *, name: str, now: datetime
) -> models.Lead:
    """Return the caller's place in a campaign, made (as done) when there is none."""
    contact = session.get(models.Contact, row.contact_id) if row.contact_id else None
    contact = contact or _contact(session, row.caller, name, now)
    lead = leads.by_hand(session, campaign_id, E164(contact.number), now)
    lead.name = lead.name or name
    return lead
