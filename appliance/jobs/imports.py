"""Import of a number list: file -> columns -> verdict per row -> contacts and leads, in short transactions.

Chunks keep each write under 50 ms, so that the engine is never kept waiting. A killed import leaves its row `running`
and whole chunks only; the same file sent again takes up what is there, and a second whole run adds nothing. A dry run
writes nothing but the import's own row and the rows that it would not take.
"""

from __future__ import annotations

import hashlib
import itertools
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import phonenumbers
from sqlalchemy.exc import IntegrityError

from appliance.clock import Clock, SystemClock
from appliance.domain import lists
from appliance.domain.campaign import parse_config
from appliance.domain.lists import Candidate, Columns, Refused, RowProblem
from appliance.domain.numbers import Cell
from appliance.errors import CallerError
from appliance.ids import new_id
from appliance.jobs.inspection import choose_sheet, shown
from appliance.logs import get_logger
from appliance.outside.table_frames import Row, SheetHead
from appliance.outside.tables import ROWS_MAX, Workbook
from appliance.store.db import Store
from appliance.store.models import Campaign, Import
from appliance.store.repositories import configuration, contacts, imports
from appliance.types import E164, CampaignMode, CampaignState

CHUNK_ROWS = 150
CELL_LENGTH_KEPT = 1000

OnProgress = Callable[[int, int], None]
"""Called with (rows done, rows in all) after each chunk; what it raises stops the import, to be taken up later."""

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


@dataclass
class _Tally:
    """What has been seen of the list so far."""

    seen: set[E164] = field(default_factory=set)
    accepted: int = 0
    duplicates: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    amounts_unreadable: int = 0

    @property
    def rows(self) -> int:
        return self.accepted + self.duplicates + self.rejected.total()


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
    file_name: str | None = None,
    import_id: str | None = None,
    actor_id: str = "",
    on_progress: OnProgress | None = None,
    clock: Clock | None = None,
    rows_max: int = ROWS_MAX,
) -> ImportReport:
    """Import one list file into a campaign, named by id or by name (an unknown name is made, except in a dry run).

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
            head, columns = choose_sheet(workbook, mapping, region, file_name)
            rows = workbook.rows(head.index, rows_max=rows_max)
            if not campaign.id and not dry_run:
                campaign = _make_campaign(store, campaign.name, clock.now())
            with store.write() as session:
                imports.begin(
                    session, import_id, campaign_id=campaign.id or None, file_name=file_name, digest=digest,
                    dry_run=dry_run, mapping=_remembered(head, columns), actor_id=actor_id, now=clock.now(),
                )  # fmt: skip
            job = _Job(store, import_id, campaign.id, digest, columns, region, currency, dry_run, clock)
            tally = job.run(_data_rows(rows, columns, head), workbook.data_rows, on_progress)
    except CallerError as error:
        _note_failure(store, import_id, campaign, file_name, dry_run, actor_id, error, clock.now())
        raise
    log.info("list imported", import_id=import_id, rows=tally.rows, accepted=tally.accepted, dry_run=dry_run)
    return ImportReport(
        import_id=import_id, campaign_id=campaign.id or None, campaign_name=campaign.name,
        campaign_is_new=campaign.is_new, dry_run=dry_run, rows=tally.rows, accepted=tally.accepted,
        rejected=tally.rejected.total(), duplicates=tally.duplicates, reasons=dict(tally.rejected.most_common()),
        elapsed_s=round(time.monotonic() - began, 3), sheet=head.name,
        columns={role.value: shown(columns, index) for role, index in columns.indices.items()},
        amounts_unreadable=tally.amounts_unreadable,
    )  # fmt: skip


@dataclass(frozen=True)
class _Target:
    id: str  # empty: not made yet
    name: str
    is_new: bool


class _Job:
    """One pass over the rows of a list."""

    def __init__(
        self, store: Store, import_id: str, campaign_id: str, digest: str, columns: Columns, region: str,
        currency: str, dry_run: bool, clock: Clock,
    ) -> None:  # fmt: skip
        self._store, self._import_id, self._campaign_id = store, import_id, campaign_id
        self._columns, self._region, self._currency = columns, region, currency
        self._dry_run, self._clock, self._started_at = dry_run, clock, clock.now()
        self._tally = _Tally()
        with store.read() as session:
            self._twins = imports.twins(session, import_id, campaign_id, digest) if campaign_id else {import_id}

    def run(self, rows: Iterable[Row], total: int, on_progress: OnProgress | None) -> _Tally:
        for chunk in _chunks(rows, CHUNK_ROWS):
            read = [
                lists.read_row(
                    row.number, row.cells, self._columns, self._region, currency=self._currency, hidden=row.hidden
                )
                for row in chunk
            ]
            self._write(read)
            if on_progress is not None:
                on_progress(self._tally.rows, max(total, self._tally.rows))
        with self._store.write() as session:
            imports.finish(session, self._import_id, self._twins, self._clock.now())
        return self._tally

    def _write(self, read: list[Candidate | Refused]) -> None:
        """Decide and write one chunk: leads, refused rows and counts in one transaction."""
        candidates = [row for row in read if isinstance(row, Candidate)]
        refused = [row for row in read if isinstance(row, Refused)]
        numbers = sorted({row.number.e164 for row in candidates})
        with self._store.read() as session:
            barred = contacts.do_not_call(session, numbers)
            there = contacts.in_campaign(session, self._campaign_id, numbers) if self._campaign_id else {}
        ours = {number for number, brought_by in there.items() if brought_by in self._twins}
        verdicts = lists.sort_out(candidates, self._tally.seen, there.keys() - ours, barred)
        taken = [row for row in verdicts if isinstance(row, Candidate)]
        refused += [row for row in verdicts if isinstance(row, Refused)]
        with self._store.write() as session:
            if not self._dry_run:
                fresh = [self._lead(row) for row in taken if row.number.e164 not in ours]
                added = contacts.add_leads(session, self._campaign_id, self._import_id, fresh, self._clock.now())
                contacts.adopt(session, self._campaign_id, self._import_id, sorted(ours - barred))
                beaten = [row for row in taken if row.number.e164 not in added | ours]  # another import was faster
                refused += [_too_late(row) for row in beaten]
                taken = [row for row in taken if row.number.e164 in added | ours]
            rejected = Counter(row.reason.value for row in refused if not row.duplicate)
            duplicates = sum(row.duplicate for row in refused)
            imports.add_rejects(session, self._import_id, [_reject(row) for row in refused])
            imports.add_counts(
                session, self._import_id, accepted=len(taken), rejected=rejected, duplicates=duplicates
            )
        self._tally.accepted += len(taken)
        self._tally.duplicates += duplicates
        self._tally.rejected += rejected
        self._tally.amounts_unreadable += sum(row.amount_unreadable for row in taken)

    def _lead(self, row: Candidate) -> contacts.NewLead:
        return contacts.NewLead(
            numbers=(contacts.NewNumber(row.number.e164, region=row.number.region),), name=row.name,
            external_id=row.external_id,
            amount_minor=row.amount.minor if row.amount else None, currency=row.amount.currency if row.amount else "",
            fields=row.fields, next_attempt_at=self._started_at + timedelta(microseconds=row.row_number),
        )  # fmt: skip


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


def _chunks(rows: Iterable[Row], size: int) -> Iterator[list[Row]]:
    iterator = iter(rows)
    while chunk := list(itertools.islice(iterator, size)):
        yield chunk


def _remembered(head: SheetHead, columns: Columns) -> dict[str, Any]:
    """What the rejects file and the web page need later."""
    return {
        "sheet": head.name,
        "headers": list(columns.headers),
        "columns": {role.value: index for role, index in columns.indices.items()},
    }


def _reject(row: Refused) -> imports.RejectRow:
    return imports.RejectRow(row.row_number, row.reason.value, row.detail, [_kept(cell) for cell in row.cells])


def _kept(cell: Cell) -> Cell:
    """A cell as the store keeps it: JSON knows no NaN, PostgreSQL no NUL."""
    if isinstance(cell, float) and cell - cell != 0:
        return str(cell)
    return cell[:CELL_LENGTH_KEPT].replace("\0", "") if isinstance(cell, str) else cell


def _too_late(row: Candidate) -> Refused:
    return Refused(row.row_number, row.cells, RowProblem.DUPLICATE_IN_CAMPAIGN, row.number.e164)


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
        imports.fail(session, import_id, error.error_id, error.message, now)
