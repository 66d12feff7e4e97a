"""Identifiers sort by time and do not repeat."""

from __future__ import annotations

import pytest

from appliance.ids import new_id

pytestmark = pytest.mark.unit


def test_ids_are_unique_and_sort_by_time(monkeypatch: pytest.MonkeyPatch) -> None:
    moments = iter(range(1_700_000_000_000_000_000, 1_700_000_000_200_000_000, 1_000_000))
    monkeypatch.setattr("appliance.ids.time.time_ns", lambda: next(moments))
    made = [new_id() for _ in range(200)]
    assert made == sorted(made)
    assert len(set(made)) == 200
    assert {len(one) for one in made} == {26}
