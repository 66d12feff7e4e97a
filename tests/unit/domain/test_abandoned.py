"""When a person begins to wait, who counts as abandoned, and what is added for people dropped as machines."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.domain.abandoned import AbandonedFigure, clock_start, dropped_rate, is_abandoned

pytestmark = pytest.mark.unit

ANSWERED = datetime(2026, 3, 5, 9, 0, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return ANSWERED + timedelta(seconds=seconds)


@pytest.mark.parametrize(("clock", "begins_s"), [("answer", 0.0), ("speech_onset", 0.8), ("greeting_end", 1.4)])
def test_the_clock_starts_where_the_profile_says(clock: str, begins_s: float) -> None:
    evidence = {"onset_ms": 800, "talk_ms": 600}
    started = clock_start(clock, answered_at=ANSWERED, verdict_at=at(2.0), evidence=evidence)  # type: ignore[arg-type]
    assert started == at(begins_s)


def test_who_says_nothing_waits_since_the_ear_gave_up() -> None:
    for clock in ("speech_onset", "greeting_end"):
        assert clock_start(clock, answered_at=ANSWERED, verdict_at=at(4.0), evidence={}) == at(4.0)  # type: ignore[arg-type]


def test_a_profile_without_a_figure_lets_the_ear_take_its_time() -> None:
    evidence = {"onset_ms": 800, "talk_ms": 600}
    for latency_s, begins_s in ((0.5, 1.3), (4.0, 2.0)):
        started = clock_start(
            "speech_onset", answered_at=ANSWERED, verdict_at=at(2.0), evidence=evidence, latency_s=latency_s
        )
        assert started == at(begins_s)


def test_the_clock_never_starts_after_the_verdict() -> None:
    evidence = {"onset_ms": 800, "talk_ms": 5000}
    assert clock_start("greeting_end", answered_at=ANSWERED, verdict_at=at(2.0), evidence=evidence) == at(2.0)


@pytest.mark.parametrize(("bridged_s", "left_s", "counts"), [
    (1.9, 60.0, False), (2.0, 60.0, False), (2.1, 60.0, True), (None, 1.5, False), (None, 8.0, True),
    (None, None, False),
])  # fmt: skip
def test_two_seconds_without_an_agent(bridged_s: float | None, left_s: float | None, counts: bool) -> None:
    said = is_abandoned(
        person=True, clock_at=ANSWERED, within_s=2.0, bridged_at=at(bridged_s) if bridged_s else None,
        left_at=at(left_s) if left_s else None,
    )  # fmt: skip
    assert said is counts


def test_machines_and_calls_without_a_clock_never_count() -> None:
    late = {"bridged_at": None, "left_at": at(30)}
    assert not is_abandoned(person=False, clock_at=ANSWERED, within_s=2.0, **late)
    assert not is_abandoned(person=True, clock_at=None, within_s=2.0, **late)


@given(st.integers(0, 500), st.integers(0, 500))
def test_labels_move_the_estimate_and_few_of_them_do_not_decide_it(people: int, machines: int) -> None:
    rate = dropped_rate(people, machines)
    assert 0.0 < rate < 1.0
    assert rate <= dropped_rate(people + 1, machines)
    assert rate >= dropped_rate(people, machines + 1)
    assert dropped_rate(1, 0) < 0.02


def test_dropped_people_count_on_both_sides_of_the_fraction() -> None:
    assert AbandonedFigure(people=97, abandoned=1, dropped=3.0).share == pytest.approx(0.04)
    assert AbandonedFigure().share == 0.0
