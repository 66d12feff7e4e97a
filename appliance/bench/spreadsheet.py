"""A number list such as a customer would send: mostly good, with all that goes wrong in real ones.

Duplicates in other spellings, landlines, foreign numbers, text in the phone column, empty cells, numbers that the
spreadsheet has rounded (1.38E+10), names and debts in three languages. The truth of each row comes back with the file.
"""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xlsxwriter

from appliance.bench.sound_sources import generator_for

Cell = str | int | float
HEADERS = {
    "zh": ("姓名", "电话", "欠款", "合同号"), "ru": ("Имя", "Телефон", "Долг", "Договор"),
    "en": ("Name", "Phone", "Amount", "Contract"),
}  # fmt: skip
_SURNAMES = "王李张刘陈杨黄赵周吴徐孙马朱胡林郭何高罗"
_GIVEN = ("伟", "芳", "娜", "秀英", "敏", "静", "丽", "强", "磊", "军", "洋", "勇", "艳", "杰", "娟", "涛", "明", "超")
_RUSSIAN = ("Иванов Пётр", "Смирнова Анна", "Кузнецов Олег", "Попова Мария", "Соколов Илья", "Лебедева Ольга")
_ENGLISH = ("John Miller", "Mary Jones", "Peter Brown", "Susan Clark", "David Hill", "Laura Scott")
_PREFIXES = ("134", "135", "136", "137", "138", "139", "150", "151", "158", "159", "182", "186", "187", "188", "189")
_TEXTS = ("无", "不详", "没有电话", "нет", "уточнить", "n/a", "see note", "同上")
_FOREIGN = ("+7 916 {:07d}", "+44 7400 {:06d}", "+49 1512 {:07d}")
_AREA = (("010", 8), ("021", 8), ("020", 8), ("0755", 8), ("0571", 8))
_LEAST_DIALABLE = 0.74

# kind of a row -> share of the rows that are not plain mobile numbers
_ODD_SHARES = {
    "landline": 0.20, "foreign": 0.10, "duplicate": 0.24, "text": 0.12, "empty": 0.14, "rounded": 0.12, "short": 0.08,
}  # fmt: skip
_DIALABLE = frozenset({"mobile", "landline", "foreign"})


@dataclass(frozen=True)
class Row:
    """One row and its truth: E.164 of a number that can be dialled for the first time, else None."""

    kind: str
    cells: tuple[Cell, ...]
    e164: str | None


@dataclass(frozen=True)
class SheetTruth:
    """What is true of the whole file."""

    rows: list[Row]

    @property
    def dialable(self) -> list[str]:
        """Distinct numbers that can be dialled, in order."""
        return [row.e164 for row in self.rows if row.e164 is not None]

    @property
    def kinds(self) -> dict[str, int]:
        return dict(Counter(row.kind for row in self.rows))

    @property
    def duplicates(self) -> int:
        return self.kinds.get("duplicate", 0)

    @property
    def rejected(self) -> int:
        return sum(n for kind, n in self.kinds.items() if kind not in _DIALABLE and kind != "duplicate")


def make_rows(count: int, *, seed: int) -> SheetTruth:
    """The rows of a list, the same for the same seed; at least 74 % of them are distinct dialable numbers."""
    random = generator_for("spreadsheet", seed)
    kinds = _kinds(count, random)
    used: set[str] = set()
    rows: list[Row] = []
    mobiles: list[str] = []
    for number, kind in enumerate(kinds):
        phone, e164 = _phone(kind, random, used, mobiles)
        language = ("zh", "zh", "zh", "ru", "en")[int(random.integers(5))]
        rows.append(Row(kind, (_name(language, random), phone, _debt(random), f"HT-{seed:02d}{number:06d}"), e164))
    return SheetTruth(rows)


def _kinds(count: int, random: np.random.Generator) -> list[str]:
    """Shares of the odd kinds within what may be undialable, each at least once where the size allows."""
    odd_all = round(count * 0.34)
    kinds: list[str] = []
    for kind, share in _ODD_SHARES.items():
        kinds += [kind] * max(1, round(odd_all * share))
    spare = count - int(np.ceil(count * _LEAST_DIALABLE))
    kept: list[str] = []
    undialable = 0
    for kind in kinds:
        undialable += kind not in _DIALABLE
        if len(kept) < count - 1 and (kind in _DIALABLE or undialable <= spare):
            kept.append(kind)
    kinds = kept + ["mobile"] * (count - len(kept))
    random.shuffle(kinds)
    first = kinds.index("mobile")  # a duplicate needs something to be a duplicate of
    kinds[0], kinds[first] = kinds[first], kinds[0]
    return kinds


def _phone(kind: str, random: np.random.Generator, used: set[str], mobiles: list[str]) -> tuple[Cell, str | None]:
    if kind == "mobile":
        digits = _fresh(lambda: str(random.choice(_PREFIXES)) + f"{int(random.integers(1, 10**8)):08d}", used)
        mobiles.append(digits)
        return _spelling(digits, int(random.choice([0, 0, 0, 0, 1, 2, 3, 4]))), "+86" + digits
    if kind == "duplicate":
        digits = mobiles[int(random.integers(len(mobiles)))]
        return _spelling(digits, int(random.integers(6))), None
    if kind == "landline":
        area, length = _AREA[int(random.integers(len(_AREA)))]
        local = _fresh(lambda: f"{int(random.integers(6, 9))}{int(random.integers(10 ** (length - 1))):07d}", used)
        return f"{area}-{local}", "+86" + area[1:] + local
    if kind == "foreign":
        pattern = _FOREIGN[int(random.integers(len(_FOREIGN)))]
        text = _fresh(lambda: pattern.format(int(random.integers(100_000, 1_000_000))), used)
        return text, "+" + "".join(c for c in text if c.isdigit())
    if kind == "text":
        return str(random.choice(_TEXTS)), None
    if kind == "rounded":
        if random.random() < 0.5:
            return f"1.3{int(random.integers(4, 10))}E+10", None
        return float(int(random.integers(134, 140)) * 10**8), None
    if kind == "short":
        return str(random.choice(["110", "12345", "8888", "95588"])), None
    return "", None


def _fresh(make: object, used: set[str]) -> str:
    assert callable(make)
    while True:
        made = str(make())
        if made not in used and not made.endswith("000000"):
            used.add(made)
            return made


def _spelling(digits: str, way: int) -> Cell:
    """One mobile number as people write it."""
    a, b, c = digits[:3], digits[3:7], digits[7:]
    return (int(digits), digits, f"+86 {a} {b} {c}", f"0086-{a}-{b}-{c}", f"{a}-{b}-{c}", f"86{digits}")[way]


def _name(language: str, random: np.random.Generator) -> str:
    if language == "ru":
        return str(random.choice(_RUSSIAN))
    if language == "en":
        return str(random.choice(_ENGLISH))
    return _SURNAMES[int(random.integers(len(_SURNAMES)))] + str(random.choice(_GIVEN))


def _debt(random: np.random.Generator) -> Cell:
    amount = round(float(random.uniform(200, 50_000)), 2)
    return (amount, f"{amount:,.2f}", f"￥{amount:.2f}", f"{amount:.0f}")[int(random.integers(4))]


def write_xlsx(path: Path, truth: SheetTruth, *, language: str = "zh") -> None:
    """Write the list as a workbook; numbers stay numbers, as a careless export leaves them."""
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet({"zh": "名单", "ru": "Список"}.get(language, "List"))
        rounded = book.add_format({"num_format": "0.00E+00"})
        for column, text in enumerate(HEADERS[language]):
            sheet.write_string(0, column, text)
        for line, row in enumerate(truth.rows, 1):
            for column, cell in enumerate(row.cells):
                if isinstance(cell, str):
                    sheet.write_string(line, column, cell)
                else:
                    sheet.write_number(line, column, cell, rounded if isinstance(cell, float) and column == 1 else None)


def write_csv(path: Path, truth: SheetTruth, *, language: str = "zh", encoding: str = "utf-8-sig") -> None:
    """Write the list as CSV; characters that the encoding lacks become question marks, as in real exports."""
    with path.open("w", encoding=encoding, errors="replace", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(HEADERS[language])
        for row in truth.rows:
            writer.writerow([f"{c:.2E}" if isinstance(c, float) and c > 1e9 else c for c in row.cells])
