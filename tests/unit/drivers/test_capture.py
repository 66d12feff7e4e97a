"""A profile from a transcript, and status pages of FXO ports."""

from __future__ import annotations

import contextlib
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers import profiles
from drivers.console.capture import CaptureError, profile_from
from drivers.console.parse import parse
from drivers.fxo.page import fxo_from_page
from drivers.lines import Alarm, Fxo, ReaderError
from tests.transcripts import DOWN, UP, mutated

pytestmark = pytest.mark.unit
SESSION = f"Username: admin\r\nPassword: \r\nBru#show controllers e1\r\n{UP}{DOWN}Bru#"
OTHER = """\
card> show trunk
Trunk 1: in service
 alarms: none
 ES: 4  SES: 0
Trunk 2: failed
 LOS
 ES: 90  SES: 80
card>
"""
PAGE = """\
Line Current (mA)   0
Line Voltage (V): -48.5
Hook                0
Ring                1
Line polarity       1
"""


def made(tmp_path: Path, transcript: str) -> profiles.Profile:
    path = tmp_path / "made.toml"
    path.write_text(profile_from(transcript, make="M", model="m", profile_id="made"), encoding="utf-8")
    return profiles.load(path)


@pytest.mark.parametrize("session", [SESSION, SESSION.replace("\n", "\r\n")])
def test_a_profile_reads_the_transcript_it_was_made_from(tmp_path: Path, session: str) -> None:
    up, down = parse(made(tmp_path, session), [UP + DOWN], card="c", taken_at_unix_s=0.0)
    assert (up.up, up.error) == (True, "")
    assert (down.up, down.alarms, down.error) == (False, {Alarm.LOS}, "")
    assert down.counters is not None
    assert down.counters.uas == 200


def test_another_makes_words_are_learned_from_evidence(tmp_path: Path) -> None:
    answer = OTHER.split("\n", 1)[1].removesuffix("card>\n")
    up, down = parse(made(tmp_path, OTHER), [answer], card="c", taken_at_unix_s=0.0)
    assert (up.up, down.up, down.alarms) == (True, False, {Alarm.LOS})


@pytest.mark.parametrize(
    ("transcript", "lacks"),
    [
        ("", "no prompt"),
        ("hello world", "no prompt"),
        ("gw#show version\nsome text\ngw#", "names a port"),
        (f"gw#show controllers e1\n{DOWN}gw#", "while a line is well"),
    ],
)
def test_a_transcript_that_shows_too_little_says_what_it_lacks(transcript: str, lacks: str) -> None:
    with pytest.raises(CaptureError, match=lacks):
        profile_from(transcript, make="M", model="m", profile_id="made")


@given(st.integers(min_value=0))
@settings(max_examples=100, deadline=None)
def test_a_spoilt_transcript_makes_a_profile_or_says_why_not(seed: int) -> None:
    spoilt = mutated(random.Random(seed), SESSION.encode(), 6).decode("latin-1")
    with contextlib.suppress(CaptureError):
        assert 'make = "M"' in profile_from(spoilt, make="M", model="m", profile_id="made")


def test_a_status_page_of_an_fxo_port_is_read() -> None:
    fxo = fxo_from_page(profiles.find("audiocodes_fxo"), PAGE)
    assert (fxo.volts, fxo.milliamps, fxo.hook, fxo.ring, fxo.polarity_reversed) == (-48.5, 0.0, False, True, True)


def test_what_a_page_does_not_say_is_unknown() -> None:
    fxo = fxo_from_page(profiles.find("audiocodes_fxo"), "Hook 1\nsomething else")
    assert (fxo.hook, fxo.volts) == (True, None)


@pytest.mark.parametrize("page", ["", "nothing here", "Hook 2", "Line Voltage (V) high"])
def test_a_page_of_another_firmware_is_refused(page: str) -> None:
    with pytest.raises(ReaderError) as caught:
        fxo_from_page(profiles.find("audiocodes_fxo"), page)
    assert caught.value.error_id == "line.not_understood"


@given(st.text(max_size=300))
@settings(max_examples=100, deadline=None)
def test_any_page_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(ReaderError):
        assert fxo_from_page(profiles.find("audiocodes_fxo"), text) != Fxo(None, None, None, None, None)
