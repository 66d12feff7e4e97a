"""A number list: which column holds what, and what becomes of each row. Pure.

A list is read in two steps. `guess_columns` looks at the first rows (headers in zh, ru or en, then content) and says
where phone, name and amount stand. `read_row` turns one row into a `Candidate` or a `Refused`; `sort_out` then takes
candidates in order and finds the duplicates: within the list, in the campaign, and against do-not-call.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from appliance.domain.amounts import Amount, parse_amount
from appliance.domain.list_words import HEADER_WORDS
from appliance.domain.numbers import Cell, Number, NumberKind, NumberProblem, looks_like_number, parse_number
from appliance.types import E164

NAME_LENGTH_MAX = 200
EXTERNAL_ID_LENGTH_MAX = 80
FIELD_LENGTH_MAX = 500
HEADER_ROWS_MAX = 20
"""A header is looked for in the first rows: reports carry titles above it."""
REASON_HEADER = "Callbox: reason"
DETAIL_HEADER = "Callbox: detail"
"""Columns that the box adds to a file of rejects; they are passed over when the corrected file comes back."""


class Column(StrEnum):
    """What a column of a list may hold."""

    PHONE = "phone"
    NAME = "name"
    AMOUNT = "amount"
    CURRENCY = "currency"
    EXTERNAL_ID = "external_id"


class RowProblem(StrEnum):
    """Why a row with a good number is not taken (see also NumberProblem)."""

    HIDDEN_ROW = "hidden_row"  # filtered out in the spreadsheet: was it meant to be called?
    DO_NOT_CALL = "do_not_call"
    DUPLICATE_IN_LIST = "duplicate_in_list"
    DUPLICATE_IN_CAMPAIGN = "duplicate_in_campaign"


Reason = NumberProblem | RowProblem
DUPLICATES: frozenset[Reason] = frozenset({RowProblem.DUPLICATE_IN_LIST, RowProblem.DUPLICATE_IN_CAMPAIGN})
REASON_TEXTS: dict[Reason, str] = {
    NumberProblem.EMPTY: "The phone cell is empty.",
    NumberProblem.NO_DIGITS: "The phone cell holds text, not a number.",
    NumberProblem.FORMULA: "The phone cell holds a formula without a stored result. Replace it by its value.",
    NumberProblem.CELL_ERROR: "The phone cell holds an error of the spreadsheet.",
    NumberProblem.ROUNDED: "The spreadsheet rounded the number (1.38E+10). Type it again in a cell of type text.",
    NumberProblem.TOO_SHORT: "The number is too short.",
    NumberProblem.TOO_LONG: "The number is too long.",
    NumberProblem.SHORT_CODE: "This is a service code, not a person's number.",
    NumberProblem.INVALID: "No telephone network has such a number. Is the area or country code missing?",
    NumberProblem.PREMIUM: "Calls to this number cost extra.",
    RowProblem.HIDDEN_ROW: "The row was hidden in the spreadsheet. Send it again if it is to be called.",
    RowProblem.DO_NOT_CALL: "The number is on the do-not-call list.",
    RowProblem.DUPLICATE_IN_LIST: "The number stands further up in the list.",
    RowProblem.DUPLICATE_IN_CAMPAIGN: "The number is already in the campaign.",
}


@dataclass(frozen=True, slots=True)
class Columns:
    """Where things stand. Indices count from 0; `header_row` is the index of the header among the rows, or None."""

    indices: dict[Column, int]
    headers: tuple[str, ...] = ()
    header_row: int | None = None


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


# a header that is one of the words weighs more than one that only contains it
_WORDS = {Column(role): words for role, words in HEADER_WORDS.items()}
_EXACT = {word: (column, rank) for column, words in _WORDS.items() for rank, word in enumerate(words)}
_OURS = {REASON_HEADER.lower(), DETAIL_HEADER.lower()}


def guess_columns(rows: Sequence[Sequence[Cell]], region: str) -> Columns | None:
    """Find the columns in the first rows of a list; None when none of them holds telephone numbers."""
    header_row = _find_header(rows)
    body = rows[header_row + 1 :] if header_row is not None else rows
    headers = tuple(cell_text(cell) for cell in rows[header_row]) if header_row is not None else ()
    indices = _from_headers(headers)
    width = max((len(row) for row in rows), default=0)
    shares = [_share_of_numbers(body, index, region) for index in range(width)]
    named = indices.pop(Column.PHONE, None)
    taken = set(indices.values())
    best = max((i for i in range(width) if i not in taken), key=lambda i: (shares[i], -i), default=None)
    if named is not None and (shares[named] >= 0.2 or best is None or shares[best] < 0.5):
        indices[Column.PHONE] = named
    elif best is not None and shares[best] >= 0.5:
        indices[Column.PHONE] = best  # the content speaks against the header: "number" above 1, 2, 3
    else:
        return None
    if header_row is None:
        indices |= _from_content(body, width, region, indices)
        if rows and _is_wordy(rows[0]):
            return Columns(indices, tuple(cell_text(cell) for cell in rows[0]), 0)
    return Columns(indices, headers, header_row)


def columns_without_phone(rows: Sequence[Sequence[Cell]]) -> Columns:
    """What can be said of a list in which no column holds numbers: its header, and roles other than the phone."""
    header_row = _find_header(rows)
    headers = tuple(cell_text(cell) for cell in rows[header_row]) if header_row is not None else ()
    indices = _from_headers(headers)
    indices.pop(Column.PHONE, None)
    return Columns(indices, headers, header_row)


def columns_from_mapping(rows: Sequence[Sequence[Cell]], mapping: dict[str, str], region: str) -> Columns:
    """Columns as the user named them: role -> header text, or letter(s) of the column. Raises ValueError per role.

    Roles that are not named stay unset, except that a phone column is guessed when it is not named.
    """
    guessed = guess_columns(rows, region)
    header_row = _row_that_names(rows, mapping.values())
    if header_row is None:
        header_row = guessed.header_row if guessed else _find_header(rows)
    headers = tuple(cell_text(cell) for cell in rows[header_row]) if header_row is not None else ()
    known = {_plain(header): index for index, header in reversed(list(enumerate(headers))) if header}
    width = max((len(row) for row in rows), default=0)
    indices: dict[Column, int] = {}
    for role, named in mapping.items():
        if role not in set(Column):
            raise ValueError(f"{role} is not one of {', '.join(Column)}")
        index = known.get(_plain(named), _column_letter(named))
        if index is None or index >= width:
            raise ValueError(f"the list has no column {named!r} (for {role})")
        indices[Column(role)] = index
    if Column.PHONE not in indices:
        if guessed is None:
            raise ValueError("no column holds telephone numbers")
        indices[Column.PHONE] = guessed.indices[Column.PHONE]
    return Columns(indices, headers, header_row)


def read_row(
    row_number: int, cells: Sequence[Cell], columns: Columns, region: str, *, currency: str = "", hidden: bool = False
) -> Candidate | Refused:
    """What one row says. Never raises: a row that cannot be read is refused with its reason."""
    phone = _cell(cells, columns.indices.get(Column.PHONE))
    number = parse_number(phone, region)
    if not isinstance(number, Number):
        return Refused(row_number, cells, number.problem, number.detail[:FIELD_LENGTH_MAX])
    if hidden:
        return Refused(row_number, cells, RowProblem.HIDDEN_ROW)
    named = cell_text(_cell(cells, columns.indices.get(Column.CURRENCY))).upper()
    amount_cell = _cell(cells, columns.indices.get(Column.AMOUNT))
    amount = parse_amount(amount_cell, region, named if re.fullmatch(r"[A-Z]{3}", named) else currency)
    unreadable = isinstance(amount, ValueError)
    fields = _further_fields(cells, columns, keep_amount=unreadable)
    fields.update(_number_notes(number))
    return Candidate(
        row_number=row_number,
        cells=cells,
        number=number,
        name=cell_text(_cell(cells, columns.indices.get(Column.NAME)))[:NAME_LENGTH_MAX],
        amount=None if isinstance(amount, ValueError) else amount,
        external_id=cell_text(_cell(cells, columns.indices.get(Column.EXTERNAL_ID)))[:EXTERNAL_ID_LENGTH_MAX],
        fields=fields,
        amount_unreadable=unreadable,
    )


def sort_out(
    candidates: Iterable[Candidate], seen: set[E164], in_campaign: Container[E164], do_not_call: Container[E164]
) -> list[Candidate | Refused]:
    """Candidates in order -> taken or refused as duplicate or do-not-call. `seen` gathers the numbers of the list."""
    verdicts: list[Candidate | Refused] = []
    for candidate in candidates:
        number = candidate.number.e164
        reason: Reason | None = None
        if number in seen:
            reason = RowProblem.DUPLICATE_IN_LIST
        elif number in do_not_call:
            reason = RowProblem.DO_NOT_CALL
        elif number in in_campaign:
            reason = RowProblem.DUPLICATE_IN_CAMPAIGN
        seen.add(number)
        verdicts.append(
            candidate if reason is None else Refused(candidate.row_number, candidate.cells, reason, number)
        )
    return verdicts


def _find_header(rows: Sequence[Sequence[Cell]]) -> int | None:
    """Index of the row that reads most like a header: known words, at least one of them exact."""
    best, best_score = None, 0.0
    for index, row in enumerate(rows[:HEADER_ROWS_MAX]):
        texts = [_plain(cell_text(cell)) for cell in row]
        score = sum(1.0 if text in _EXACT else 0.4 if _weaker(text) else 0.0 for text in texts)
        if any(text in _EXACT for text in texts) and score > best_score:
            best, best_score = index, score
    return best


def _row_that_names(rows: Sequence[Sequence[Cell]], names: Iterable[str]) -> int | None:
    """Index of the first row that holds one of the header texts."""
    wanted = {_plain(name) for name in names}
    for index, row in enumerate(rows[:HEADER_ROWS_MAX]):
        if wanted & {_plain(cell_text(cell)) for cell in row if cell_text(cell)}:
            return index
    return None


def _is_wordy(row: Sequence[Cell]) -> bool:
    """True for a row of words without a single digit: a header in words that are not known here."""
    texts = [text for cell in row if (text := cell_text(cell))]
    return bool(texts) and not any(c.isdigit() for text in texts for c in text)


def _from_headers(headers: Sequence[str]) -> dict[Column, int]:
    """The best column for each role; a header serves one role only."""
    claims: list[tuple[int, int, int, Column]] = []  # (weak, rank of the word, index, role)
    for index, header in enumerate(headers):
        plain = _plain(header)
        if plain in _EXACT:
            column, rank = _EXACT[plain]
            claims.append((0, rank, index, column))
        elif weak := _weaker(plain):
            claims.append((1, 0, index, weak))
    indices: dict[Column, int] = {}
    for _, _, index, column in sorted(claims):
        if column not in indices and index not in indices.values():
            indices[column] = index
    return indices


def _weaker(text: str) -> Column | None:
    """The role whose word stands inside a longer header such as 客户手机(必填) or 'Debt, RUB'."""
    if not text or len(text) > 40 or text in _OURS:
        return None
    for column in (Column.CURRENCY, Column.PHONE, Column.AMOUNT, Column.EXTERNAL_ID, Column.NAME):
        for word in _WORDS[column]:
            inside = word in text if _is_cjk(word) else re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text)
            if inside and len(word) > 1:
                return column
    return None


def _from_content(
    body: Sequence[Sequence[Cell]], width: int, region: str, taken: dict[Column, int]
) -> dict[Column, int]:
    """Without a header: the first column of words is the name, the first one of plain amounts is the amount."""
    found: dict[Column, int] = {}
    for index in range(width):
        if index in taken.values():
            continue
        cells = [cell for row in body if (cell := _cell(row, index)) not in (None, "")]
        if not cells:
            continue
        words = sum(isinstance(cell, str) and any(c.isalpha() for c in cell) for cell in cells)
        amounts = sum(isinstance(parse_amount(cell, region), Amount) for cell in cells)
        if amounts >= 0.8 * len(cells) and Column.AMOUNT not in found:
            found[Column.AMOUNT] = index
        elif words >= 0.8 * len(cells) and Column.NAME not in found:
            found[Column.NAME] = index
    return found


def _share_of_numbers(body: Sequence[Sequence[Cell]], index: int, region: str) -> float:
    cells = [cell for row in body if (cell := _cell(row, index)) not in (None, "")]
    return sum(looks_like_number(cell, region) for cell in cells) / len(cells) if cells else 0.0


def _further_fields(cells: Sequence[Cell], columns: Columns, *, keep_amount: bool) -> dict[str, str]:
    """All other columns under their headers; also the amount as written when it could not be read."""
    used = {index for column, index in columns.indices.items() if not (keep_amount and column is Column.AMOUNT)}
    fields: dict[str, str] = {}
    for index, header in enumerate(columns.headers):
        if not header or index in used or _plain(header) in _OURS:
            continue
        text = cell_text(_cell(cells, index))
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


def _cell(cells: Sequence[Cell], index: int | None) -> Cell:
    return cells[index] if index is not None and index < len(cells) else None


def cell_text(cell: Cell) -> str:
    """A cell as people would read it: whole floats without .0, control characters out."""
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15:
        return str(int(cell))
    text = "".join(" " if unicodedata.category(c) in {"Cc", "Zs", "Zl", "Zp"} else c for c in str(cell))
    return text.strip()


def _plain(text: str) -> str:
    """A header for comparison: one width, one case, no marks around it."""
    return re.sub(r"[\s_]+", " ", unicodedata.normalize("NFKC", text)).strip(" :*.").lower()


def _column_letter(text: str) -> int | None:
    """A -> 0, AB -> 27."""
    if not re.fullmatch(r"[A-Za-z]{1,2}", text.strip()):
        return None
    index = 0
    for letter in text.strip().upper():
        index = index * 26 + ord(letter) - ord("A") + 1
    return index - 1


def _is_cjk(word: str) -> bool:
    return any("\u4e00" <= c <= "\u9fff" for c in word)
