"""Two minutes of the soak: 30 seats dial while processes are killed at random, and nothing is lost."""

from __future__ import annotations

import pytest

from appliance.bench.soak import SoakOptions, run_soak
from appliance.bench.soak_kills import SERVICES

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]


def test_kills_at_random_lose_nothing() -> None:
    report = run_soak(SoakOptions(minutes=2.0, kill=SERVICES, seed=3))
    assert sum(report["kills"].values()) >= 10, report
    assert report["connected"] > 0, report
    assert report["examples"] == [], report
    assert report["dialled_twice"] == 0
    assert report["agents_stuck"] == 0
    assert report["attempts_without_outcome"] == 0
    assert report["callers_without_outcome"] == 0
    assert report["recordings_lost"] == 0
