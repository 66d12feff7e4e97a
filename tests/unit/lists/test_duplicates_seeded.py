"""Duplicates in a list whose truth is known: people again in other spellings or by other numbers, and look-alikes."""

from __future__ import annotations

import random

import pytest

from appliance.domain.list_columns import Column, Columns
from appliance.domain.lists import Candidate, Refused, read_row, sort_out
from appliance.domain.numbers import Cell
from appliance.types import E164

pytestmark = pytest.mark.unit

PEOPLE, AGAIN = 3000, 1500
COLUMNS = Columns(
    {Column.NAME: 0, Column.PHONE: 1, Column.PHONE_2: 2, Column.PHONE_3: 3}, ("姓名", "电话", "备用电话", "家庭电话"), 0
)
_WIDE = str.maketrans("0123456789", "０１２３４５６７８９")
_STYLES = ["{0}", "+86{0}", "0086{0}", "86{0}", "{1}-{2}-{3}", "+86 {1} {2} {3}", "{1} {2} {3}", "'{0}", "({0})",
           "手机：{0}", "{0}.0", "{0}（本人）", "\u00a0{0}\u200b"]  # fmt: skip


def _spelling(rng: random.Random, digits: str) -> Cell:
    style = rng.randrange(len(_STYLES) + 3)
    if style >= len(_STYLES):
        others: tuple[Cell, ...] = (int(digits), float(digits), digits.translate(_WIDE))
        return others[style - len(_STYLES)]
    return _STYLES[style].format(digits, digits[:3], digits[3:7], digits[7:])


def _made(seed: int) -> tuple[list[list[Cell]], list[bool]]:
    """Rows in a random order, and for each whether its person stood above it."""
    rng = random.Random(seed)
    taken: set[str] = set()

    def number() -> str:
        while (digits := "13" + "".join(rng.choices("0123456789", k=8)) + rng.choice("123456789")) in taken:
            continue
        taken.add(digits)
        return digits

    people = [[number() for _ in range(rng.choice((1, 1, 2, 3)))] for _ in range(PEOPLE)]
    rows = [(person, list(numbers)) for person, numbers in enumerate(people)]
    for person in rng.sample(range(PEOPLE), AGAIN):
        one = rng.choice(people[person])  # known by any of his numbers, beside others that are new
        more = [one, *(number() for _ in range(rng.choice((0, 0, 1))))]
        rng.shuffle(more)
        rows.append((person, more))
    rng.shuffle(rows)
    seen: set[int] = set()
    cells, truth = [], []
    for person, numbers in rows:
        phones: list[Cell] = [_spelling(rng, one) for one in numbers]
        cells.append([f"客户{rng.randrange(50)}", *phones, *[""] * (3 - len(phones))])  # namesakes everywhere
        truth.append(person in seen)
        seen.add(person)
    return cells, truth


def found_duplicates(seed: int) -> tuple[float, float, int]:
    """(precision, recall, rows) of the duplicates found in a seeded list."""
    cells, truth = _made(seed)
    read = [read_row(n, row, COLUMNS, "CN") for n, row in enumerate(cells)]
    assert all(isinstance(row, Candidate) for row in read), [row for row in read if isinstance(row, Refused)][:3]
    candidates = [row for row in read if isinstance(row, Candidate)]
    seen: set[E164] = set()
    said = [isinstance(verdict, Refused) for verdict in sort_out(candidates, seen, set(), set())]
    right = sum(a and b for a, b in zip(said, truth, strict=True))
    return right / max(1, sum(said)), right / max(1, sum(truth)), len(cells)


@pytest.mark.parametrize("seed", [1, 2])
def test_all_of_them_and_nobody_else(seed: int) -> None:
    precision, recall, rows = found_duplicates(seed)
    assert rows == PEOPLE + AGAIN
    assert (precision, recall) == (1.0, 1.0)
