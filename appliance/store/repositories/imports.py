"""Imports: the row that says how far one is, and the rows that were not taken.

An import is written chunk by chunk; its counts and its leads change in one transaction, so that whatever is killed,
the row never claims more than there is. `running` may mean that its process died: `twins` finds such remains.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from appliance.domain.list_columns import plain_header
from appliance.domain.list_words import OUR_HEADERS
from appliance.errors import CallboxError, NotFoundError
from appliance.store.bulk import insert_or_skip
from appliance.store.models import Import, ImportReject

RUNNING, FINISHED, FAILED, INTERRUPTED = "running", "finished", "failed", "interrupted"
_REMEMBERED_MAX = 300  # lists that are looked through for a known header


@dataclass(frozen=True, slots=True)
class RejectRow:
    """A row that was not taken, as it stood in the file."""

    row_number: int
    reason: str
    detail: str
    cells: Sequence[Any]


def get(session: Session, import_id: str) -> Import:
    """Raises NotFoundError `import.unknown`."""
    row = session.get(Import, import_id)
    if row is None:
        raise NotFoundError("import.unknown", "There is no such import.", id=import_id)
    return row


def begin(
    session: Session, import_id: str, *, campaign_id: str | None, file_name: str, digest: str, dry_run: bool,
    mapping: Mapping[str, Any], actor_id: str, now: datetime,
) -> None:  # fmt: skip
    """Write the import's row, or set it back to zero when its process died and it starts again."""
    row = session.get(Import, import_id)
    if row is None:
        row = Import(id=import_id, created_at=now)
        session.add(row)
    row.campaign_id, row.file_name, row.digest, row.dry_run = campaign_id, file_name[:255], digest, dry_run
    row.mapping, row.actor_id, row.state = dict(mapping), actor_id, RUNNING
    row.rows = row.accepted = row.rejected = row.duplicates = 0
    row.reasons, row.warnings, row.error_id, row.message, row.placeholders = {}, {}, "", "", {}


def remembered(session: Session, campaign_id: str | None) -> dict[tuple[str, ...], dict[str, int]]:
    """Header -> {role: index of the column}, as it was when a list with that header was last taken.

    A list of the same campaign counts before any other one.
    """
    newest = (
        select(Import.campaign_id, Import.mapping)
        .where(Import.state == FINISHED, Import.dry_run.is_(False))
        .order_by(Import.id.desc())
        .limit(_REMEMBERED_MAX)
    )
    rows = session.execute(newest).all()
    found: dict[tuple[str, ...], dict[str, int]] = {}
    for same_campaign in (True, False):
        for of_campaign, mapping in rows:
            headers = bare_header(mapping.get("headers", []))
            if headers and (of_campaign == campaign_id) is same_campaign:
                found.setdefault(headers, mapping["columns"])
    return found


def bare_header(headers: Sequence[str]) -> tuple[str, ...]:
    """A header without the columns that the box adds to a file of rejects, and without empty ones at its end."""
    kept = [header for header in headers if plain_header(header) not in OUR_HEADERS]
    while kept and not kept[-1]:
        kept.pop()
    return tuple(kept)


def twins(session: Session, import_id: str, campaign_id: str, digest: str) -> set[str]:
    """Ids of imports of the same file into the same campaign that never finished, and this one's own."""
    unfinished = select(Import.id).where(
        Import.campaign_id == campaign_id, Import.digest == digest, Import.dry_run.is_(False),
        Import.state.in_([RUNNING, INTERRUPTED]),
    )  # fmt: skip
    return {*session.scalars(unfinished), import_id}


def add_counts(
    session: Session, import_id: str, *, accepted: int, rejected: Counter[str], duplicates: int,
    warnings: Counter[str],
) -> None:  # fmt: skip
    """Add one chunk's figures; `rejected` by reason, `warnings` of rows that were taken or merged."""
    row = get(session, import_id)
    reasons = Counter(row.reasons)
    reasons.update(rejected)
    row.rows += accepted + rejected.total() + duplicates
    row.accepted += accepted
    row.rejected += rejected.total()
    row.duplicates += duplicates
    row.reasons = dict(reasons)
    row.warnings = dict(Counter(row.warnings) + warnings)


def add_rejects(session: Session, import_id: str, rejects: Sequence[RejectRow]) -> None:
    """Keep rows that were not taken; a row that is there already stays."""
    if rejects:
        session.execute(
            insert_or_skip(session, ImportReject),
            [
                {
                    "import_id": import_id, "row_number": reject.row_number, "reason": reject.reason,
                    "detail": reject.detail, "cells": list(reject.cells),
                }
                for reject in rejects
            ],
        )  # fmt: skip


def finish(session: Session, import_id: str, twin_ids: set[str], now: datetime) -> None:
    """Say that all rows are in; the remains that this import took up are closed."""
    session.execute(
        update(Import)
        .where(Import.id.in_(twin_ids - {import_id}), Import.state == RUNNING)
        .values(state=INTERRUPTED, finished_at=now, message=f"taken up by {import_id}")
    )
    row = get(session, import_id)
    row.state, row.finished_at = FINISHED, now


def fail(session: Session, import_id: str, error: CallboxError, now: datetime) -> None:
    """Say why the file was not taken; the placeholders let the web say it in the reader's language."""
    row = get(session, import_id)
    row.state, row.error_id, row.message, row.finished_at = FAILED, error.error_id, error.message, now
    row.placeholders = {key: str(value) for key, value in error.placeholders.items()}
