"""When saved reports are due."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from appliance.domain.report_times import next_time

pytestmark = pytest.mark.unit

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("every", "at_time", "on_day", "after", "wanted"),
    [
        ("day", "08:00", 1, "2026-03-10T06:59", "2026-03-10T07:00"),
        ("day", "08:00", 1, "2026-03-10T07:00", "2026-03-11T07:00"),
        ("day", "08:00", 1, "2026-03-28T08:00", "2026-03-29T06:00"),  # summer time begins
        ("day", "02:30", 1, "2026-03-28T23:30", "2026-03-29T01:30"),  # skipped by the clock
        ("day", "02:30", 1, "2026-10-24T23:00", "2026-10-25T00:30"),  # there twice: the first
        ("week", "08:00", 1, "2026-03-10T06:59", "2026-03-16T07:00"),
        ("week", "08:00", 7, "2026-03-10T06:59", "2026-03-15T07:00"),
        ("month", "08:00", 31, "2026-02-10T00:00", "2026-02-28T07:00"),
        ("month", "23:30", 1, "2026-12-31T22:45", "2027-01-01T22:30"),
    ],
)
def test_next_time(every: str, at_time: str, on_day: int, after: str, wanted: str) -> None:
    begin = datetime.fromisoformat(after).replace(tzinfo=UTC)
    found = next_time(every, at_time, on_day, BERLIN, begin)
    assert found == datetime.fromisoformat(wanted).replace(tzinfo=UTC)


def test_only_by_hand() -> None:
    assert next_time("", "08:00", 1, BERLIN, datetime(2026, 1, 1, tzinfo=UTC)) is None
