"""The whole way once: spreadsheet, edge, exchange, ear, agents or the box's own message, recordings, report."""

from __future__ import annotations

from typing import Any

import pytest

from appliance.bench.demo import DemoOptions, run_demo

pytestmark = pytest.mark.integration


def _nothing_lost(report: dict[str, Any]) -> None:
    assert report["rows"] == 16
    assert report["rejected"] + report["duplicates"] + report["dialled"] == 16
    assert sum(report["outcomes"].values()) >= report["dialled"]
    assert report["lost"] == 0, report
    assert report["double_dialled"] == 0
    assert "lost" not in report["outcomes"]
    assert "never_reached_exchange" not in report["confusion"]
    assert report["recordings"]["verified"] == report["recordings"]["written"]


@pytest.mark.timeout(240)
@pytest.mark.parametrize("mode", ["progressive", "predictive"])
def test_small_demo_loses_nothing(mode: str) -> None:
    report = run_demo(DemoOptions(numbers=16, seats=4, seed=2, talk_s=(1.0, 3.0), limit_s=200.0, mode=mode))
    _nothing_lost(report)
    assert report["connected"] > 0
    assert report["recordings"]["written"] >= report["connected"]


@pytest.mark.timeout(240)
def test_small_voice_demo_speaks_and_needs_nobody() -> None:
    report = run_demo(DemoOptions(numbers=16, seats=1, seed=2, limit_s=200.0, mode="voice"))
    _nothing_lost(report)
    assert report["connected"] == report["abandoned"] == 0
    assert report["messages"] > 0
