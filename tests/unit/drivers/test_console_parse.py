"""Answers of cards by profile: what is read, and that nothing garbled or renamed is ever called up."""

from __future__ import annotations

import random
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers import profiles
from drivers.console.parse import parse
from drivers.console.reader import ConsoleReader
from drivers.console.session import Session
from drivers.console.text import clean
from drivers.lines import Alarm, ChannelState, LineStatus, ReaderError
from tests.transcripts import DOWN, ISDN, UP, mutated, read_mutated

pytestmark = pytest.mark.unit
CISCO = profiles.find("cisco_e1")


def read(text: str, isdn: str = "") -> dict[str, LineStatus]:
    return {line.line_id: line for line in parse(CISCO, [text, isdn], card="gw", taken_at_unix_s=1.0)}


def test_both_states_of_the_source_are_read() -> None:
    lines = read(UP + DOWN, ISDN)
    up, down = lines["gw:0"], lines["gw:1"]
    assert (up.up, up.alarms, up.error) == (True, frozenset(), "")
    assert (down.up, down.alarms, down.error) == (False, {Alarm.LOS}, "")
    assert down.counters is not None
    assert (down.counters.uas, down.counters.age_s, down.counters.lcv) == (200, 200.0, 3)


def test_the_d_channel_and_busy_slots_come_from_the_second_answer() -> None:
    up = read(UP, ISDN)["gw:0"]
    assert (up.d_channel_l1, up.d_channel_l2, up.in_use) == (True, True, 2)
    assert [slot for slot, state in enumerate(up.channels, 1) if state is ChannelState.BUSY] == [2, 9]
    assert up.channels[15] is ChannelState.SIGNALLING


def test_without_the_second_answer_channels_are_unknown() -> None:
    up = read(UP)["gw:0"]
    assert (up.d_channel_l2, up.in_use, up.channels) == (None, None, ())


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("No alarms detected.", "No defects present.", "no alarm"),
        ("is up", "is operational", "operational"),
        ("Framing is", "Frame format:", "framing"),
        ("Unavail Secs", "Unavailable Seconds", "uas"),
        ("  No alarms", "  Receiver has loss of frame.\n  No alarms", "loss of frame"),
        ("  No alarms", "  Receiver has loss of signal.\n  No alarms", "says that there is none"),
        ("(251 seconds", "(2510 seconds", "15 minutes"),
    ],
)
def test_a_firmware_that_changes_a_word_is_an_error_and_not_up(old: str, new: str, says: str) -> None:
    assert old in UP
    line = read(UP.replace(old, new, 1))["gw:0"]
    assert line.up is None
    assert says in line.error


def test_down_for_a_reason_that_is_not_known_is_down() -> None:
    line = read(DOWN.replace("Receiver has loss of signal.", "Receiver has loss of frame."))["gw:1"]
    assert line.up is False
    assert "loss of frame" in line.error


def test_an_answer_without_ports_says_what_to_do() -> None:
    with pytest.raises(ReaderError, match="profile-from") as caught:
        read("% Authorization failed")
    assert caught.value.error_id == "line.not_understood"


def test_a_port_whose_first_line_was_spoilt_does_not_lend_its_name() -> None:
    """Found by fuzzing: the first port's number had become the second's, whose own first line was broken."""
    spoilt = (UP + DOWN).replace("E1 1 is down", "E1 1% is down").replace("E1 0 is up", "E1 1 is up")
    assert read(spoilt)["gw:1"].up is None
    assert read(spoilt.replace("E1 1%", "F1 1"))["gw:1"].up is None


class Answers:
    """A session that gives prepared answers."""

    def __init__(self, *answers: str) -> None:
        self.left = list(answers)

    def submit(self, work: object) -> list[str]:
        return [self.left.pop(0), ""]


@pytest.mark.parametrize(
    ("answers", "up"),
    [
        ((UP + DOWN, UP + DOWN), (True, False)),
        ((UP + DOWN, DOWN.replace("E1 1", "E1 0") + DOWN), (False, False)),
        ((DOWN.replace("E1 1", "E1 0") + DOWN, ""), (False, False)),
        ((UP + UP.replace("E1 0", "E1 1"), UP + DOWN), (True, False)),
        ((UP + DOWN, UP + UP.replace("E1 0", "E1 1")), (True, None)),
    ],
)
def test_good_news_is_believed_when_it_is_said_twice(answers: tuple[str, ...], up: tuple[bool | None, ...]) -> None:
    session = Answers(*answers)
    lines = ConsoleReader("gw", cast("Session", session), CISCO).lines()
    assert tuple(line.up for line in lines) == up


def test_a_line_that_stays_up_is_read_once() -> None:
    session = Answers(UP, UP, UP)
    reader = ConsoleReader("gw", cast("Session", session), CISCO)
    assert [reader.lines()[0].up, reader.lines()[0].up] == [True, True]
    assert not session.left


def test_a_port_named_twice_is_garbled() -> None:
    with pytest.raises(ReaderError, match="twice"):
        read(UP + UP)


def test_a_channel_that_cannot_be_is_garbled() -> None:
    line = read(UP, ISDN.replace("B-chan=9", "B-chan=99"))["gw:0"]
    assert line.up is None
    assert "99" in line.error


def test_the_answer_is_cleaned_of_what_a_terminal_shows() -> None:
    raw = "show x\r\nE1\x1b[0m one\r\n --More-- \r          \rtwo\r\n*Mar  1 00:01:12: %LINK-3-UPDOWN: x\r\nthrex\x08e"
    assert CISCO.console is not None
    assert clean(raw, "show x", CISCO.console.unsolicited) == "E1 one\ntwo\nthree"


@pytest.mark.parametrize("raw", ["show x\r\nE1 \xff is up", "x" * 300_000])
def test_noise_is_named(raw: str) -> None:
    with pytest.raises(ReaderError) as caught:
        clean(raw, "show x", "")
    assert caught.value.error_id == "line.noise"


@given(st.integers(min_value=0), st.integers(min_value=1, max_value=40))
@settings(max_examples=150, deadline=None)
def test_mutations_never_crash_and_never_turn_a_dead_line_up(seed: int, strength: int) -> None:
    dice = random.Random(seed)
    for _ in range(5):
        assert "gw:1" not in read_mutated(
            mutated(dice, (UP + DOWN).encode(), strength), mutated(dice, ISDN.encode(), 1)
        )


@given(st.text(max_size=400))
@settings(max_examples=200, deadline=None)
def test_any_text_is_read_or_refused(text: str) -> None:
    assert read_mutated(text.encode("latin-1", "replace"), b"") == set()
