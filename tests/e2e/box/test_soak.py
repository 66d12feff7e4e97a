"""Two minutes of the soak: 30 seats dial while processes are killed at random, and nothing is lost."""

from __future__ import annotations

import json

import pytest

from appliance.bench.soak import SoakOptions, run_soak
from appliance.bench.soak_kills import SERVICES

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]


def test_kills_at_random_lose_nothing() -> None:
    report = run_soak(SoakOptions(minutes=2.0, kill=SERVICES, seed=3))
    told = json.dumps(report)
    print(told)
    assert sum(report["kills"].values()) >= 10, told
    assert report["connected"] > 0, told
    for lost in (
        "dialled_twice", "agents_stuck", "attempts_without_outcome", "callers_without_outcome", "recordings_lost",
    ):  # fmt: skip
        assert report[lost] == 0, told
