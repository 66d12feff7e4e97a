"""G.826 ratios over available time, and slips by G.822."""

from __future__ import annotations

import pytest

from appliance.domain.line_quality import DAY_S, INTERVAL_S, Interval, last_day, quality, slips

pytestmark = pytest.mark.unit


def interval(number: int, **counts: int) -> Interval:
    return Interval(began_unix_s=number * INTERVAL_S, seconds=INTERVAL_S, **counts)


def test_ratios_are_over_available_time() -> None:
    found = quality([interval(0, es=36, ses=0, uas=0, pcv=90), interval(1, es=0, ses=0, uas=900, pcv=0)])
    assert (found.seconds, found.available_s) == (1800, 900)
    assert found.esr == pytest.approx(0.04)
    assert found.sesr == 0
    assert found.bber == pytest.approx(90 / 900_000)
    assert found.within is True


def test_block_errors_are_unknown_where_seconds_were_severely_errored() -> None:
    found = quality([interval(0, es=9, ses=9, uas=0, pcv=50_000)])
    assert found.bbe is None
    assert found.bber is None
    assert found.within is False  # 9 of 900 is more than 0.002


def test_nothing_known_is_no_verdict() -> None:
    found = quality([interval(0)])
    assert (found.es, found.esr, found.within) == (None, None, None)
    assert quality([]).within is None
    assert quality([interval(0, es=0, ses=0, uas=900)]).esr is None  # never available


def test_slips_by_grade() -> None:
    now = 96.0 * INTERVAL_S
    day = [interval(n, css=0) for n in range(96)]
    assert slips(day, now).grade == "a"
    assert slips([*day, interval(50, css=6)], now) == slips([interval(50, css=6)], now)
    assert slips([interval(50, css=6)], now).grade == "b"
    worse = slips([interval(50, css=20), interval(52, css=15)], now)
    assert (worse.day, worse.worst_hour, worse.grade) == (35, 35, "c")
    assert slips([interval(0)], now).grade == ""


def test_a_day_is_a_day() -> None:
    rows = [interval(n, es=1) for n in range(100)]
    assert len(last_day(rows, 99 * INTERVAL_S)) == DAY_S // INTERVAL_S
    assert last_day(rows, 0.0)[0].began_unix_s == 0
