"""A part that many screens show is drawn once for each event and each sort of reader."""

from __future__ import annotations

import pytest

from webui.drawn import Drawn

pytestmark = pytest.mark.unit


def test_it_is_drawn_once_for_an_event_and_a_reader() -> None:
    drawn, times = Drawn(), []

    def draw() -> str:
        times.append(1)
        return f"picture {len(times)}"

    assert [drawn.once(1.0, "en", draw) for _screen in range(30)] == ["picture 1"] * 30
    assert drawn.once(1.0, "zh", draw) == "picture 2"
    assert drawn.once(2.0, "en", draw) == "picture 3"
    assert len(times) == 3


def test_what_fails_to_be_drawn_is_tried_again() -> None:
    drawn = Drawn()

    def fails() -> str:
        raise ValueError("no")

    with pytest.raises(ValueError):
        drawn.once(1.0, "en", fails)
    assert drawn.once(1.0, "en", lambda: "there") == "there"
