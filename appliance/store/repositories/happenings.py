"""What happened in a span of time, as webhooks tell it: from rows, so that nothing is missed over a restart.

Each happening is (event, key, at, data). Without `personal` nothing is in it that says who was called: no number, name,
note or field of the customer's own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVarTuple

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from appliance.store.models import Alert, Attempt, Import, InboundCall, Lead, Recording
from appliance.types import Disposition, WebhookEvent

_Row = TypeVarTuple("_Row")

TAKEN_MAX = 500
"""Rows of one kind that are taken at once."""


@dataclass(frozen=True)
class Happening:
    """One thing that happened; `key` tells it apart from others of its event."""

    event: WebhookEvent
    key: str
    at: datetime
    data: dict[str, Any]


def between(
    session: Session, since: datetime, until: datetime, events: Iterable[str], *, personal: bool
) -> tuple[list[Happening], datetime]:
    """What happened in (since, until], oldest first, and up to when all of it was taken."""
    found: list[Happening] = []
    taken_until = until
    for event in events:
        source = _SOURCES.get(event)
        if source is None:
            continue
        rows = source(session, since, until, personal)
        found += rows
        if len(rows) >= TAKEN_MAX:
            taken_until = min(taken_until, rows[-1].at)
    return sorted((one for one in found if one.at <= taken_until), key=lambda one: one.at), taken_until


def _plain(row: Any, *names: str) -> dict[str, Any]:
    return {name: getattr(row, name) for name in names}


def _taken(query: Select[*_Row], at: Any, since: datetime, until: datetime) -> Select[*_Row]:
    """Those of the span, oldest first. What else is wanted stands in `query`, so that the limit counts only that."""
    return query.where(at > since, at <= until).order_by(at, at.class_.id).limit(TAKEN_MAX)


def _attempts(session: Session, at: Any, since: datetime, until: datetime, *only: Any) -> list[tuple[Any, Any]]:
    query = select(Attempt, Lead).outerjoin(Lead, Lead.id == Attempt.lead_id).where(*only)
    return [(row[0], row[1]) for row in session.execute(_taken(query, at, since, until))]


def _customer(attempt: Any, lead: Any) -> dict[str, Any]:
    """Who it is, for those who may be told."""
    if lead is None:
        return {"number": attempt.number, "contact_id": attempt.contact_id}
    return {
        "number": attempt.number, "contact_id": attempt.contact_id, "name": lead.name,
        "external_id": lead.external_id, "fields": lead.fields,
    }  # fmt: skip


def _attempt_finished(session: Session, since: datetime, until: datetime, personal: bool) -> list[Happening]:
    return [
        Happening(
            WebhookEvent.ATTEMPT_FINISHED, row.id, row.ended_at,
            {"attempt_id": row.id}
            | _plain(row, "campaign_id", "lead_id", "trunk_id", "outcome", "kind", "created_at", "answered_at",
                     "bridged_at", "ended_at", "agent_id", "seat_id", "abandoned")
            | (_customer(row, lead) if personal else {}),
        )
        for row, lead in _attempts(session, Attempt.ended_at, since, until)
    ]  # fmt: skip


def _disposed(session: Session, since: datetime, until: datetime, personal: bool) -> list[Happening]:
    return [
        Happening(
            WebhookEvent.DISPOSITION_SET, f"{row.id}:{row.disposed_at.isoformat()}", row.disposed_at,
            {"attempt_id": row.id, "callback_at": lead.callback_at if lead else None}
            | _plain(row, "campaign_id", "lead_id", "agent_id", "disposition", "disposed_at")
            | ({**_customer(row, lead), "note": row.note, "answers": row.answers} if personal else {}),
        )
        for row, lead in _attempts(session, Attempt.disposed_at, since, until)
    ]  # fmt: skip


def _promised(session: Session, since: datetime, until: datetime, personal: bool) -> list[Happening]:
    return [
        Happening(
            WebhookEvent.PROMISE_MADE, f"{row.id}:{row.disposed_at.isoformat()}", row.disposed_at,
            {"attempt_id": row.id, "currency": lead.currency if lead else ""}
            | _plain(row, "campaign_id", "lead_id", "agent_id", "promise_amount_minor", "promise_date", "disposed_at")
            | (_customer(row, lead) if personal else {}),
        )
        for row, lead in _attempts(
            session, Attempt.disposed_at, since, until, Attempt.disposition == Disposition.PROMISE_TO_PAY
        )
    ]  # fmt: skip


def _inbound(session: Session, since: datetime, until: datetime, personal: bool) -> list[Happening]:
    query = _taken(select(InboundCall), InboundCall.ended_at, since, until)
    return [
        Happening(
            WebhookEvent.INBOUND_FINISHED, row.id, row.ended_at or until,
            {"call_id": row.id}
            | _plain(row, "queue_id", "campaign_id", "trunk_id", "outcome", "at", "answered_at", "bridged_at",
                     "ended_at", "wait_s", "agent_id", "disposition")
            | (_plain(row, "caller", "called", "contact_id", "note", "answers") if personal else {}),
        )
        for row in session.scalars(query)
    ]  # fmt: skip


def _recordings(session: Session, since: datetime, until: datetime, _personal: bool) -> list[Happening]:
    query = _taken(select(Recording).where(Recording.kind == "conversation"), Recording.archived_at, since, until)
    return [
        Happening(
            WebhookEvent.RECORDING_READY, row.id, row.archived_at or until,
            {"recording_id": row.id}
            | _plain(row, "conversation_id", "attempt_id", "campaign_id", "agent_id", "started_at", "duration_s",
                     "sha256"),
        )
        for row in session.scalars(query)
    ]  # fmt: skip


def _imports(session: Session, since: datetime, until: datetime, personal: bool) -> list[Happening]:
    query = _taken(select(Import), Import.finished_at, since, until)
    return [
        Happening(
            WebhookEvent.IMPORT_FINISHED, row.id, row.finished_at or until,
            {"import_id": row.id}
            | _plain(row, "campaign_id", "dry_run", "state", "rows", "accepted", "rejected", "duplicates", "reasons")
            | ({"file_name": row.file_name} if personal else {}),
        )
        for row in session.scalars(query)
    ]  # fmt: skip


def _alerts(event: WebhookEvent, at: Any) -> Callable[[Session, datetime, datetime, bool], list[Happening]]:
    def take(session: Session, since: datetime, until: datetime, _personal: bool) -> list[Happening]:
        query = _taken(select(Alert), at, since, until)
        return [
            Happening(
                event, str(row.id), getattr(row, at.key),
                _plain(row, "key", "severity", "title", "text", "raised_at", "cleared_at", "data"),
            )
            for row in session.scalars(query)
        ]  # fmt: skip

    return take


_SOURCES: dict[str, Callable[[Session, datetime, datetime, bool], list[Happening]]] = {
    WebhookEvent.ATTEMPT_FINISHED: _attempt_finished,
    WebhookEvent.DISPOSITION_SET: _disposed,
    WebhookEvent.PROMISE_MADE: _promised,
    WebhookEvent.INBOUND_FINISHED: _inbound,
    WebhookEvent.RECORDING_READY: _recordings,
    WebhookEvent.IMPORT_FINISHED: _imports,
    WebhookEvent.ALERT_RAISED: _alerts(WebhookEvent.ALERT_RAISED, Alert.raised_at),
    WebhookEvent.ALERT_CLEARED: _alerts(WebhookEvent.ALERT_CLEARED, Alert.cleared_at),
}
