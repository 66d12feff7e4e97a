"""A number list: what becomes of each row. Pure.

A list is read in two steps. `list_columns.guess_columns` says where phones, name and amount stand. `read_row` turns one
row into a `Candidate` or a `Refused`; `sort_out` then takes candidates in order and finds the duplicates, by any number
of the person: within the list, in the campaign, in other campaigns, and against do-not-call.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from appliance.domain.amounts import Amount, parse_amount
from appliance.domain.list_columns import PHONES, Column, Columns, cell_at, cell_text, number_type, plain_header
from appliance.domain.list_facts import FACT_ROLES, ListFacts, read_facts
from appliance.domain.list_words import OUR_HEADERS
from appliance.domain.numbers import Cell, Number, NumberKind, NumberProblem, line_facts, line_type_of, parse_number
from appliance.domain.own_columns import own_values
from appliance.domain.survey import FormField
from appliance.types import E164, LineType, NumberType

NAME_LENGTH_MAX = 200
EXTERNAL_ID_LENGTH_MAX = 80
FIELD_LENGTH_MAX = 500
_CURRENCY = re.compile(r"[A-Z]{3}")


class RowProblem(StrEnum):
    """Why a row with a good number is not taken (see also NumberProblem)."""

    HIDDEN_ROW = "hidden_row"  # filtered out in the spreadsheet: was it meant to be called?
    DO_NOT_CALL = "do_not_call"
    DUPLICATE_IN_LIST = "duplicate_in_list"
    DUPLICATE_IN_CAMPAIGN = "duplicate_in_campaign"
    DUPLICATE_ELSEWHERE = "duplicate_elsewhere"  # waits in another campaign


Reason = NumberProblem | RowProblem
DUPLICATES: frozenset[Reason] = frozenset(
    {RowProblem.DUPLICATE_IN_LIST, RowProblem.DUPLICATE_IN_CAMPAIGN, RowProblem.DUPLICATE_ELSEWHERE}
)
NUMBERS_MAX = 6
"""Numbers of one person that are kept."""


class Duplicates(StrEnum):
    """What becomes of a row whose person is there already, by any number."""

    SKIP = "skip"  # not taken
    WARN = "warn"  # taken and told; not taken when the very number that would be dialled is there
    MERGE = "merge"  # its numbers, fields and amount go to the person who is there


@dataclass(frozen=True, slots=True)
class ListedNumber:
    """One of a person's numbers as a list gives it."""

    e164: E164
    type: NumberType
    line_type: LineType
    region: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """A row with a number that can be dialled."""

    row_number: int
    cells: Sequence[Cell]
    number: Number
    name: str = ""
    amount: Amount | None = None
    external_id: str = ""
    fields: dict[str, str] = field(default_factory=dict)
    amount_unreadable: bool = False
    numbers: tuple[ListedNumber, ...] = ()  # all of the person, `number` first
    custom: dict[str, Any] = field(default_factory=dict)  # fields of one's own, as domain.survey keeps answers
    custom_unreadable: int = 0  # cells that did not fit their field: they stand in `fields`
    facts: ListFacts | None = None
    warning: RowProblem | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """A row that is not taken, with its cells so that it can be corrected."""

    row_number: int
    cells: Sequence[Cell]
    reason: Reason
    detail: str = ""

    @property
    def duplicate(self) -> bool:
        return self.reason in DUPLICATES


@dataclass(frozen=True, slots=True)
class Merged:
    """A row whose data go to the person with `number`, who is there already."""

    row: Candidate
    number: E164


def read_row(
    row_number: int, cells: Sequence[Cell], columns: Columns, region: str, *, currency: str = "", hidden: bool = False,
    own: Mapping[str, FormField] | None = None,
) -> Candidate | Refused:  # fmt: skip
    """What one row says. Never raises: a row that cannot be read is refused with its reason.

    `own`: the fields of one's own by key; what does not fit is kept under its header.
    """
    phones = _phones(cells, columns, region)
    if isinstance(phones, Refused):
        return replace(phones, row_number=row_number)
    number, numbers, unread = phones
    if hidden:
        return Refused(row_number, cells, RowProblem.HIDDEN_ROW)
    named = cell_text(cell_at(cells, columns.indices.get(Column.CURRENCY))).upper()
    amount_cell = cell_at(cells, columns.indices.get(Column.AMOUNT))
    amount = parse_amount(amount_cell, region, named if _CURRENCY.fullmatch(named) else currency)
    unreadable = isinstance(amount, ValueError)
    facts, vague = _facts(cells, columns)
    unread |= vague
    custom, misfits = own_values(cells, columns.custom, own or {})
    fields = _further_fields(cells, columns, unread | {Column.AMOUNT} if unreadable else unread, misfits)
    fields.update(_number_notes(number))
    return Candidate(
        row_number=row_number,
        cells=cells,
        number=number,
        name=cell_text(cell_at(cells, columns.indices.get(Column.NAME)))[:NAME_LENGTH_MAX],
        amount=None if isinstance(amount, ValueError) else amount,
        external_id=cell_text(cell_at(cells, columns.indices.get(Column.EXTERNAL_ID)))[:EXTERNAL_ID_LENGTH_MAX],
        fields=fields,
        amount_unreadable=unreadable,
        numbers=numbers,
        custom=custom,
        custom_unreadable=len(misfits),
        facts=facts,
    )


def _facts(cells: Sequence[Cell], columns: Columns) -> tuple[ListFacts | None, frozenset[Column]]:
    """What the rules must know of the person; None where the list has no such column."""
    if not columns.tells_facts:
        return None, frozenset()
    facts, vague = read_facts(*(cell_at(cells, columns.indices.get(Column(role))) for role in FACT_ROLES))
    return None if facts == ListFacts() else facts, frozenset(Column(role) for role in vague)


def _phones(
    cells: Sequence[Cell], columns: Columns, region: str
) -> Refused | tuple[Number, tuple[ListedNumber, ...], frozenset[Column]]:
    """The first number, all of them, and the phone columns (but the first) that hold something else."""
    first: Number | None = None
    problem: Refused | None = None
    numbers: dict[E164, ListedNumber] = {}
    unread = set()
    for column in PHONES:
        index = columns.indices.get(column)
        if index is None:
            continue
        read = parse_number(cell_at(cells, index), region)
        if not isinstance(read, Number):
            problem = problem or Refused(0, cells, read.problem, read.detail[:FIELD_LENGTH_MAX])
            unread.add(column)
            continue
        first = first or read
        kind = _type_of(columns, index, read)
        numbers.setdefault(read.e164, ListedNumber(read.e164, kind, line_type_of(read.kind), read.region))
        for other in read.others:
            numbers.setdefault(other, ListedNumber(other, kind, *line_facts(other)))
    if first is None:
        return problem or Refused(0, cells, NumberProblem.EMPTY)
    return first, tuple(numbers.values())[:NUMBERS_MAX], frozenset(unread)


def _type_of(columns: Columns, index: int, number: Number) -> NumberType:
    """What the header says; a mobile under any other header is a mobile still."""
    kind = number_type(columns.headers[index]) if index < len(columns.headers) else NumberType.UNKNOWN
    if kind is NumberType.UNKNOWN and number.kind is NumberKind.MOBILE:
        return NumberType.MOBILE
    return kind


def sort_out(
    candidates: Iterable[Candidate], seen: set[E164], in_campaign: Container[E164], do_not_call: Container[E164],
    *, elsewhere: Container[E164] = frozenset(), duplicates: Duplicates = Duplicates.SKIP,
) -> list[Candidate | Refused | Merged]:  # fmt: skip
    """Candidates in order -> taken, refused as duplicate or do-not-call, or merged. `seen` gathers the list's numbers.

    `elsewhere`: numbers that wait in other campaigns; a person of another campaign is never merged, for each campaign
    has a place of its own for him.
    """
    verdicts: list[Candidate | Refused | Merged] = []
    for candidate in candidates:
        numbers = [one.e164 for one in candidate.numbers] or [candidate.number.e164]
        barred = next((number for number in numbers if number in do_not_call), None)
        found = _there(numbers, seen, in_campaign, elsewhere)
        seen.update(numbers)
        verdict: Candidate | Refused | Merged = candidate
        if barred is not None and (found is None or found[0] is not RowProblem.DUPLICATE_IN_LIST):
            verdict = Refused(candidate.row_number, candidate.cells, RowProblem.DO_NOT_CALL, barred)
        elif found is not None:
            verdict = _duplicate(candidate, *found, duplicates)
        verdicts.append(verdict)
    return verdicts


def _there(
    numbers: Sequence[E164], seen: Container[E164], in_campaign: Container[E164], elsewhere: Container[E164]
) -> tuple[RowProblem, E164] | None:
    """Where the person stands already, and by which number."""
    for problem, known in (
        (RowProblem.DUPLICATE_IN_LIST, seen),
        (RowProblem.DUPLICATE_IN_CAMPAIGN, in_campaign),
        (RowProblem.DUPLICATE_ELSEWHERE, elsewhere),
    ):
        for number in numbers:
            if number in known:
                return problem, number
    return None


def _duplicate(
    candidate: Candidate, problem: RowProblem, number: E164, duplicates: Duplicates
) -> Candidate | Refused | Merged:
    is_here = problem is not RowProblem.DUPLICATE_ELSEWHERE
    if duplicates is Duplicates.MERGE:
        return Merged(candidate, number) if is_here else candidate
    if duplicates is Duplicates.WARN and not (is_here and number == candidate.number.e164):
        return replace(candidate, warning=problem)
    return Refused(candidate.row_number, candidate.cells, problem, number)


def _further_fields(
    cells: Sequence[Cell], columns: Columns, unread: frozenset[Column], misfits: frozenset[int] = frozenset()
) -> dict[str, str]:
    """All other columns under their headers; also, as written, what stands in the columns that could not be read."""
    used = {index for column, index in columns.indices.items() if column not in unread}
    used |= set(columns.custom.values()) - misfits
    fields: dict[str, str] = {}
    for index, header in enumerate(columns.headers):
        if not header or index in used or plain_header(header) in OUR_HEADERS:
            continue
        text = cell_text(cell_at(cells, index))
        if text:
            fields.setdefault(header[:80], text[:FIELD_LENGTH_MAX])
    return fields


def _number_notes(number: Number) -> dict[str, str]:
    """What the agent should know about the number; keys start with '_' and are the box's own."""
    notes: dict[str, str] = {}
    if number.extension:
        notes["_extension"] = number.extension
    if number.others:
        notes["_other_numbers"] = ", ".join(number.others)
    if number.foreign:
        notes["_region"] = number.region
    if number.kind is NumberKind.LANDLINE:
        notes["_kind"] = number.kind.value
    return notes
