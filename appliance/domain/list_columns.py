"""Which column of a list holds what: headers in zh, ru and en first, then the content. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache

from appliance.domain.amounts import Amount, parse_amount
from appliance.domain.list_words import HEADER_WORDS, NOT_TO_CALL_WORDS, NUMBER_TYPE_WORDS, OUR_HEADERS
from appliance.domain.numbers import Cell, looks_like_number
from appliance.types import NumberType

CUSTOM = "custom."
"""Begins the role of a column that fills a field of one's own; its key follows."""

HEADER_ROWS_MAX = 20
"""A header is looked for in the first rows: reports carry titles above it."""


class Column(StrEnum):
    """What a column of a list may hold."""

    PHONE = "phone"
    PHONE_2 = "phone2"
    PHONE_3 = "phone3"
    PHONE_4 = "phone4"
    NAME = "name"
    AMOUNT = "amount"
    CURRENCY = "currency"
    EXTERNAL_ID = "external_id"
    CONSENT = "consent"
    THIRD_PARTY = "third_party"
    TIME_ZONE = "time_zone"


_FACTS = (Column.CONSENT, Column.THIRD_PARTY, Column.TIME_ZONE)
PHONES = (Column.PHONE, Column.PHONE_2, Column.PHONE_3, Column.PHONE_4)
"""The numbers of a person in the order in which they are tried."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Where things stand. Indices count from 0; `header_row` is the index of the header among the rows, or None.

    `custom` {key of a field of one's own: index}.
    """

    indices: dict[Column, int]
    headers: tuple[str, ...] = ()
    header_row: int | None = None
    custom: dict[str, int] = field(default_factory=dict)

    @property
    def tells_facts(self) -> bool:
        """Has the list a column of what the rules must know of a person."""
        return any(role in self.indices for role in _FACTS)

    @classmethod
    def of(cls, roles: Mapping[str, int], headers: tuple[str, ...], header_row: int | None) -> Columns:
        """Columns by role, as `roles` gives them; roles that are none are left out."""
        known = set(Column)
        return cls(
            {Column(role): index for role, index in roles.items() if role in known}, headers, header_row,
            {role.removeprefix(CUSTOM): index for role, index in roles.items() if role.startswith(CUSTOM)},
        )  # fmt: skip

    @property
    def roles(self) -> dict[str, int]:
        """All of them by role."""
        own = {f"{CUSTOM}{key}": index for key, index in self.custom.items()}
        return {**{role.value: index for role, index in self.indices.items()}, **own}


# a header that is one of the words weighs more than one that only contains it
_WORDS = {Column(role): words for role, words in HEADER_WORDS.items()}
_EXACT = {word: (column, rank) for column, words in _WORDS.items() for rank, word in enumerate(words)}


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
    indices |= _further_phones(headers, shares, indices)
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
    known = {plain_header(header): index for index, header in reversed(list(enumerate(headers))) if header}
    width = max((len(row) for row in rows), default=0)
    indices: dict[Column, int] = {}
    custom: dict[str, int] = {}
    for role, named in mapping.items():
        if role not in set(Column) and not role.startswith(CUSTOM):
            raise ValueError(f"{role} is not one of {', '.join(Column)}")
        index = known.get(plain_header(named), _column_letter(named))
        if index is None or index >= width:
            raise ValueError(f"the list has no column {named!r} (for {role})")
        if role.startswith(CUSTOM):
            custom[role.removeprefix(CUSTOM)] = index
        else:
            indices[Column(role)] = index
    if Column.PHONE not in indices:
        if guessed is None:
            raise ValueError("no column holds telephone numbers")
        indices[Column.PHONE] = guessed.indices[Column.PHONE]
    return Columns(indices, headers, header_row, custom)


@lru_cache(maxsize=1024)
def number_type(header: str) -> NumberType:
    """What a phone column's header says of its numbers."""
    plain = plain_header(header)
    for kind, words in NUMBER_TYPE_WORDS.items():
        if any(_holds(plain, word) for word in words):
            return NumberType(kind)
    return NumberType.UNKNOWN


def _further_phones(headers: Sequence[str], shares: Sequence[float], taken: dict[Column, int]) -> dict[Column, int]:
    """Second and later phone columns: a fitting header over numbers; never a fax, never somebody else's number."""
    found = []
    for index, header in enumerate(headers):
        plain = plain_header(header)
        if index in taken.values() or not plain or plain in OUR_HEADERS:
            continue
        bare = re.sub(r"[\s№#]*\d+$", "", plain)  # phone2, 电话2, Телефон №2
        fits = bare in _WORDS[Column.PHONE] or _weaker(bare) is Column.PHONE or number_type(plain) != "unknown"
        if fits and not any(_holds(plain, word) for word in NOT_TO_CALL_WORDS) and shares[index] >= 0.2:
            found.append(index)
    return dict(zip(PHONES[1:], found, strict=False))


def _holds(text: str, word: str) -> bool:
    return word in text if _is_cjk(word) else re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text) is not None


def cell_text(cell: Cell) -> str:
    """A cell as people would read it: whole floats without .0, control characters out."""
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15:
        return str(int(cell))
    text = str(cell)
    if text.isprintable():
        return text.strip()
    text = "".join(" " if unicodedata.category(c) in {"Cc", "Zs", "Zl", "Zp"} else c for c in text)
    return text.strip()


@lru_cache(maxsize=1024)
def plain_header(text: str) -> str:
    """A header for comparison: one width, one case, no marks around it."""
    return re.sub(r"[\s_]+", " ", unicodedata.normalize("NFKC", text)).strip(" :*.").lower()


def cell_at(cells: Sequence[Cell], index: int | None) -> Cell:
    return cells[index] if index is not None and index < len(cells) else None


def _find_header(rows: Sequence[Sequence[Cell]]) -> int | None:
    """Index of the row that reads most like a header: known words, at least one of them exact."""
    best, best_score = None, 0.0
    for index, row in enumerate(rows[:HEADER_ROWS_MAX]):
        texts = [plain_header(cell_text(cell)) for cell in row]
        score = sum(1.0 if text in _EXACT else 0.4 if _weaker(text) else 0.0 for text in texts)
        if any(text in _EXACT for text in texts) and score > best_score:
            best, best_score = index, score
    return best


def _row_that_names(rows: Sequence[Sequence[Cell]], names: Iterable[str]) -> int | None:
    """Index of the first row that holds one of the header texts."""
    wanted = {plain_header(name) for name in names}
    for index, row in enumerate(rows[:HEADER_ROWS_MAX]):
        if wanted & {plain_header(cell_text(cell)) for cell in row if cell_text(cell)}:
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
        plain = plain_header(header)
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
    if not text or len(text) > 40 or text in OUR_HEADERS:
        return None
    for column in (Column.CURRENCY, Column.PHONE, Column.AMOUNT, Column.EXTERNAL_ID, Column.NAME):
        for word in _WORDS[column]:
            if len(word) > 1 and _holds(text, word):
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
        cells = [cell for row in body if (cell := cell_at(row, index)) not in (None, "")]
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
    cells = [cell for row in body if (cell := cell_at(row, index)) not in (None, "")]
    return sum(looks_like_number(cell, region) for cell in cells) / len(cells) if cells else 0.0


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
