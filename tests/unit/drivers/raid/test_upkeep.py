"""Tests of disks come at night, one at a time, each in its turn, never on an array that is not whole."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.raid.upkeep import EVERY, Chore, Due, key, next_chore

pytestmark = pytest.mark.unit

NIGHT = datetime(2026, 3, 1, 2, 30, tzinfo=UTC)
DISKS, ARRAYS = ["A1", "B2"], ["md0"]


def due(now: datetime, last: dict[str, datetime], *, busy: bool = False, whole: bool = True) -> Due | None:
    return next_chore(DISKS, ARRAYS, last, now, quiet_hour=2, busy=busy, arrays_whole=whole)


def test_each_in_its_turn_then_nothing() -> None:
    last: dict[str, datetime] = {}
    seen = []
    while (found := due(NIGHT, last)) is not None:
        seen.append((found.chore, found.target))
        last[key(found.chore, found.target)] = NIGHT
    assert seen == [
        (Chore.SHORT_TEST, "A1"), (Chore.SHORT_TEST, "B2"), (Chore.LONG_TEST, "A1"), (Chore.LONG_TEST, "B2"),
        (Chore.CHECK, "md0"),
    ]  # fmt: skip


def test_a_week_later_the_short_tests_are_due_and_nothing_else() -> None:
    last = {key(chore, target): NIGHT for chore in Chore for target in (*DISKS, *ARRAYS)}
    assert due(NIGHT + timedelta(days=6), last) is None
    found = due(NIGHT + timedelta(days=7), last)
    assert found is not None
    assert found.chore is Chore.SHORT_TEST


@pytest.mark.parametrize("hour", [0, 1, 6, 12, 23])
def test_not_by_day(hour: int) -> None:
    assert due(NIGHT.replace(hour=hour), {}) is None


def test_not_while_busy_and_not_on_one_leg() -> None:
    assert due(NIGHT, {}, busy=True) is None
    assert due(NIGHT, {}, whole=False) is None


def test_a_clock_that_was_set_back_puts_nothing_off() -> None:
    last = {key(chore, target): NIGHT + timedelta(days=900) for chore in Chore for target in (*DISKS, *ARRAYS)}
    assert due(NIGHT, last) is not None


@given(
    st.dictionaries(
        st.sampled_from([key(c, t) for c in Chore for t in (*DISKS, *ARRAYS)]), st.integers(0, 100).map(timedelta)
    )
)
def test_what_is_started_was_due(ages: dict[str, timedelta]) -> None:
    last = {name: NIGHT - age for name, age in ages.items()}
    found = due(NIGHT, last)
    if found is not None:
        age = ages.get(key(found.chore, found.target))
        assert age is None or age >= EVERY[found.chore]
