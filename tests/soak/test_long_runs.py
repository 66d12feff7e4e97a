"""Long runs of the whole room and of the switch; their short forms are in tests/integration/{bench,telephony}."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

pytestmark = pytest.mark.soak


def callbox(*words: str) -> dict[str, Any]:
    """Run a command with --json and return what it prints."""
    done = subprocess.run(
        [sys.executable, "-P", "-m", "appliance.cli", *words, "--json"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def test_a_thousand_numbers_lose_nothing() -> None:
    report = callbox("demo", "--numbers", "1000", "--seats", "30")
    assert (report["lost"], report["double_dialled"]) == (0, 0)
    assert report["recordings"]["written"] == report["recordings"]["verified"]


def test_three_thousand_short_calls_leave_nothing_behind() -> None:
    figures = callbox("bench", "short-calls", "--calls", "3000")
    assert figures["errors"] == 0
    print(json.dumps(figures))


def test_sixty_lines_for_half_an_hour() -> None:
    figures = callbox("bench", "calls", "--lines", "60", "--bridged", "30", "--seconds", "1800")
    assert (figures["answered"], figures["lost_frames"], figures["rtp_lost"]) == (60, 0, 0)
    assert figures["recordings"] == 60
    print(json.dumps(figures))
