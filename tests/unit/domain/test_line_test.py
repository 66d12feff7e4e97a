"""The plan of a line test: every state and event is legal or refused; nothing dangerous without check and yes."""

from __future__ import annotations

import itertools
import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.domain import line_test as plan
from appliance.domain.line_limits import Verdict, judge, limits, worst
from appliance.domain.line_test import Effect, Event, LineTest, NotNowError, State
from appliance.texts import LANGUAGES, words

pytestmark = pytest.mark.unit

ALL = frozenset(itertools.chain.from_iterable((*step.quantities, *step.checks) for step in plan.PAIR))


def test_every_state_and_event_is_legal_or_refused() -> None:
    legal = 0
    for at, state, event in itertools.product(range(len(plan.PAIR)), State, Event):
        test = LineTest(plan.PAIR, at, state)
        try:
            after, effect = plan.advance(test, event)
        except NotNowError:
            continue
        legal += 1
        assert state not in plan.FINAL
        assert after.at in (at, at + 1)
        assert (effect is Effect.MEASURE) == (after.state is State.MEASURING)
        assert (effect is Effect.CHECK) == (after.state is State.CHECKING)
    assert legal == len(plan.PAIR) * 19


@given(st.lists(st.sampled_from(Event), max_size=60))
def test_no_dangerous_measurement_without_check_and_yes(events: list[Event]) -> None:
    test, last = plan.begin(ALL, plan.PAIR), []
    for event in events:
        try:
            test, effect = plan.advance(test, event)
        except NotNowError:
            continue
        last.append(event)
        if effect is Effect.MEASURE and test.step.dangerous:
            assert last[-3:] == [Event.READY, Event.QUIET, Event.YES]


def test_the_whole_plan_and_what_may_be_done() -> None:
    test = plan.begin(ALL, plan.PAIR)
    assert test.may == (Event.READY, Event.SKIP, Event.ABORT)
    for step in plan.PAIR:
        assert test.step == step
        for event in (
            (Event.READY, Event.QUIET, Event.YES, Event.MEASURED, Event.NEXT) if step.dangerous
            else (Event.READY, Event.MEASURED, Event.NEXT)
        ):  # fmt: skip
            test, _ = plan.advance(test, event)
    assert test.state is State.DONE
    assert test.may == ()


def test_only_what_the_instrument_can() -> None:
    assert [step.id for step in plan.begin(frozenset({"on_hook_v", "loop_ma"}), plan.PAIR).steps] == ["on_hook"]
    with pytest.raises(NotNowError):
        plan.begin(frozenset(), plan.SPAN)


@pytest.mark.parametrize(
    ("found", "quiet"),
    [({}, False), ({"stray_ac_v": 0.2}, True), ({"stray_ac_v": 82.0}, False), ({"stray_ac_v": math.inf}, False),
     ({"stray_ac_v": math.nan}, False), ({"stray_ac_v": 0.1, "stray_dc_v": -48.0}, False),
     ({"stray_ac_v": 0.1, "stray_dc_v": -0.02}, True)],
)  # fmt: skip
def test_quiet(found: dict[str, float], quiet: bool) -> None:
    assert plan.is_quiet(found) is quiet


@pytest.mark.parametrize(
    ("quantity", "value", "verdict", "reason"),
    [
        ("on_hook_v", -48.1, "ok", "good"), ("on_hook_v", 42.0, "ok", "good"), ("on_hook_v", 54.0, "ok", "good"),
        ("on_hook_v", 24.0, "warn", "pbx"), ("on_hook_v", 0.0, "bad", "none"), ("on_hook_v", -141, "bad", "dangerous"),
        ("on_hook_v", 56.0, "warn", "high"), ("on_hook_v", -36.0, "warn", "sagging"),
        ("polarity", -48.0, "ok", "normal"), ("polarity", 48.0, "warn", "reversed"),
        ("polarity", 0.1, "warn", "unknown"), ("polarity", -2000.0, "ok", "normal"),
        ("loop_ma", 17.9, "bad", "low"), ("loop_ma", 18.0, "warn", "edge"), ("loop_ma", -23.0, "ok", "good"),
        ("loop_ma", 60.0, "ok", "good"), ("loop_ma", 61.0, "warn", "high"), ("loop_ma", 130.0, "bad", "dangerous"),
        ("ring_v", 74.0, "warn", "low"), ("ring_v", 75.0, "ok", "good"), ("ring_v", 90.0, "ok", "good"),
        ("ring_v", 0.0, "bad", "none"), ("ring_v", 141.0, "bad", "dangerous"),
        ("ring_hz", 16.0, "ok", "good"), ("ring_hz", 25.0, "ok", "good"), ("ring_hz", 50.0, "warn", "high"),
        ("off_hook_v", -8.4, "ok", "good"), ("off_hook_v", -48.0, "bad", "not_seized"),
        ("insulation_ohm", math.inf, "ok", "good"), ("insulation_ohm", 2e5, "warn", "damp"),
        ("insulation_ohm", 50.0, "bad", "short"),
        ("ber", 0.0, "ok", "good"), ("ber", 1e-2, "bad", "unusable"), ("slips", 1.0, "bad", "clock"),
        ("offset_ppm", -51.0, "bad", "clock"),
    ],
)  # fmt: skip
def test_verdicts(quantity: str, value: float, verdict: str, reason: str) -> None:
    judged = judge(quantity, value)
    assert (judged.verdict, judged.reason) == (verdict, reason)
    assert judged.source


def test_no_figure_is_no_verdict() -> None:
    with pytest.raises(ValueError, match="not a figure"):
        judge("on_hook_v", math.nan)
    assert worst([]) is Verdict.WARN
    assert worst([Verdict.OK, Verdict.BAD, Verdict.WARN]) is Verdict.BAD


def test_everything_has_words_in_every_language() -> None:
    wanted = {f"line_test.{name}.{band.reason}" for name, limit in limits().quantities.items() for band in limit.bands}
    wanted |= {f"line_test.step.{step.id}" for step in (*plan.PAIR, *plan.SPAN)}
    wanted |= {f"line_test.safety.{step.id}" for step in plan.PAIR if step.dangerous}
    wanted |= {f"line_test.name.{name}" for name in limits().quantities}
    for language in LANGUAGES:
        assert not {text_id for text_id in wanted if words(text_id, language, {}) is None}


def test_every_limit_names_where_it_is_from_or_says_that_it_is_practice() -> None:
    named = re.compile(r"ITU-T|Fluke TS5|S\.C\. Code Regs|ntcp\.com|piclist|^Field practice: ")
    for name, limit in limits().quantities.items():
        for band in limit.bands:
            assert named.search(band.source), f"{name} from {band.at_least}: {band.source}"
