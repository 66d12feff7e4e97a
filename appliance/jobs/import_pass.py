"""One pass over the rows of a list, chunk by chunk; each chunk is one short transaction.

Chunks keep each write under 50 ms, so that the engine is never kept waiting.
"""

from __future__ import annotations

import gc
import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy.orm import Session

from appliance.clock import Clock
from appliance.domain import lists
from appliance.domain.list_columns import Columns
from appliance.domain.lists import Candidate, Duplicates, ListedNumber, Merged, Refused, RowProblem
from appliance.domain.numbers import Cell, zone_prefix, zones
from appliance.outside.table_frames import Row
from appliance.store.db import Store
from appliance.store.repositories import contacts, imports
from appliance.types import E164

CHUNK_ROWS = 300
CELL_LENGTH_KEPT = 1000
_COLLECT_AFTER = 100_000
"""New objects after which the garbage collector looks for cycles while a list is read."""
MERGED = "merged"
"""Key in `warnings` for rows whose data went to a person who was there."""

MISFIT = "field_invalid"
"""Key in `warnings` for cells that did not fit their field."""

OnProgress = Callable[[int, int], None]
"""Called with (rows done, rows in all) after each chunk; what it raises stops the import, to be taken up later."""


@dataclass
class Tally:
    """What has been seen of the list so far. A merged row counts as a duplicate."""

    seen: set[E164] = field(default_factory=set)
    accepted: int = 0
    duplicates: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    warnings: Counter[str] = field(default_factory=Counter)
    amounts_unreadable: int = 0

    @property
    def rows(self) -> int:
        return self.accepted + self.duplicates + self.rejected.total()


@dataclass(frozen=True)
class _There:
    """What the store knows of the numbers of a chunk. `ours`: brought by this import (or by one that was killed)."""

    barred: set[E164]
    ours: set[E164]
    others: set[E164]
    elsewhere: set[E164]


class ImportPass:
    """Reads, decides and writes the rows of one list."""

    def __init__(
        self, store: Store, import_id: str, campaign_id: str, digest: str, columns: Columns, region: str,
        currency: str, dry_run: bool, clock: Clock, duplicates: Duplicates, across_campaigns: bool,
    ) -> None:  # fmt: skip
        self._store, self._import_id, self._campaign_id = store, import_id, campaign_id
        self._columns, self._region, self._currency = columns, region, currency
        self._dry_run, self._clock, self._started_at = dry_run, clock, clock.now()
        self._duplicates, self._across = duplicates, across_campaigns
        self._tally = Tally()
        self._zones: dict[tuple[str, str], tuple[str, ...]] = {}  # by prefix and line type
        with store.read() as session:
            self._twins = imports.twins(session, import_id, campaign_id, digest) if campaign_id else {import_id}
            # nobody to look for: who comes by another import at the same time is found when the lead is written
            self._own = {one.id: one for one in contacts.own_fields(session)}
            self._first = not campaign_id or contacts.is_empty(session, campaign_id)

    def run(self, rows: Iterable[Row], total: int, on_progress: OnProgress | None) -> Tally:
        """Go through all rows and say that they are in."""
        for chunk in _chunks(rows, CHUNK_ROWS):
            read = [
                lists.read_row(
                    row.number, row.cells, self._columns, self._region, currency=self._currency, hidden=row.hidden,
                    own=self._own,
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
        """Decide and write one chunk: people, leads, refused rows and counts in one transaction."""
        candidates = [row for row in read if isinstance(row, Candidate)]
        there = self._look_up(candidates)
        verdicts = lists.sort_out(
            candidates, self._tally.seen, there.others, there.barred, elsewhere=there.elsewhere,
            duplicates=self._duplicates,
        )  # fmt: skip
        taken = [row for row in verdicts if isinstance(row, Candidate)]
        merged = [row for row in verdicts if isinstance(row, Merged)]
        refused = [row for row in [*read, *verdicts] if isinstance(row, Refused)]
        with self._store.write() as session:
            if not self._dry_run:
                taken, beaten = self._take(session, taken, there)
                refused += beaten
                added = [(one.number, self._lead(one.row)) for one in merged]
                contacts.merge(session, self._campaign_id, added, self._clock.now())
            rejected = Counter(row.reason.value for row in refused if not row.duplicate)
            duplicates = sum(row.duplicate for row in refused) + len(merged)
            warnings = Counter(row.warning.value for row in taken if row.warning)
            warnings.update({MERGED: len(merged)} if merged else {})
            misfits = sum(row.custom_unreadable for row in taken)
            warnings.update({MISFIT: misfits} if misfits else {})
            imports.add_rejects(session, self._import_id, [_reject(row) for row in refused])
            imports.add_counts(
                session, self._import_id, accepted=len(taken), rejected=rejected, duplicates=duplicates,
                warnings=warnings,
            )  # fmt: skip
        self._tally.accepted += len(taken)
        self._tally.duplicates += duplicates
        self._tally.rejected += rejected
        self._tally.warnings += warnings
        self._tally.amounts_unreadable += sum(row.amount_unreadable for row in taken)

    def _look_up(self, candidates: list[Candidate]) -> _There:
        numbers = sorted({one.e164 for row in candidates for one in row.numbers})
        with self._store.read() as session:
            barred = contacts.do_not_call(session, numbers)
            there = {} if self._first else contacts.in_campaign(session, self._campaign_id, numbers)
            elsewhere = contacts.waiting_elsewhere(session, self._campaign_id, numbers) if self._across else set()
        ours = {number for number, brought_by in there.items() if brought_by in self._twins}
        return _There(barred, ours, there.keys() - ours, elsewhere)

    def _take(
        self, session: Session, taken: list[Candidate], there: _There
    ) -> tuple[list[Candidate], list[Refused]]:
        """Write the leads; returns those that are in now, and those whom another import was faster with."""
        fresh = [self._lead(row) for row in taken if row.number.e164 not in there.ours]
        added = contacts.add_leads(session, self._campaign_id, self._import_id, fresh, self._clock.now())
        contacts.adopt(session, self._campaign_id, self._import_id, sorted(there.ours - there.barred))
        here = added | there.ours
        return (
            [row for row in taken if row.number.e164 in here],
            [_too_late(row) for row in taken if row.number.e164 not in here],
        )

    def _lead(self, row: Candidate) -> contacts.NewLead:
        return contacts.NewLead(
            numbers=tuple(self._number(one) for one in row.numbers), name=row.name, external_id=row.external_id,
            amount_minor=row.amount.minor if row.amount else None, currency=row.amount.currency if row.amount else "",
            fields=row.fields, custom=row.custom, facts=row.facts,
            next_attempt_at=self._started_at + timedelta(microseconds=row.row_number),
        )  # fmt: skip

    def _number(self, one: ListedNumber) -> contacts.NewNumber:
        """The zones of a number are those of its prefix: asked once for each."""
        prefix = (zone_prefix(one.e164), one.line_type.value)
        found = self._zones.get(prefix)
        if found is None:
            found = self._zones[prefix] = zones(one.e164)
        return contacts.NewNumber(one.e164, one.type, one.region, one.line_type, found)


@contextmanager
def _few_collections() -> Iterator[None]:
    """A long list makes many small objects and no cycles: looking for some every 700 of them costs a sixth."""
    before = gc.get_threshold()
    gc.set_threshold(_COLLECT_AFTER, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _chunks(rows: Iterable[Row], size: int) -> Iterator[list[Row]]:
    iterator = iter(rows)
    while chunk := list(itertools.islice(iterator, size)):
        yield chunk


def _reject(row: Refused) -> imports.RejectRow:
    return imports.RejectRow(row.row_number, row.reason.value, row.detail, [_kept(cell) for cell in row.cells])


def _kept(cell: Cell) -> Cell:
    """A cell as the store keeps it: JSON knows no NaN, PostgreSQL no NUL."""
    if isinstance(cell, float) and cell - cell != 0:
        return str(cell)
    return cell[:CELL_LENGTH_KEPT].replace("\0", "") if isinstance(cell, str) else cell


def _too_late(row: Candidate) -> Refused:
    return Refused(row.row_number, row.cells, RowProblem.DUPLICATE_IN_CAMPAIGN, row.number.e164)
