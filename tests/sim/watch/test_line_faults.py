"""Hours of faults through readers and rules: each raised once and cleared once, none missed, none false."""

from __future__ import annotations

import pytest

from appliance.bench.line_faults import run_day

pytestmark = pytest.mark.sim


@pytest.mark.parametrize("seed", [11, 12])
def test_hours_of_faults(seed: int) -> None:
    found = run_day(seed=seed, hours=1.0)
    assert found["faults"] > 10
    assert found["raised"] == found["cleared"] == found["faults"]
    assert (found["false"], found["missed"], found["stuck"], found["wrong_up"]) == (0, 0, 0, 0)
