"""Where the processor's time went: shares of the cores, children that ended included."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from appliance.bench.cpu_account import CpuAccount, _tree_s

pytestmark = pytest.mark.unit


def test_shares_are_of_all_cores_and_tell_the_box_from_what_is_simulated() -> None:
    account = CpuAccount({"web": 6.0, "switch": 10.0, "exchange": 1.0, "browser": 2.0, "bench": 1.0}, 24.0, 20.0, 2)
    found = account.report()
    assert found["cpu_share"] == {"box": 0.4, "simulated": 0.1, "machine": 0.6}
    assert list(found["cpu_s"]) == ["switch", "web", "browser", "exchange", "bench"]  # type: ignore[call-overload]


def test_a_child_that_ended_stays_in_the_account() -> None:
    before_s = _tree_s(os.getpid())
    subprocess.run([sys.executable, "-c", "import time\nwhile time.process_time() < 0.2: pass"], check=True)
    assert _tree_s(os.getpid()) - before_s >= 0.1


def test_a_process_that_is_gone_used_nothing() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    assert _tree_s(child.pid) == 0.0
