"""Recordings: search and one recording with its call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import defer

from appliance.store.db import Store
from appliance.store.models import Attempt, Campaign, InboundCall, Lead, Recording, User
from appliance.store.read.pages import Page, page_of


@dataclass(frozen=True)
class RecordingFilter:
    """What to look for; None or empty: anything. `number` is found anywhere in the number."""

    campaign_id: str | None = None
    agent_id: str | None = None
    outcome: str | None = None
    disposition: str | None = None
    number: str = ""
    since: datetime | None = None
    until: datetime | None = None
    held: bool = False
    with_deleted: bool = False
    kind: str = "conversation"  # empty: evidence of the ear too
    agent_ids: frozenset[str] | None = None  # only of these agents (how far the reader's permission goes)


@dataclass(frozen=True)
class RecordingView:
    """One recorded conversation and what its attempt says."""

    id: str
    conversation_id: str
    campaign_id: str | None
    campaign_name: str
    agent_id: str | None
    agent_name: str
    seat_id: str | None
    state: str
    started_at: datetime
    duration_s: float
    size_bytes: int
    sha256: str
    number: str
    name: str
    outcome: str
    disposition: str
    note: str
    archived_at: datetime | None
    expires_at: datetime | None
    deleted_at: datetime | None
    legal_hold: bool
    legal_hold_reason: str
    kind: str
    attempt_id: str | None
    direction: str = "outbound"  # inbound: the customer called us


_COLUMNS = (Recording, Attempt, InboundCall, Lead.name, Campaign.name, User.display_name)


def _joined() -> Select[Recording, Attempt, InboundCall, str, str, str]:
    return (
        select(*_COLUMNS).options(defer(Recording.peaks))
        .outerjoin(Attempt, Attempt.id == Recording.attempt_id)
        .outerjoin(InboundCall, InboundCall.id == Recording.conversation_id)
        .outerjoin(Lead, Lead.id == func.coalesce(Attempt.lead_id, InboundCall.lead_id))
        .outerjoin(Campaign, Campaign.id == Recording.campaign_id)
        .outerjoin(User, User.id == Recording.agent_id)
    )


def _view(
    found: Recording, attempt: Attempt | None, caller: InboundCall | None, name: str | None, campaign: str | None,
    agent: str | None,
) -> RecordingView:  # fmt: skip
    call = attempt or caller
    number = attempt.number if attempt is not None else caller.caller if caller is not None else ""
    return RecordingView(
        id=found.id, conversation_id=found.conversation_id, campaign_id=found.campaign_id,
        campaign_name=campaign or "", agent_id=found.agent_id, agent_name=agent or "", seat_id=found.seat_id,
        state=found.state, started_at=found.started_at, duration_s=found.duration_s, size_bytes=found.size_bytes,
        sha256=found.sha256, number=number, name=name or "", outcome=(call.outcome or "") if call else "",
        disposition=call.disposition if call else "", note=call.note if call else "",
        archived_at=found.archived_at, expires_at=found.expires_at,
        deleted_at=found.deleted_at, legal_hold=found.legal_hold, legal_hold_reason=found.legal_hold_reason,
        kind=found.kind, attempt_id=found.attempt_id, direction="outbound" if caller is None else "inbound",
    )  # fmt: skip


def _where(
    query: Select[Recording, Attempt, InboundCall, str, str, str], wanted: RecordingFilter
) -> Select[Recording, Attempt, InboundCall, str, str, str]:
    conditions = [
        (wanted.campaign_id, Recording.campaign_id == wanted.campaign_id),
        (wanted.agent_id, Recording.agent_id == wanted.agent_id),
        (wanted.outcome, Attempt.outcome == wanted.outcome),
        (wanted.disposition, or_(Attempt.disposition == wanted.disposition,
                                 InboundCall.disposition == wanted.disposition)),
        (wanted.number, or_(Attempt.number.contains(wanted.number, autoescape=True),
                            InboundCall.caller.contains(wanted.number, autoescape=True))),
        (wanted.held, Recording.legal_hold.is_(True)),
        (not wanted.with_deleted, Recording.deleted_at.is_(None)),
        (wanted.kind, Recording.kind == wanted.kind),
    ]
    if wanted.agent_ids is not None:
        query = query.where(Recording.agent_id.in_(wanted.agent_ids))
    if wanted.since is not None:
        query = query.where(Recording.started_at >= wanted.since)
    if wanted.until is not None:
        query = query.where(Recording.started_at < wanted.until)
    return query.where(*(condition for given, condition in conditions if given))


def search(store: Store, wanted: RecordingFilter, *, before: str | None = None, size: int = 50) -> Page[RecordingView]:
    """A page of recordings, newest first; `before` is the cursor of the page before."""
    query = _where(_joined(), wanted)
    if before:
        query = query.where(Recording.id < before)
    with store.read() as db:
        rows = [_view(*row) for row in db.execute(query.order_by(Recording.id.desc()).limit(size + 1))]
    return page_of(rows, [row.id for row in rows], size)


def of_conversation(store: Store, conversation_id: str) -> RecordingView | None:
    """The archived recording of a conversation; None while there is none."""
    query = _joined().where(
        Recording.conversation_id == conversation_id, Recording.kind == "conversation", Recording.state == "archived"
    )
    with store.read() as db:
        row = db.execute(query.limit(1)).first()
    return _view(*row) if row else None


def one(store: Store, recording_id: str) -> RecordingView | None:
    """One recording."""
    with store.read() as db:
        row = db.execute(_joined().where(Recording.id == recording_id)).first()
    return _view(*row) if row else None


def several(store: Store, recording_ids: Sequence[str]) -> dict[str, RecordingView]:
    """Those that are there, by id."""
    with store.read() as db:
        rows = db.execute(_joined().where(Recording.id.in_(recording_ids))).all()
    return {row[0].id: _view(*row) for row in rows}


def peaks(store: Store, recording_id: str) -> dict[str, Any]:
    """Waveform: {"left": [...], "right": [...], "per_s": n}; empty until archived."""
    with store.read() as db:
        return dict(db.scalar(select(Recording.peaks).where(Recording.id == recording_id)) or {})
