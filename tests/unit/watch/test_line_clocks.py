"""A span that slips is told with what to do; one that does not, or of which nothing is known, is not."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from appliance.types import Severity
from appliance.watch.line_conditions import ClocksAgree

pytestmark = pytest.mark.unit


def report(grade: str) -> dict[str, Any]:
    return {"slips": {"day": 40, "worst_hour": 12, "grade": grade}}


def test_slips_beyond_g822_are_a_warning() -> None:
    reports = {"gw:1": report("a"), "gw:2": report("b"), "gw:3": report("c"), "gw:4": report("")}
    watch: Any = SimpleNamespace(quality=lambda: reports)
    found = ClocksAgree(watch).check()
    assert [(one.key, one.severity) for one in found] == [
        ("slips.gw:2", Severity.WARNING), ("slips.gw:3", Severity.WARNING),
    ]  # fmt: skip
    assert "40 times in a day" in found[0].title
    assert "clock source" in found[0].text
