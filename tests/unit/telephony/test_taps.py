"""Gap figures, frames that never came, and two taps joined on one clock."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.telephony.taps import SILENCE, GapMeter, StereoJoin

pytestmark = pytest.mark.unit


def _frame(value: int) -> bytes:
    return np.full(160, value, "<i2").tobytes()


def _meter(stamps: list[float]) -> GapMeter:
    meter = GapMeter()
    for stamp in stamps:
        meter.add(stamp)
    return meter


def test_a_steady_clock() -> None:
    meter = _meter([100 + 0.02 * n for n in range(500)])
    assert (meter.percentile_ms(0.5), meter.percentile_ms(0.99), meter.lost_frames) == (20, 20, 0)
    assert sum(meter.counts.values()) == 499


def test_late_frames_are_not_lost_frames() -> None:
    late = random.Random(1)
    meter = _meter([0.02 * n + late.choice([0, 0, 0, 0.018, 0.055]) for n in range(1000)])
    assert meter.lost_frames == 0
    assert meter.max_ms > 50


@pytest.mark.parametrize("missing", [1, 3, 40])
def test_frames_that_never_came_are_counted(missing: int) -> None:
    late = random.Random(2)
    stamps = [0.02 * n + late.uniform(0, 0.015) for n in range(1000) if not 300 <= n < 300 + missing]
    assert _meter(stamps).lost_frames == missing


def test_no_frames_no_figures() -> None:
    meter = GapMeter()
    assert (meter.percentile_ms(0.99), meter.lost_frames, meter.max_ms) == (0, 0, 0)


@given(
    begin=st.integers(0, 60),
    total=st.integers(1, 120),
    drains=st.lists(st.tuples(st.integers(1, 30), st.integers(0, 12)), min_size=1, max_size=30),
    between_s=st.floats(0, 0.004),
)
def test_right_is_joined_at_its_own_tick(
    begin: int, total: int, drains: list[tuple[int, int]], between_s: float
) -> None:
    """Frames carry their tick's number: whenever the right channel begins, however often both are drained.

    The right tap is drained after the left one, so it may be some ticks ahead when the thread was held up between.
    """
    join, out, tick, right_tick, turn = StereoJoin(), b"", 0, 0, 0
    while tick < total:
        count, ahead = drains[turn % len(drains)]
        turn += 1
        left_end = min(tick + count, total)
        right_end = max(right_tick, min(left_end + ahead, total))
        join.left([(0.02 * n, _frame(n + 1)) for n in range(tick, left_end)])
        join.right([(0.02 * n + between_s, _frame(n + 1)) for n in range(right_tick, right_end) if n >= begin])
        out += join.take()
        tick, right_tick = left_end, right_end
    out += join.take(all_of_it=True)
    stereo = np.frombuffer(out, ">i2").reshape(-1, 160, 2)[:, 0]
    assert stereo.shape[0] == total
    assert stereo[:, 0].tolist() == list(range(1, total + 1))
    assert stereo[:, 1].tolist() == [n + 1 if n >= begin else 0 for n in range(total)]


def test_a_right_channel_that_ends_leaves_silence() -> None:
    join = StereoJoin()
    join.left([(0.02 * n, _frame(5)) for n in range(20)])
    join.right([(0.02 * n, _frame(6)) for n in range(10)])
    stereo = np.frombuffer(join.take() + join.take(all_of_it=True), ">i2").reshape(-1, 2)
    assert stereo.shape == (20 * 160, 2)
    assert set(stereo[: 10 * 160, 1]) == {6}
    assert set(stereo[10 * 160 :, 1]) == {0}


def test_nothing_in_nothing_out() -> None:
    assert StereoJoin().take(all_of_it=True) == b""
    assert len(SILENCE) == 320
