"""The learnt hour of a retry: shrinkage, spread, and what the clock and the rules allow."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.domain.best_hour import Cell, HourTable, best_instant, spread
from appliance.domain.calling_hours import WEEKDAYS, next_open, week_of
from appliance.types import LineType

pytestmark = pytest.mark.unit

CN = ZoneInfo("Asia/Shanghai")
WEEK = week_of({day: ["08:00-20:00"] for day in WEEKDAYS})
EVENING = datetime(2026, 3, 2, 19, 30, tzinfo=CN).astimezone(UTC)  # a Monday
MOBILE, FIXED = LineType.MOBILE, LineType.FIXED


def _drawn(table: HourTable, *, tried: list[datetime] | None = None) -> Counter[int]:
    return Counter(
        best_instant(table, EVENING, week=WEEK, where=CN, line_type=MOBILE, tried=tried or [], seed=f"l{n}/1")
        .astimezone(CN).hour
        for n in range(2000)
    )  # fmt: skip


def test_without_knowledge_retries_spread_evenly_over_the_open_day() -> None:
    drawn = _drawn(HourTable())
    assert set(drawn) == set(range(8, 20))
    full = [drawn[hour] for hour in range(8, 19)]
    assert max(full) < 1.5 * min(full)


def test_a_good_hour_draws_most_but_not_all() -> None:
    counts = {Cell(h, False, MOBILE): (30 if h == 18 else 10, 100) for h in range(8, 20)}
    drawn = _drawn(HourTable(counts))
    assert drawn.most_common(1)[0][0] == 18
    assert 0.4 < drawn[18] / 2000 < 0.95
    assert len(drawn) > 8


def test_few_calls_move_little() -> None:
    few = HourTable({Cell(10, False, MOBILE): (2, 2)})
    many = HourTable({Cell(10, False, MOBILE): (200, 200), Cell(11, False, MOBILE): (50, 400)})
    calm = few.chance(Cell(10, False, MOBILE)) / few.chance(Cell(11, False, MOBILE))
    sure = many.chance(Cell(10, False, MOBILE)) / many.chance(Cell(11, False, MOBILE))
    assert 1 < calm < 1.25
    assert sure > 2


def test_line_types_learn_from_each_other_and_differ() -> None:
    table = HourTable({
        **{Cell(h, False, FIXED): (40 if h == 19 else 10, 100) for h in range(8, 20)},
        Cell(19, False, MOBILE): (1, 10), Cell(10, False, MOBILE): (1, 10),
    })  # fmt: skip
    assert table.chance(Cell(19, False, MOBILE)) > table.chance(Cell(10, False, MOBILE))
    assert table.chance(Cell(19, False, FIXED)) > table.chance(Cell(19, False, MOBILE))


def test_an_hour_that_failed_for_this_person_comes_less() -> None:
    tried = [datetime(2026, 2, day, 10, 5, tzinfo=CN) for day in (26, 27)]
    assert _drawn(HourTable(), tried=tried)[10] < 0.3 * _drawn(HourTable())[10]


def test_closed_for_a_day_is_left_to_the_rules() -> None:
    never = week_of({"sun": ["08:00-20:00"]})
    assert best_instant(HourTable(), EVENING, week=never, where=CN, line_type=MOBILE, tried=[], seed="x") == EVENING


def test_what_is_put_off_to_one_opening_comes_bit_by_bit() -> None:
    at = [spread(EVENING, f"l{n}", timedelta(hours=4)) for n in range(400)]
    assert max(Counter((one - EVENING) // timedelta(minutes=30) for one in at).values()) < 100
    assert spread(EVENING, "l1", timedelta(hours=4)) == at[1]


CELLS = st.builds(Cell, st.integers(0, 23), st.booleans(), st.sampled_from(LineType))
COUNTS = st.integers(0, 10**6).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@settings(deadline=None)  # the machine may be busy
@given(st.dictionaries(CELLS, COUNTS, max_size=12), CELLS)
def test_a_chance_is_a_chance(counts: dict[Cell, tuple[int, int]], cell: Cell) -> None:
    assert 0 < HourTable(counts).chance(cell) < 1


@settings(deadline=None, max_examples=40)
@given(
    st.integers(0, 365 * 1440),
    st.sampled_from(["Asia/Shanghai", "Europe/Moscow", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"]),
    st.text(max_size=5),
)
def test_within_a_day_and_open_whatever_the_clock_does(minute: int, name: str, seed: str) -> None:
    earliest = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minute)
    found = best_instant(
        HourTable(), earliest, week=WEEK, where=ZoneInfo(name), line_type=MOBILE, tried=[], seed=seed
    )
    assert earliest <= found < earliest + timedelta(hours=24)
    assert next_open(WEEK, [name], found) == found
