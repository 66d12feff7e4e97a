"""Imports: what was read, and the rows that were not taken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from appliance.domain.lists import DUPLICATES
from appliance.errors import NotFoundError
from appliance.store.db import Store
from appliance.store.models import Campaign, Import, ImportReject, User

_DUPLICATE_REASONS = sorted(reason.value for reason in DUPLICATES)


@dataclass(frozen=True)
class ImportView:
    """One import; `state` running | finished | failed | interrupted. `reasons` counts rejected rows by reason key."""

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
    sheet: str
    headers: tuple[str, ...]
    columns: dict[str, int]  # role (phone, name, amount, ...) -> index of the column from 0
    error_id: str
    message: str
    actor: str
    created_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True)
class RejectView:
    """A row that was not taken; `reason` is a key (see domain.lists.REASON_TEXTS), `row_number` as in the file."""

    row_number: int
    reason: str
    detail: str
    cells: Sequence[Any]
    duplicate: bool


def _view(row: Import, campaign_name: str | None, actor: str | None) -> ImportView:
    return ImportView(
        id=row.id, campaign_id=row.campaign_id, campaign_name=campaign_name or "", file_name=row.file_name,
        dry_run=row.dry_run, state=row.state, rows=row.rows, accepted=row.accepted, rejected=row.rejected,
        duplicates=row.duplicates, reasons=dict(row.reasons), sheet=row.mapping.get("sheet", ""),
        headers=tuple(row.mapping.get("headers", ())), columns=dict(row.mapping.get("columns", {})),
        error_id=row.error_id, message=row.message, actor=actor or "", created_at=row.created_at,
        finished_at=row.finished_at,
    )  # fmt: skip


def imports(store: Store, *, campaign_id: str | None = None, limit: int = 100) -> list[ImportView]:
    """Imports, newest first, of one campaign or of all."""
    query = (
        select(Import, Campaign.name, User.login)
        .outerjoin(Campaign, Campaign.id == Import.campaign_id)
        .outerjoin(User, User.id == Import.actor_id)
        .order_by(Import.created_at.desc(), Import.id.desc())
        .limit(limit)
    )
    if campaign_id is not None:
        query = query.where(Import.campaign_id == campaign_id)
    with store.read() as db:
        return [_view(row, name, actor) for row, name, actor in db.execute(query)]


def one(store: Store, import_id: str) -> ImportView:
    """One import; raises NotFoundError `import.unknown`."""
    query = (
        select(Import, Campaign.name, User.login)
        .outerjoin(Campaign, Campaign.id == Import.campaign_id)
        .outerjoin(User, User.id == Import.actor_id)
        .where(Import.id == import_id)
    )
    with store.read() as db:
        found = db.execute(query).one_or_none()
    if found is None:
        raise NotFoundError("import.unknown", "There is no such import.", id=import_id)
    return _view(*found)


def rejects(
    store: Store, import_id: str, *, after_row: int = 0, limit: int = 50, reason: str | None = None
) -> list[RejectView]:
    """A page of rows that were not taken, in the order of the file; the next page starts after the last row number."""
    query = (
        select(ImportReject)
        .where(ImportReject.import_id == import_id, ImportReject.row_number > after_row)
        .order_by(ImportReject.row_number)
        .limit(limit)
    )
    if reason is not None:
        query = query.where(ImportReject.reason == reason)
    with store.read() as db:
        return [
            RejectView(row.row_number, row.reason, row.detail, tuple(row.cells), row.reason in _DUPLICATE_REASONS)
            for row in db.scalars(query)
        ]


def reject_reasons(store: Store, import_id: str) -> dict[str, int]:
    """How many rows were not taken, by reason; duplicates too."""
    query = (
        select(ImportReject.reason, func.count())
        .where(ImportReject.import_id == import_id)
        .group_by(ImportReject.reason)
        .order_by(func.count().desc())
    )
    with store.read() as db:
        return dict(db.execute(query).tuples())


def width_of_rejects(store: Store, import_id: str) -> int:
    """The most cells that a rejected row has."""
    query = select(func.max(func.json_array_length(ImportReject.cells))).where(ImportReject.import_id == import_id)
    with store.read() as db:
        return db.scalar(query) or 0
