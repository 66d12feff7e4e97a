"""Calls that came in, for the screens: the list of missed calls, the queues."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, case, exists, func, or_, select
from sqlalchemy.orm import aliased

from appliance.store.db import Store
from appliance.store.models import Attempt, Contact, InboundCall, Lead, Queue

CONNECTED = "connected"


@dataclass(frozen=True)
class MissedCall:
    """One call that no agent took. `reached`: the person was spoken with later; `callback_at`: he will be called."""

    id: str
    at: datetime
    caller: str
    called: str
    contact_id: str | None
    name: str
    queue_id: str
    queue_name: str
    campaign_id: str | None
    outcome: str
    wait_s: float
    callback_at: datetime | None
    reached: bool

    @property
    def is_open(self) -> bool:
        """Nobody has done anything about it yet."""
        return not self.reached and self.callback_at is None


def missed(
    store: Store, *, since: datetime | None = None, until: datetime | None = None, queue_id: str = "",
    open_only: bool = True, known: bool | None = None, limit: int = 500, offset: int = 0,
) -> list[MissedCall]:  # fmt: skip
    """Return missed calls, newest first; of callers who withheld their number none when `open_only`.

    `open_only`: neither reached since, nor put before the list. `known`: only callers with (False: without) a record.
    """
    call, later, attempt = InboundCall, aliased(InboundCall), Attempt
    reached = or_(
        exists().where(later.caller == call.caller, later.at > call.at, later.bridged_at.is_not(None)),
        exists().where(attempt.number == call.caller, attempt.created_at > call.at, attempt.bridged_at.is_not(None)),
    )
    query = (
        select(call, Contact.name, Lead.name, Queue.name, reached.label("reached"))
        .outerjoin(Contact, Contact.id == call.contact_id)
        .outerjoin(Lead, Lead.id == call.lead_id)
        .outerjoin(Queue, Queue.id == call.queue_id)
        .where(call.ended_at.is_not(None), call.outcome != CONNECTED)
        .order_by(call.at.desc())
    )
    if since is not None:
        query = query.where(call.at >= since)
    if until is not None:
        query = query.where(call.at < until)
    if queue_id:
        query = query.where(call.queue_id == queue_id)
    if known is not None:
        query = query.where(call.contact_id.is_not(None) if known else call.contact_id.is_(None))
    if open_only:
        query = query.where(~reached, call.callback_at.is_(None), call.caller.startswith("+"))
    with store.read() as session:
        rows = session.execute(query.limit(limit).offset(offset)).all()
        return [
            MissedCall(
                row.id, row.at, row.caller, row.called, row.contact_id, lead_name or contact_name or "", row.queue_id,
                queue_name or "", row.campaign_id, row.outcome or "", row.wait_s, row.callback_at, bool(was_reached),
            )
            for row, contact_name, lead_name, queue_name, was_reached in rows
        ]  # fmt: skip


@dataclass(frozen=True)
class QueueFigures:
    """What became of the callers of one queue who came in a span of time; open calls are left out.

    `in_time` were with an agent within `SERVICE_LEVEL_S` of the answer; closed hours count in `calls` only.
    """

    calls: int = 0
    connected: int = 0
    in_time: int = 0
    hung_up: int = 0
    call_backs: int = 0
    overflowed: int = 0
    mean_wait_s: float | None = None  # of those who reached an agent

    @property
    def service_level(self) -> float | None:
        """Share of those who wanted an agent in open hours and had one in time."""
        wanted = self.connected + self.hung_up + self.call_backs + self.overflowed
        return self.in_time / wanted if wanted else None


SERVICE_LEVEL_S = 20.0


def queue_figures(store: Store, since: datetime, until: datetime | None = None) -> dict[str, QueueFigures]:
    """Return the figures of each queue, counted from rows."""
    call = InboundCall
    reached = call.outcome == CONNECTED

    def count(condition: ColumnElement[bool]) -> ColumnElement[int]:
        return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)

    query = select(
        call.queue_id, func.count(), count(reached), count(reached & (call.wait_s <= SERVICE_LEVEL_S)),
        count(call.outcome == "abandoned_in_queue"), count(call.outcome == "callback_asked"),
        count(call.outcome == "overflowed"), func.avg(case((reached, call.wait_s))),
    ).where(call.ended_at.is_not(None), call.at >= since).group_by(call.queue_id)  # fmt: skip
    if until is not None:
        query = query.where(call.at < until)
    with store.read() as session:
        return {row[0]: QueueFigures(*row[1:]) for row in session.execute(query)}


@dataclass(frozen=True)
class QueueView:
    """One queue as its page shows it."""

    id: str
    name: str
    config: dict[str, Any]
    enabled: bool


def queues(store: Store) -> list[QueueView]:
    """Return all queues by name."""
    with store.read() as session:
        return [_view(row) for row in session.scalars(select(Queue).order_by(Queue.name))]


def queue(store: Store, queue_id: str) -> QueueView | None:
    with store.read() as session:
        row = session.get(Queue, queue_id)
        return _view(row) if row is not None else None


def _view(row: Queue) -> QueueView:
    return QueueView(row.id, row.name, dict(row.config), row.enabled)
