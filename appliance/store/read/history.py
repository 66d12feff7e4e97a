"""What was before with a person, in all campaigns: calls, callers, promises, notices, recordings; and drafts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from appliance.store.db import Store
from appliance.store.models import Attempt, Campaign, ContactNumber, InboundCall, Lead, Recording, User

_NEWEST = 20


@dataclass(frozen=True)
class Before:
    """One line. `direction` outbound | inbound | notice (the box spoke); `recording_agent_id`: whose talk it was."""

    conversation_id: str
    at: datetime
    direction: str
    campaign_name: str
    outcome: str
    disposition: str
    note: str
    agent_name: str
    promise_amount_minor: int | None
    promise_date: str | None
    currency: str
    recording_id: str | None = None
    recording_agent_id: str | None = None
    number: str = ""


@dataclass(frozen=True)
class Draft:
    """What an agent has typed about a conversation so far."""

    note: str = ""
    answers: dict[str, Any] = field(default_factory=dict)


def draft(store: Store, conversation_id: str) -> Draft:
    """What is kept of a conversation; empty without one."""
    with store.read() as db:
        row = db.get(Attempt, conversation_id) or db.get(InboundCall, conversation_id)
        return Draft(row.note, dict(row.answers)) if row is not None else Draft()


def shortcuts(store: Store, user_id: str) -> dict[str, str]:
    """A user's own keys by shortcut."""
    with store.read() as db:
        return dict(db.scalar(select(User.shortcuts).where(User.id == user_id)) or {})


def of_record(store: Store, *, lead_id: str, number: str, but: str = "") -> list[Before]:
    """The newest closed conversations with the person of a record, or with an unknown number; `but`: not this one."""
    with store.read() as db:
        lead = db.get(Lead, lead_id) if lead_id else None
        contact_id = lead.contact_id if lead is not None else None
        if contact_id is None and not number:
            return []
        numbers = {number} if number else set()
        if contact_id is not None:
            known = select(ContactNumber.number).where(ContactNumber.contact_id == contact_id)
            numbers |= set(db.scalars(known))
        lines = [*_ours(db, contact_id, numbers, but), *_theirs(db, contact_id, numbers, but)]
        lines = sorted(lines, key=lambda line: line.at, reverse=True)[:_NEWEST]
        return _with_recordings(db, lines)


def of_contact(store: Store, contact_id: str, *, limit: int = 100) -> list[Before]:
    """The newest closed conversations with a person, by any of his numbers."""
    with store.read() as db:
        numbers = set(db.scalars(select(ContactNumber.number).where(ContactNumber.contact_id == contact_id)))
        lines = [*_ours(db, contact_id, numbers, "", limit), *_theirs(db, contact_id, numbers, "", limit)]
        return _with_recordings(db, sorted(lines, key=lambda line: line.at, reverse=True)[:limit])


def _ours(
    db: Session, contact_id: str | None, numbers: set[str], but: str, limit: int = _NEWEST
) -> list[Before]:
    wanted = or_(Attempt.contact_id == contact_id, Attempt.number.in_(numbers)) if contact_id else Attempt.number.in_(
        numbers
    )
    rows = db.execute(
        select(Attempt, Campaign.name, User.display_name, Lead.currency)
        .outerjoin(Campaign, Campaign.id == Attempt.campaign_id)
        .outerjoin(User, User.id == Attempt.agent_id)
        .outerjoin(Lead, Lead.id == Attempt.lead_id)
        .where(wanted, Attempt.ended_at.is_not(None), Attempt.id != but)
        .order_by(Attempt.created_at.desc())
        .limit(limit)
    ).all()
    return [
        _line(row, "notice" if row.message_done and row.bridged_at is None else "outbound", row.created_at, *names)
        for row, *names in rows
    ]


def _theirs(
    db: Session, contact_id: str | None, numbers: set[str], but: str, limit: int = _NEWEST
) -> list[Before]:
    wanted = or_(InboundCall.contact_id == contact_id, InboundCall.caller.in_(numbers)) if contact_id else (
        InboundCall.caller.in_(numbers)
    )
    rows = db.execute(
        select(InboundCall, Campaign.name, User.display_name, Lead.currency)
        .outerjoin(Campaign, Campaign.id == InboundCall.campaign_id)
        .outerjoin(User, User.id == InboundCall.agent_id)
        .outerjoin(Lead, Lead.id == InboundCall.lead_id)
        .where(wanted, InboundCall.ended_at.is_not(None), InboundCall.id != but)
        .order_by(InboundCall.at.desc())
        .limit(limit)
    ).all()
    return [_line(row, "inbound", row.at, *names) for row, *names in rows]


def _line(
    row: Attempt | InboundCall, direction: str, at: datetime, campaign: str | None, agent: str | None,
    currency: str | None,
) -> Before:  # fmt: skip
    talked = row.bridged_at is not None
    return Before(
        row.id, at, direction, campaign or "", row.outcome or "", row.disposition, row.note,
        (agent or "") if talked else "", row.promise_amount_minor, row.promise_date, currency or "",
        number=row.number if isinstance(row, Attempt) else row.caller,
    )  # fmt: skip


def _with_recordings(db: Session, lines: Sequence[Before]) -> list[Before]:
    recordings = db.execute(
        select(Recording.conversation_id, Recording.id, Recording.agent_id).where(
            Recording.conversation_id.in_([line.conversation_id for line in lines]),
            Recording.kind == "conversation", Recording.deleted_at.is_(None),
        )
    )
    found = {row[0]: (row[1], row[2]) for row in recordings}
    return [
        replace(line, recording_id=found[line.conversation_id][0], recording_agent_id=found[line.conversation_id][1])
        if line.conversation_id in found else line
        for line in lines
    ]  # fmt: skip
