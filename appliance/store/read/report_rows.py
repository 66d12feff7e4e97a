"""The attempts behind a figure, and all that is known of one of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from appliance.store.db import Store
from appliance.store.models import Attempt, Campaign, EarVerdict, Import, Lead, Recording, Trunk, User
from appliance.store.read.measures import MEASURES, count_of
from appliance.store.read.pages import Page, page_of
from appliance.store.read.report_scope import Scope

_agent_name = func.coalesce(func.nullif(User.display_name, ""), User.login, "")


@dataclass(frozen=True)
class AttemptRow:
    """One line of the drill-down; `talk_s` None: nobody spoke with an agent."""

    id: str
    at: datetime
    number: str
    name: str
    campaign_name: str
    trunk_id: str
    agent_name: str
    outcome: str
    disposition: str
    abandoned: bool
    talk_s: float | None


def attempt_rows(
    store: Store, scope: Scope, measure: str = "attempts", *, before: str | None = None, size: int = 50
) -> Page[AttemptRow]:
    """The rows that a measure counts, newest first; `before` is the cursor of a page (Page.older)."""
    query = (
        select(Attempt, Lead.name, Campaign.name, _agent_name)
        .outerjoin(Lead, Lead.id == Attempt.lead_id).outerjoin(Campaign, Campaign.id == Attempt.campaign_id)
        .outerjoin(User, User.id == Attempt.agent_id)
        .order_by(Attempt.created_at.desc(), Attempt.id.desc()).limit(size + 1)
    )  # fmt: skip
    with store.read() as db:
        query = query.where(MEASURES[measure], *scope.conditions(db))
        last = db.get(Attempt, before) if before else None
        if last is not None:
            here, there = Attempt.created_at, last.created_at
            query = query.where((here < there) | ((here == there) & (Attempt.id < last.id)))
        rows = [_row(*row) for row in db.execute(query)]
    return page_of(rows, [row.id for row in rows], size)


def attempts_count(store: Store, scope: Scope, measure: str = "attempts") -> int:
    """How many rows a measure counts: the figure itself."""
    with store.read() as db:
        return int(db.scalar(select(count_of(measure)).select_from(Attempt).where(*scope.conditions(db))) or 0)


def _row(row: Attempt, name: str | None, campaign: str | None, agent: str) -> AttemptRow:
    over = row.ended_at if row.bridged_at is not None else None
    return AttemptRow(
        id=row.id, at=row.created_at, number=row.number, name=name or "", campaign_name=campaign or "",
        trunk_id=row.trunk_id, agent_name=agent, outcome=row.outcome or "", disposition=row.disposition,
        abandoned=row.abandoned, talk_s=(over - row.bridged_at).total_seconds() if over and row.bridged_at else None,
    )  # fmt: skip


@dataclass(frozen=True)
class HeardView:
    """What the ear said in one phase of the call."""

    phase: str
    label: str
    kind: str
    reason: str
    confidence: float
    decided_at_ms: int


@dataclass(frozen=True)
class AttemptView:
    """One attempt with everything that its figures are made of. `waited_s`: from the clock's start to the agent or the
    end of the line; `recordings`: (id, kind, agent id) of those that can be heard."""

    row: AttemptRow
    campaign_id: str
    contact_id: str
    lead_id: str
    list_name: str
    trunk_name: str
    agent_id: str
    seat_id: str
    caller_id: str
    steps: list[tuple[str, datetime]]
    kind: str
    reason: str
    confidence: float | None
    sip_status: int | None
    q850: int | None
    note: str
    promise_amount_minor: int | None
    currency: str
    promise_date: str
    answer_within_s: float | None
    waited_s: float | None
    measures: list[str]
    heard: list[HeardView]
    recordings: list[tuple[str, str, str]]


_STEPS = (
    "created_at", "originated_at", "answered_at", "verdict_at", "clock_at", "message_at", "bridged_at", "left_at",
    "ended_at", "disposed_at",
)  # fmt: skip
_COUNTED_AS = ("persons", "connected", "conversations", "rpc", "promises", "abandoned")


def attempt_view(store: Store, attempt_id: str) -> AttemptView | None:
    """One attempt; None when there is no such."""
    with store.read() as db:
        row = db.get(Attempt, attempt_id)
        if row is None:
            return None
        lead, campaign = db.get(Lead, row.lead_id), db.get(Campaign, row.campaign_id)
        trunk = db.get(Trunk, row.trunk_id)
        imported = db.get(Import, lead.import_id) if lead and lead.import_id else None
        agent = db.scalar(select(_agent_name).where(User.id == row.agent_id)) or ""
        counted = db.execute(select(*(MEASURES[name] for name in _COUNTED_AS)).where(Attempt.id == attempt_id)).one()
        heard = db.scalars(select(EarVerdict).where(EarVerdict.attempt_id == attempt_id).order_by(EarVerdict.at)).all()
        sounds = db.execute(
            select(Recording.id, Recording.kind, Recording.agent_id)
            .where(Recording.conversation_id == attempt_id, Recording.state.in_(("spool", "archived")))
            .order_by(Recording.started_at)
        ).all()
    over = row.bridged_at or row.left_at
    return AttemptView(
        row=_row(row, lead.name if lead else "", campaign.name if campaign else "", agent),
        campaign_id=row.campaign_id, contact_id=row.contact_id or "", lead_id=row.lead_id,
        list_name=imported.file_name if imported else "", trunk_name=trunk.display_name if trunk else row.trunk_id,
        agent_id=row.agent_id or "", seat_id=row.seat_id or "", caller_id=row.caller_id, steps=_steps(row),
        kind=row.kind, reason=row.reason, confidence=row.confidence, sip_status=row.sip_status, q850=row.q850,
        note=row.note, promise_amount_minor=row.promise_amount_minor, currency=lead.currency if lead else "",
        promise_date=row.promise_date or "", answer_within_s=row.answer_within_s,
        waited_s=(over - row.clock_at).total_seconds() if over and row.clock_at else None,
        measures=[name for name, is_so in zip(_COUNTED_AS, counted, strict=True) if is_so],
        heard=[
            HeardView(one.phase, one.label, one.kind, one.reason, one.confidence, one.decided_at_ms) for one in heard
        ],
        recordings=[(one[0], one[1], one[2] or "") for one in sounds],
    )  # fmt: skip


def _steps(row: Any) -> list[tuple[str, datetime]]:
    found = [(name, getattr(row, name)) for name in _STEPS]
    return sorted(((name, at) for name, at in found if at is not None), key=lambda step: step[1])
