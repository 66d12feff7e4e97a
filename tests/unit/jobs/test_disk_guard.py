"""What gives way first is the archive, never a call; and the archive is what makes room again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.jobs.disk_guard import archive_waits

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("degraded", "recording", "spool", "archive", "waits"),
    [
        (False, True, 5000, 5000, ""),
        (True, True, 5000, 5000, "mirror_degraded"),
        (True, False, 1999, 5000, ""),  # room gets short: the archive makes room, on one disk if need be
        (False, True, 249, 249, "room_for_calls"),
        (False, True, 5000, 249, "room_for_calls"),
        (False, False, 10, 10, ""),  # the last calls have ended: now it must make room
    ],
)
def test_when_the_archive_waits(degraded: bool, recording: bool, spool: int, archive: int, waits: str) -> None:
    found = archive_waits(
        degraded=degraded, recording=recording, spool_free_mb=spool, archive_free_mb=archive, reserve_mb=1000
    )
    assert found == waits


@given(st.booleans(), st.integers(0, 10_000), st.integers(0, 10_000), st.integers(16, 4000))
def test_a_full_spool_without_calls_is_always_emptied(degraded: bool, spool: int, archive: int, reserve: int) -> None:
    waits = archive_waits(
        degraded=degraded, recording=False, spool_free_mb=spool, archive_free_mb=archive, reserve_mb=reserve
    )
    assert not waits or (degraded and spool >= 2 * reserve)
