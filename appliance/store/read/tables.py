"""Rows for other programs: a page of any table, by the columns that a view names, from a cursor on.

A view is a dataclass whose fields are columns of its table, so that what leaves the box is written down in one place
and nothing that is added to a table leaves it by itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, select

from appliance.store.db import Store
from appliance.store.models import (
    Alert,
    Attempt,
    Base,
    Contact,
    DoNotCall,
    InboundCall,
    Lead,
    PhoneNumber,
    Webhook,
    WebhookDelivery,
)  # fmt: skip
from appliance.store.read.pages import Page, page_of


@dataclass(frozen=True)
class LeadRow:
    """A contact's place in a campaign; with `callback_at` a call-back is promised."""

    id: str
    campaign_id: str
    contact_id: str
    number: str
    name: str
    external_id: str
    amount_minor: int | None
    currency: str
    fields: dict[str, Any]
    import_id: str | None
    state: str
    priority: int
    attempts: int
    next_attempt_at: datetime
    last_outcome: str
    last_agent_id: str | None
    callback_agent_id: str | None
    callback_at: datetime | None


@dataclass(frozen=True)
class AttemptRow:
    """One dial of one number; open while `ended_at` is null."""

    id: str
    campaign_id: str
    lead_id: str
    contact_id: str | None
    number: str
    trunk_id: str
    caller_id: str
    created_at: datetime
    answered_at: datetime | None
    bridged_at: datetime | None
    ended_at: datetime | None
    outcome: str | None
    kind: str
    reason: str
    confidence: float | None
    sip_status: int | None
    q850: int | None
    agent_id: str | None
    seat_id: str | None
    abandoned: bool
    disposition: str
    disposed_at: datetime | None
    note: str
    promise_amount_minor: int | None
    promise_date: str | None
    answers: dict[str, Any]


@dataclass(frozen=True)
class InboundRow:
    """One call that came in."""

    id: str
    trunk_id: str
    caller: str
    called: str
    contact_id: str | None
    lead_id: str | None
    campaign_id: str | None
    queue_id: str
    state: str
    at: datetime
    answered_at: datetime | None
    queued_at: datetime | None
    bridged_at: datetime | None
    ended_at: datetime | None
    wait_s: float
    outcome: str | None
    agent_id: str | None
    seat_id: str | None
    callback_at: datetime | None
    disposition: str
    note: str
    answers: dict[str, Any]


@dataclass(frozen=True)
class ContactRow:
    """A person by the first of his numbers."""

    id: str
    number: str
    name: str
    created_at: datetime


@dataclass(frozen=True)
class NumberRow:
    """What is known of a number, whoever it belongs to."""

    number: str
    state: str
    state_reason: str
    state_since: datetime | None
    parked_until: datetime | None
    region: str
    line_type: str


@dataclass(frozen=True)
class DoNotCallRow:
    """A number that the box never calls."""

    number: str
    reason: str
    created_at: datetime


@dataclass(frozen=True)
class AlertRow:
    """An alert; it stands while `cleared_at` is null."""

    id: int
    key: str
    severity: str
    title: str
    text: str
    raised_at: datetime
    cleared_at: datetime | None
    acknowledged_by: str | None
    data: dict[str, Any]


@dataclass(frozen=True)
class WebhookRow:
    """An address that is told what happens; never its secret."""

    id: str
    name: str
    url: str
    events: list[str]
    personal: bool
    allow_private: bool
    enabled: bool
    failing_since: datetime | None
    created_at: datetime


@dataclass(frozen=True)
class DeliveryRow:
    """One message to a webhook: `state` waiting | delivered | failed."""

    id: str
    webhook_id: str
    event: str
    body: str
    state: str
    tries: int
    status: int | None
    error: str
    at: datetime
    next_at: datetime | None
    done_at: datetime | None


@dataclass(frozen=True)
class Rows:
    """How a table is paged: by `key` (unique), newest first unless `ascending`; `at` is what since and until mean."""

    view: type[Any]
    model: type[Base]
    key: str = "id"
    at: str = ""
    ascending: bool = False

    def column(self, name: str) -> Any:
        return getattr(self.model, name)


LEADS = Rows(LeadRow, Lead)
ATTEMPTS = Rows(AttemptRow, Attempt, at="created_at")
INBOUND = Rows(InboundRow, InboundCall, at="at")
CONTACTS = Rows(ContactRow, Contact)
NUMBERS = Rows(NumberRow, PhoneNumber, key="number", ascending=True)
DO_NOT_CALL = Rows(DoNotCallRow, DoNotCall, key="number", ascending=True)
ALERTS = Rows(AlertRow, Alert, at="raised_at")
WEBHOOKS = Rows(WebhookRow, Webhook)
DELIVERIES = Rows(DeliveryRow, WebhookDelivery, at="at")


def page(
    store: Store, table: Rows, *, equal: Mapping[str, Any] | None = None, since: datetime | None = None,
    until: datetime | None = None, present: Sequence[str] = (), absent: Sequence[str] = (),
    among: Mapping[str, frozenset[str]] | None = None, after: str | None = None, size: int = 50,
) -> Page[Any]:  # fmt: skip
    """Rows that fulfil all of it: columns `equal` to a value, `present` or `absent` (null), `among` some values.

    `after` is the key of the last row of the page before.
    """
    key = table.column(table.key)
    where: list[ColumnElement[bool]] = [table.column(name) == value for name, value in (equal or {}).items()]
    where += [table.column(name).is_not(None) for name in present]
    where += [table.column(name).is_(None) for name in absent]
    where += [table.column(name).in_(sorted(values)) for name, values in (among or {}).items()]
    if since is not None:
        where.append(table.column(table.at) >= since)
    if until is not None:
        where.append(table.column(table.at) < until)
    if after is not None:
        at: Any = int(after) if key.type.python_type is int else after
        where.append(key > at if table.ascending else key < at)
    query = _select(table).where(*where).order_by(key if table.ascending else key.desc()).limit(size + 1)
    with store.read() as db:
        rows = [table.view(*row) for row in db.execute(query)]
    return page_of(rows, [str(getattr(row, table.key)) for row in rows], size)


def one(store: Store, table: Rows, key: str) -> Any | None:
    """The row of a key."""
    with store.read() as db:
        row = db.execute(_select(table).where(table.column(table.key) == key)).first()
    return table.view(*row) if row else None


def _select(table: Rows) -> Any:
    return select(*(table.column(field.name) for field in fields(table.view)))
