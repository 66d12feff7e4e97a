"""Saved reports and what became of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from appliance.store.db import Store
from appliance.store.models import SavedReport


@dataclass(frozen=True)
class SavedReportView:
    """One saved report; `state` of its last making: sent | made | failed, or empty."""

    id: str
    name: str
    choice: dict[str, str]
    file_format: str
    every: str
    at_time: str
    on_day: int
    recipients: str
    language: str
    next_at: datetime | None
    last_at: datetime | None
    last_state: str
    last_message: str
    last_file: str
    last_file_name: str


def _view(row: SavedReport) -> SavedReportView:
    return SavedReportView(
        id=row.id, name=row.name, choice=dict(row.choice), file_format=row.file_format, every=row.every,
        at_time=row.at_time, on_day=row.on_day, recipients=row.recipients, language=row.language, next_at=row.next_at,
        last_at=row.last_at, last_state=row.last_state, last_message=row.last_message, last_file=row.last_file,
        last_file_name=row.last_file_name,
    )  # fmt: skip


def saved_reports(store: Store) -> list[SavedReportView]:
    """All of them, by name."""
    with store.read() as db:
        return [_view(row) for row in db.scalars(select(SavedReport).order_by(SavedReport.name))]


def saved_report(store: Store, report_id: str) -> SavedReportView | None:
    """One of them."""
    with store.read() as db:
        row = db.get(SavedReport, report_id)
    return _view(row) if row else None
