"""The whole way once: spreadsheet, edge, exchange, ear, agents, recordings, report."""

from __future__ import annotations

import pytest

from appliance.bench.demo import DemoOptions, run_demo

pytestmark = pytest.mark.integration


@pytest.mark.timeout(240)
def test_small_demo_loses_nothing() -> None:
    report = run_demo(DemoOptions(numbers=16, seats=4, seed=2, talk_s=(1.0, 3.0), limit_s=200.0))
    assert report["rows"] == 16
    assert report["rejected"] + report["duplicates"] + report["dialled"] == 16
    assert sum(report["outcomes"].values()) >= report["dialled"]
    assert report["lost"] == 0, report
    assert report["double_dialled"] == 0
    assert "lost" not in report["outcomes"]
    assert "never_reached_exchange" not in report["confusion"]
    assert report["connected"] > 0
    assert report["recordings"]["verified"] == report["recordings"]["written"] >= report["connected"]
