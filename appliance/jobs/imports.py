"""Import of a number list: file -> columns -> verdict per row -> people and leads, in short transactions.

The rows themselves are gone through by `import_pass`. A killed import leaves its row `running` and whole chunks only;
the same file sent again takes up what is there, and a second whole run adds nothing. A dry run writes nothing but the
import's own row and the rows that it would not take.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import phonenumbers
from sqlalchemy.exc import IntegrityError

from appliance.clock import Clock, SystemClock
from appliance.domain.campaign import parse_config
from appliance.domain.list_columns import Columns
from appliance.domain.lists import Duplicates
from appliance.errors import CallerError
from appliance.ids import new_id
from appliance.jobs.import_pass import ImportPass, OnProgress, Tally
from appliance.jobs.inspection import choose_sheet, shown
from appliance.logs import get_logger
from appliance.outside.table_frames import Row, SheetHead
from appliance.outside.tables import ROWS_MAX, Workbook
from appliance.store.db import Store
from appliance.store.models import Campaign, Import
from appliance.store.repositories import configuration, imports
from appliance.types import CampaignMode, CampaignState

log = get_logger()


@dataclass(frozen=True)
class ImportReport:
    """What became of a list. `rows` = accepted + rejected + duplicates; `reasons` counts the rejected ones."""

    import_id: str
    campaign_id: str | None
    campaign_name: str
    campaign_is_new: bool
    dry_run: bool
    rows: int
    accepted: int
    rejected: int
    duplicates: int
    reasons: dict[str, int]
    elapsed_s: float
    sheet: str = ""
    columns: dict[str, str] = field(default_factory=dict)  # role -> header, or letter of the column
    amounts_unreadable: int = 0
    warnings: dict[str, int] = field(default_factory=dict)  # of rows that were taken (duplicates) or merged


def run_import(
    store: Store,
    path: Path,
    *,
    campaign_id: str | None = None,
    campaign_name: str | None = None,
    region: str = "CN",
    currency: str = "",
    mapping: dict[str, str] | None = None,
    dry_run: bool = False,
    duplicates: Duplicates = Duplicates.SKIP,
    across_campaigns: bool = False,
    file_name: str | None = None,
    import_id: str | None = None,
    actor_id: str = "",
    on_progress: OnProgress | None = None,
    clock: Clock | None = None,
    rows_max: int = ROWS_MAX,
) -> ImportReport:
    """Import one list file into a campaign, named by id or by name (an unknown name is made, except in a dry run).

    Columns are those of `mapping`, else as they were when a list with the same header was last taken, else guessed.
    `across_campaigns`: people who wait in another campaign are duplicates too.
    `import_id` given twice (a job that is run again after a crash) continues; a finished one is only reported.
    Raises CallerError for a bad file or request: it is found before the first row is taken, and the import's row
    says why.
    """
    began = time.monotonic()
    clock = clock or SystemClock()
    import_id = import_id or new_id()
    file_name = file_name or path.name
    region = region.upper()
    campaign = _campaign(store, campaign_id, campaign_name)
    if finished := _finished_before(store, import_id, campaign):
        return finished
    try:
        if region not in phonenumbers.SUPPORTED_REGIONS:
            raise CallerError("import.unknown_region", f"{region} is not a country code such as CN.", region=region)
        digest = _digest(path)
        with Workbook(path) as workbook:
            head, columns = choose_sheet(workbook, mapping, region, file_name, remembered_by(store, campaign.id))
            rows = workbook.rows(head.index, rows_max=rows_max)
            if not campaign.id and not dry_run:
                campaign = _make_campaign(store, campaign.name, clock.now())
            with store.write() as session:
                imports.begin(
                    session, import_id, campaign_id=campaign.id or None, file_name=file_name, digest=digest,
                    dry_run=dry_run, mapping=_remembered(head, columns), actor_id=actor_id, now=clock.now(),
                )  # fmt: skip
            job = ImportPass(
                store, import_id, campaign.id, digest, columns, region, currency, dry_run, clock, duplicates,
                across_campaigns,
            )  # fmt: skip
            tally = job.run(_data_rows(rows, columns, head), workbook.data_rows, on_progress)
    except CallerError as error:
        _note_failure(store, import_id, campaign, file_name, dry_run, actor_id, error, clock.now())
        raise
    log.info("list imported", import_id=import_id, rows=tally.rows, accepted=tally.accepted, dry_run=dry_run)
    return _report(tally, import_id, campaign, dry_run, head, columns, time.monotonic() - began)


def _report(
    tally: Tally, import_id: str, campaign: _Target, dry_run: bool, head: SheetHead, columns: Columns, took_s: float
) -> ImportReport:
    return ImportReport(
        import_id=import_id, campaign_id=campaign.id or None, campaign_name=campaign.name,
        campaign_is_new=campaign.is_new, dry_run=dry_run, rows=tally.rows, accepted=tally.accepted,
        rejected=tally.rejected.total(), duplicates=tally.duplicates, reasons=dict(tally.rejected.most_common()),
        elapsed_s=round(took_s, 3), sheet=head.name,
        columns={role: shown(columns, index) for role, index in columns.roles.items()},
        amounts_unreadable=tally.amounts_unreadable, warnings=dict(tally.warnings.most_common()),
    )  # fmt: skip


@dataclass(frozen=True)
class _Target:
    id: str  # empty: not made yet
    name: str
    is_new: bool


def remembered_by(store: Store, campaign_id: str | None) -> Callable[[tuple[str, ...]], dict[str, int] | None]:
    """Return what looks up the columns of a header that was taken before."""
    with store.read() as session:
        known = imports.remembered(session, campaign_id or None)
    return lambda headers: known.get(imports.bare_header(headers)) or None


def _campaign(store: Store, campaign_id: str | None, campaign_name: str | None) -> _Target:
    """The campaign to import into. Raises NotFoundError for an unknown id, CallerError for no or a bad name."""
    with store.read() as session:
        if campaign_id:
            known = configuration.campaign(session, campaign_id)
            return _Target(known.id, known.name, is_new=False)
        name = (campaign_name or "").strip()
        if not 1 <= len(name) <= 120:
            raise CallerError("import.no_campaign", "Name the campaign (1 to 120 characters) that the list is for.")
        found = configuration.campaign_by_name(session, name)
    return _Target(found.id, found.name, is_new=False) if found else _Target("", name, is_new=True)


def _make_campaign(store: Store, name: str, now: datetime) -> _Target:
    campaign = Campaign(
        id=new_id(), name=name, mode=CampaignMode.PROGRESSIVE.value, state=CampaignState.DRAFT.value,
        config=parse_config({}).model_dump(mode="json"), created_at=now,
    )  # fmt: skip
    try:
        with store.write() as session:
            session.add(campaign)
    except IntegrityError:  # made by somebody else in this moment
        return _campaign(store, None, name)
    return _Target(campaign.id, name, is_new=True)


def _data_rows(rows: Iterator[Row], columns: Columns, head: SheetHead) -> Iterator[Row]:
    """Rows below the header; the titles above it are no data either."""
    first = 0 if columns.header_row is None else head.rows[columns.header_row].number + 1
    return (row for row in rows if row.number >= first)


def _remembered(head: SheetHead, columns: Columns) -> dict[str, Any]:
    """What the rejects file and the web page need later."""
    return {
        "sheet": head.name,
        "headers": list(columns.headers),
        "columns": columns.roles,
    }


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as handle:
            return hashlib.file_digest(handle, "sha256").hexdigest()
    except OSError as error:
        raise CallerError(
            "import.not_found", f"{path.name} cannot be read: {error.strerror}.", file=path.name
        ) from error


def _finished_before(store: Store, import_id: str, campaign: _Target) -> ImportReport | None:
    with store.read() as session:
        row = session.get(Import, import_id)
        if row is None or row.state != imports.FINISHED:
            return None
        return ImportReport(
            import_id=row.id, campaign_id=row.campaign_id, campaign_name=campaign.name, campaign_is_new=False,
            dry_run=row.dry_run, rows=row.rows, accepted=row.accepted, rejected=row.rejected,
            duplicates=row.duplicates, reasons=row.reasons, elapsed_s=0.0, sheet=row.mapping.get("sheet", ""),
            warnings=row.warnings,
        )  # fmt: skip


def _note_failure(
    store: Store, import_id: str, campaign: _Target, file_name: str, dry_run: bool, actor_id: str,
    error: CallerError, now: datetime,
) -> None:  # fmt: skip
    log.info("list not imported", import_id=import_id, error_id=error.error_id)
    with store.write() as session:
        if session.get(Import, import_id) is None:
            imports.begin(
                session, import_id, campaign_id=campaign.id or None, file_name=file_name, digest="", dry_run=dry_run,
                mapping={}, actor_id=actor_id, now=now,
            )  # fmt: skip
        imports.fail(session, import_id, error, now)
