"""Imports and the rows they did not take."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from appliance.store.db import Store
from appliance.store.models import Campaign, Import, ImportReject


@dataclass(frozen=True)
class ImportView:
    """One list that was read, dry or for good. `reasons` counts rejected rows by reason."""

    id: str
    campaign_id: str | None
    campaign_name: str
    file_name: str
    dry_run: bool
    state: str
    rows: int
    accepted: int
    rejected: int
    duplicates: int
    reasons: dict[str, int]
    mapping: dict[str, Any]
    error_id: str
    message: str
    placeholders: dict[str, Any]
    warnings: dict[str, int]
    actor_id: str
    created_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True)
class RejectView:
    """A row that was not taken: its number in the sheet, why, and its cells."""

    row_number: int
    reason: str
    detail: str
    cells: list[Any]


_QUERY = select(Import, Campaign.name).outerjoin(Campaign, Campaign.id == Import.campaign_id)


def _view(found: Import, campaign_name: str | None) -> ImportView:
    return ImportView(
        id=found.id, campaign_id=found.campaign_id, campaign_name=campaign_name or "", file_name=found.file_name,
        dry_run=found.dry_run, state=found.state, rows=found.rows, accepted=found.accepted, rejected=found.rejected,
        duplicates=found.duplicates, reasons=dict(found.reasons), mapping=dict(found.mapping),
        error_id=found.error_id, message=found.message,
        placeholders=dict(found.placeholders), warnings=dict(found.warnings),
        actor_id=found.actor_id, created_at=found.created_at,
        finished_at=found.finished_at,
    )  # fmt: skip


def recent(store: Store, *, campaign_id: str | None = None, limit: int = 50) -> list[ImportView]:
    """The last imports (for good and dry), newest first."""
    query = _QUERY.order_by(Import.id.desc()).limit(limit)
    if campaign_id:
        query = query.where(Import.campaign_id == campaign_id)
    with store.read() as db:
        return [_view(*row) for row in db.execute(query)]


def one(store: Store, import_id: str) -> ImportView | None:
    """One import."""
    with store.read() as db:
        row = db.execute(_QUERY.where(Import.id == import_id)).first()
    return _view(*row) if row else None


def rejects(store: Store, import_id: str, *, limit: int = 100) -> list[RejectView]:
    """The first rows that were not taken, in the order of the sheet."""
    query = select(ImportReject).where(ImportReject.import_id == import_id).order_by(ImportReject.row_number)
    with store.read() as db:
        return [
            RejectView(reject.row_number, reject.reason, reject.detail, list(reject.cells))
            for reject in db.scalars(query.limit(limit))
        ]


def all_rejects(store: Store, import_id: str) -> Iterator[RejectView]:
    """Every row that was not taken, streamed."""
    query = select(ImportReject).where(ImportReject.import_id == import_id).order_by(ImportReject.row_number)
    with store.read() as db:
        for reject in db.scalars(query.execution_options(yield_per=1000)):
            yield RejectView(reject.row_number, reject.reason, reject.detail, list(reject.cells))


def width_of_rejects(store: Store, import_id: str) -> int:
    """The most cells that a row which was not taken has."""
    query = select(func.max(func.json_array_length(ImportReject.cells))).where(ImportReject.import_id == import_id)
    with store.read() as db:
        return db.scalar(query) or 0
