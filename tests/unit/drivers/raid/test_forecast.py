"""The forecast: straight lines are met, wrong samples do not turn it, and what is past help is said at once."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.raid.forecast import WEAR_LIMIT, Health, Reason, Sample, advise, day_of, fit

pytestmark = pytest.mark.unit


def worn(days: int, per_day: float, start: float = 0.0) -> list[Sample]:
    return [Sample(float(day), wear=start + per_day * day) for day in range(days)]


def test_a_worn_disk_is_to_be_replaced_on_the_day_its_line_meets_the_limit() -> None:
    found = advise(Health(), worn(101, 0.003), 100.0)
    assert found.reason is Reason.WEAR
    assert found.by_day == pytest.approx(WEAR_LIMIT / 0.003, abs=1)
    assert found.wear_per_year == pytest.approx(0.003 * 365.25)


def test_three_wrong_samples_in_ten_do_not_turn_the_line() -> None:
    dice = random.Random(4)
    samples = [(float(d), 0.001 * d if dice.random() > 0.25 else dice.random()) for d in range(200)]
    line = fit(samples)
    assert line is not None
    assert line.slope_per_day == pytest.approx(0.001, rel=0.15)


def test_too_little_is_no_forecast() -> None:
    assert fit([(float(d), d / 10) for d in range(5)]) is None
    assert fit([(d / 10, d / 10) for d in range(20)]) is None
    assert advise(Health(), worn(5, 0.1), 5.0).by_day is None


def test_a_new_disk_that_hardly_wears_has_no_date() -> None:
    assert advise(Health(), worn(200, 0.00001), 200.0).by_day is None
    assert advise(Health(), worn(200, 0.0, start=0.2), 200.0).by_day is None


@pytest.mark.parametrize(
    ("health", "reason", "by_day"),
    [
        (Health(failing=True), Reason.FAILING, 50.0),
        (Health(spare_left=0.0), Reason.SPARE_LOW, 50.0),
        (Health(self_test_failed=True), Reason.SELF_TEST, 50.0),
        (Health(media_errors=1), Reason.UNCORRECTABLE, 50.0),
        (Health(pending=2), Reason.PENDING_SECTORS, 64.0),
    ],
)
def test_what_is_past_help_is_said_at_once(health: Health, reason: Reason, by_day: float) -> None:
    found = advise(health, worn(50, 0.001), 50.0)
    assert (found.reason, found.by_day) == (reason, by_day)


def test_a_disk_at_its_limit_is_told_without_a_trend() -> None:
    assert advise(Health(), [Sample(1.0, wear=0.95)], 1.0) == advise(Health(), worn(1, 0, 0.95), 1.0)
    assert advise(Health(), [Sample(1.0, wear=0.95)], 1.0).by_day == 1.0


def test_growing_bad_sectors_have_a_date() -> None:
    found = advise(Health(), [Sample(float(d), reallocated=d // 5) for d in range(60)], 60.0)
    assert found.reason is Reason.REALLOCATING
    assert found.by_day == pytest.approx(250, abs=15)


@given(
    st.lists(st.tuples(st.floats(0, 4000), st.floats(0, 2)), min_size=8, max_size=60),
    st.floats(0, 5000),
)
def test_any_samples_give_a_day_not_before_today(samples: list[tuple[float, float]], today: float) -> None:
    line = fit(samples)
    if line is not None:
        day = day_of(line, WEAR_LIMIT, after_day=today)
        assert day is None or day >= min(today, line.start_day)
        assert line.low_per_day <= line.slope_per_day <= line.high_per_day
