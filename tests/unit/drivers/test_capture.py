"""A profile from a transcript."""

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
from drivers.lines import Alarm
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
