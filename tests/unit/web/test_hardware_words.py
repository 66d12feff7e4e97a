"""Lines and disks in words: the cause before what follows from it, every word of the drivers has one of ours."""

from __future__ import annotations

from typing import Any

import pytest

from appliance.domain.line_alarms import Cause
from drivers.control import DISRUPTIVE, TIMED
from drivers.lines import Alarm, ChannelState, LineKind, Verb
from drivers.raid.forecast import Reason
from drivers.raid.replace import Refusal, Step
from webui.hardware import words
from webui.hardware.line_view import view
from webui.hardware.trend import HEIGHT, LEFT, WIDTH, trend

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("table", "wanted"),
    [
        (words.CAUSES, {*map(str, Cause), *map(str, Alarm)}), (words.CHANNELS, set(ChannelState)),
        (words.LETTERS, set(ChannelState)), (words.VERBS, set(Verb)), (words.KINDS, set(LineKind)),
        (words.REFUSALS, set(Refusal)), (words.REPLACE_REASONS, set(Reason)),
        (dict(words.STEPS), set(Step) - {Step.VERIFY}),
    ],
)  # fmt: skip
def test_no_word_of_the_drivers_is_missing(table: dict[str, Any], wanted: set[str]) -> None:
    assert set(table) == {str(word) for word in wanted}


def test_what_cuts_calls_is_what_the_drivers_guard() -> None:
    assert {str(verb) for verb in DISRUPTIVE} == words.CUTS_CALLS
    assert {str(verb) for verb in TIMED} == words.TIMED


@pytest.mark.parametrize(
    ("row", "cause", "followed"),
    [
        ({"alarms": ["rai", "los"], "d_channel_l2": False}, "los", ("rai", "d_channel")),
        ({"alarms": [], "up": True, "d_channel_l1": False}, "d_channel", ()),
        ({"alarms": [], "up": False}, "out_of_service", ()),
        ({"alarms": ["los"], "cause": None}, "", ()),  # `watch` wants it confirmed first
        ({"alarms": [], "cause": "sip", "suppressed": ["d_channel"]}, "sip", ("d_channel",)),
        ({"alarms": [], "up": True}, "", ()),
    ],
)
def test_one_cause_the_rest_follows(row: dict[str, Any], cause: str, followed: tuple[str, ...]) -> None:
    found = view({"line_id": "a:1", **row}, stale=False)
    assert (found.cause, found.followed) == (cause, followed)


def test_calls_of_an_old_reading_are_not_known() -> None:
    row = {"line_id": "a:1", "in_use": 0, "up": True, "channels": ["idle"] * 31}
    assert view(row, stale=False).calls == 0
    old = view(row, stale=True)
    assert (old.calls, old.state, old.colour) == (None, "unknown", "secondary")


def _points(text: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in (point.split(",") for point in text.split())]


def test_a_trend_stays_in_its_plot_and_goes_on_where_it_ended() -> None:
    drawn = trend([(20_000.0 + day, 0.5 + day / 100) for day in range(40)], 1.0, per_year=3.65)
    assert drawn is not None
    points, coming = _points(drawn.points), _points(drawn.forecast)
    assert coming[0] == points[-1]
    assert coming[1][1] < points[-1][1], "it rises"
    assert all(LEFT <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in points + coming)
    assert trend([(20_000.0, 0.5)], 1.0) is None
    flat = trend([(1.0, 40.0), (3.0, 41.0)], 70.0)
    assert flat is not None
    assert flat.forecast == ""
