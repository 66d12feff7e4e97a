"""The pacer: bounds, strange events, the budget, snapshots, and that it learns what it is shown."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.domain.answer_model import AnswerModel, NumberHistory
from appliance.domain.pacing import (
    Abandoned,
    AgentState,
    Answered,
    AttemptEnded,
    AttemptStarted,
    Connected,
    Pacer,
    PacerConfig,
    PacerEvent,
)
from appliance.domain.pacing_budget import Budget
from appliance.domain.pacing_forecast import below_one
from appliance.domain.pacing_learning import AnswerFactor, RingTimes, Span
from appliance.types import Outcome

pytestmark = pytest.mark.unit

AGENTS = st.sampled_from(["a1", "a2", "a3", "a4", "a5"])
ATTEMPTS = st.sampled_from([f"c{n}" for n in range(12)])
TIMES = st.one_of(st.floats(0.0, 5000.0), st.sampled_from([math.nan, math.inf, -math.inf, -5.0]))
STATES = st.sampled_from(["ready", "reserved", "talking", "wrap_up", "paused", "offline", "previewing", "nonsense"])
OUTCOMES = st.one_of(st.sampled_from([*(str(o) for o in Outcome)]), st.just("nonsense"))
EVENTS: st.SearchStrategy[PacerEvent] = st.one_of(
    st.builds(AgentState, AGENTS, STATES, TIMES, st.booleans()),
    st.builds(AttemptStarted, ATTEMPTS, TIMES, st.one_of(st.none(), st.floats(0.0, 1.0), st.just(math.nan))),
    st.builds(AttemptEnded, ATTEMPTS, OUTCOMES, TIMES),
    st.builds(Answered, ATTEMPTS, TIMES),
    st.builds(Connected, ATTEMPTS, AGENTS, TIMES),
    st.builds(Abandoned, ATTEMPTS, TIMES),
)


def _ready(pacer: Pacer, agents: int, at_s: float = 0.0) -> None:
    for n in range(agents):
        pacer.observe(AgentState(f"a{n}", "ready", at_s))


@given(st.lists(EVENTS, max_size=60), st.integers(0, 9), TIMES)
def test_any_events_give_a_bounded_answer_that_survives_a_snapshot(
    events: list[PacerEvent], lines: int, now_s: float
) -> None:
    config = PacerConfig(max_lines=lines)
    one, other = Pacer(config), Pacer(config)
    for event in events:
        one.observe(event)
        other.observe(event)
        assert 0 <= one.decide(event.at_s) <= lines
        other.decide(event.at_s)
    restored = Pacer.from_plain(json.loads(json.dumps(one.to_plain())), config)
    found = one.decide(now_s)
    assert 0 <= found <= lines
    assert other.decide(now_s) == found
    assert restored.budget.people == one.budget.people
    assert restored.budget.abandoned == one.budget.abandoned
    later_s = 6000.0  # when all make new tables
    assert restored.decide(later_s) == one.decide(later_s) == other.decide(later_s)


@given(st.lists(EVENTS, max_size=40))
def test_nobody_at_work_nothing_dialled(events: list[PacerEvent]) -> None:
    pacer = Pacer()
    for event in events:
        pacer.observe(event)
    for n in range(1, 6):
        pacer.observe(AgentState(f"a{n}", "offline", 6000.0))
    assert pacer.decide(6000.0) == 0


def test_asking_twice_changes_nothing_and_a_limit_of_nothing_is_one_line_an_agent() -> None:
    pacer = Pacer(PacerConfig(abandoned_limit=0.0))
    _ready(pacer, 7)
    assert [pacer.decide(0.0), pacer.decide(0.0)] == [7, 7]
    for n in range(7):
        pacer.observe(AttemptStarted(f"c{n}", 0.0))
    assert pacer.decide(0.0) == 0
    pacer.observe(AttemptEnded("c0", "busy", 3.0))
    assert pacer.decide(3.0) == 1


def test_a_cold_start_dials_more_than_agents_but_not_many_more() -> None:
    strict, loose = Pacer(PacerConfig(abandoned_limit=0.01)), Pacer(PacerConfig(abandoned_limit=0.03))
    for pacer in (strict, loose):
        _ready(pacer, 30)
    assert 30 <= strict.decide(0.0) <= loose.decide(0.0) <= 60


def test_agents_about_to_be_free_count_and_a_person_waiting_takes_one() -> None:
    pacer = Pacer(PacerConfig(abandoned_limit=0.03))
    _ready(pacer, 5)
    before = pacer.decide(0.0)
    pacer.observe(AttemptStarted("c", 0.0))
    pacer.observe(Answered("c", 0.0))
    assert pacer.decide(0.0) < before
    pacer.observe(Connected("c", "a0", 0.0))
    pacer.observe(AgentState("a0", "talking", 0.0))
    talking = pacer.decide(0.0)
    pacer.observe(AgentState("a0", "wrap_up", 60.0))
    assert pacer.decide(80.0) >= talking


def test_talks_known_to_be_soon_over_allow_more_lines_and_are_learnt() -> None:
    def lines(*, told: bool, taught: bool) -> int:
        pacer = Pacer(PacerConfig(abandoned_limit=0.03))
        _ready(pacer, 20)
        for n in range(20):  # what it learns: so soon over a talk is once that is said
            for k in range(10 if taught else 0):
                pacer.observe(AgentState(f"a{n}", "talking", 200.0 * k))
                pacer.observe(AgentState(f"a{n}", "talking", 200.0 * k + 120.0, soon_over=True))
                pacer.observe(AgentState(f"a{n}", "ready", 200.0 * k + 124.0))
            pacer.observe(AgentState(f"a{n}", "talking", 3000.0))
            if told:
                pacer.observe(AgentState(f"a{n}", "talking", 3060.0, soon_over=True))
                pacer.observe(AgentState(f"a{n}", "wrap_up", 3061.0))  # goes on being soon over
        return pacer.decide(3061.0)

    assert lines(told=True, taught=True) > lines(told=True, taught=False) > lines(told=False, taught=False)


def test_known_bad_numbers_allow_more_lines_and_known_good_ones_fewer() -> None:
    pacer = Pacer(PacerConfig(abandoned_limit=0.03))
    _ready(pacer, 20)
    assert pacer.decide(0.0, [0.1] * 60) > pacer.decide(0.0) > pacer.decide(0.0, [0.9] * 60)


def test_a_machine_found_late_is_no_person_and_its_line_is_free_again() -> None:
    pacer = Pacer(PacerConfig(max_lines=1))
    _ready(pacer, 3)
    pacer.observe(AttemptStarted("c", 0.0))
    pacer.observe(Answered("c", 5.0))
    assert pacer.decide(5.0) == 0
    pacer.observe(Connected("c", "a0", 5.0))
    assert pacer.budget.people == 1
    pacer.observe(AttemptEnded("c", "machine", 9.0))
    assert pacer.budget.people == 0
    assert pacer.decide(9.0) == 1


def test_abandoned_twice_is_one_and_leaves_out_an_agent_who_never_took_it() -> None:
    pacer = Pacer(PacerConfig(abandoned_limit=0.0))
    _ready(pacer, 2)
    for _ in range(2):
        pacer.observe(Abandoned("c", 100.0))
    pacer.observe(AttemptEnded("c", "human", 100.0))
    assert (pacer.budget.people, pacer.budget.abandoned) == (1, 1)
    assert pacer.decide(100.0) == 1
    pacer.observe(AgentState("a0", "ready", 101.0))  # heard of again
    assert pacer.decide(101.0) == 2


def test_the_budget_forgets_with_its_window_and_turns_theta() -> None:
    budget = Budget(0.03, window_s=3600.0)
    for n in range(1000):
        budget.add(float(n), people=1)
    even = budget.theta
    for _ in range(40):
        budget.add(1000.0, abandoned=1)
    assert budget.theta < even / 3
    budget.expire(5000.0)
    assert (budget.people, budget.abandoned) == (0, 0)


@pytest.mark.parametrize("chance", [0.15, 0.6])
def test_answer_chances_are_found_and_a_new_list_is_noticed(chance: float) -> None:
    factor = AnswerFactor()
    for n in range(2000):
        factor.learn(0.35, (n * 0.6180339887) % 1.0 < chance)
    assert factor.value * 0.35 == pytest.approx(chance, rel=0.05)
    assert factor.spread < 0.1
    for n in range(300):
        factor.learn(0.35, (n * 0.6180339887) % 1.0 < 0.35)
    assert factor.value == pytest.approx(1.0, rel=0.15)


def test_spans_and_ring_times_are_found() -> None:
    span, ring = Span(120.0), RingTimes()
    for n in range(600):
        length_s = -60.0 * math.log(1.0 - (n * 0.6180339887) % 1.0)
        span.passed(np.array([0.0]), np.array([length_s]))
        span.ended(length_s)
        if n % 10 == 0:
            span.risen()
        ring.learn(8.0 + 4.0 * ((n * 0.6180339887) % 1.0), answered=True)
    assert span.risen()[60] == pytest.approx(1.0, rel=0.15)
    assert ring.cumulated()[1][8] < 0.05
    assert ring.cumulated()[1][12] > 0.95


def test_the_tail_is_that_of_a_binomial() -> None:
    agents, dials, p = 6, 20, 0.2
    exact = sum(math.comb(dials, k) * p**k * (1 - p) ** (dials - k) for k in range(agents, dials + 1))
    variance = dials * p * (1 - p)
    assert below_one(agents - dials * p, variance, -variance * (1 - 2 * p)) == pytest.approx(exact, abs=0.01)


def test_the_answer_model_tells_good_numbers_from_bad_and_survives_the_store() -> None:
    model = AnswerModel()
    good, bad = NumberHistory(5, 4, "human", 10, "mobile"), NumberHistory(5, 0, "no_answer", 10, "fixed")
    fresh = model.chance(good)
    for n in range(400):
        model.learn(good, n % 10 < 7)
        model.learn(bad, n % 10 < 1)
    assert fresh == pytest.approx(model.chance(NumberHistory()), abs=0.25)
    assert model.chance(good) == pytest.approx(0.7, abs=0.08)
    assert model.chance(bad) == pytest.approx(0.1, abs=0.05)
    again = AnswerModel.from_plain(json.loads(json.dumps(model.to_plain())))
    assert again.chance(good) == model.chance(good)


def test_the_answer_model_tells_how_far_it_came_true() -> None:
    model = AnswerModel()
    assert model.calibration.attempts == 0
    for n in range(2000):
        model.learn(NumberHistory(4, n % 4, "", 10, "mobile"), (n // 4) % 4 < n % 4)
    found = model.calibration
    assert found.attempts > 1000
    assert found.answered == pytest.approx(0.375, abs=0.02)
    assert found.foretold == pytest.approx(found.answered, abs=0.02)
    assert found.error < 0.05
    again = AnswerModel.from_plain(json.loads(json.dumps(model.to_plain())))
    assert again.calibration == found
    with pytest.raises(ValueError, match="another shape"):
        AnswerModel.from_plain({"effects": {}, "judged": [[1.0]]})
