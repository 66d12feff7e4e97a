"""The health gate: waits while something is bad, and says what it was when the wait is over."""

from __future__ import annotations

import pytest

from appliance.services.diag import Check
from appliance.services.gate import wait_well

pytestmark = pytest.mark.unit

OK, BAD = Check("media", "ok", ""), Check("media", "bad", "nothing was heard")


def test_waits_until_all_is_well() -> None:
    looks = iter([[BAD], [BAD], [OK, Check("time", "unknown", "")]])
    assert wait_well(lambda: next(looks), pause_s=0.0) == []


def test_tells_what_stayed_bad() -> None:
    assert wait_well(lambda: [OK, BAD], wait_s=0.0, pause_s=0.0) == [BAD]
