"""The disk guard: below the reserve it raises `disk.reserve`, on which the engine stops dialling.

The reserve is for the calls in progress, so the alert comes while there is still room for them. It is said again
every few seconds, so that a service which starts later hears it too. Spool and database count, each on its own file
system: without either no call can be kept. What gives way first is the archive: it waits while a mirror is degraded
or the last room is needed by calls that are being recorded.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from appliance.alerting import told
from appliance.events import StorageState
from appliance.jobs import log_room
from appliance.jobs.context import Context
from appliance.logs import get_logger
from appliance.types import Severity

RESERVE_KEY = "disk.reserve"
ARCHIVE_KEY = "archive.disk_full"
_CLEAR_FACTOR = 1.05  # no flutter at the edge
_SAY_AGAIN_S = 10.0
_STORAGE_LIFE_S = 60.0
"""So long what `watch` said of the mirror counts; a watch that died stops no archive."""
_MB = 1_000_000
_TENTH = 10

log = get_logger()


def free_mb(folder: Path) -> int:
    """Megabytes an ordinary service may still write in a folder's file system."""
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize // _MB


def reserve_of_mb(folder: Path, reserve_mb: int) -> int:
    """The reserve on a file system of its own: never more than a tenth of it."""
    found = os.statvfs(folder)
    return min(reserve_mb, found.f_blocks * found.f_frsize // _MB // _TENTH)


def archive_waits(
    *, degraded: bool, recording: bool, spool_free_mb: int, archive_free_mb: int, reserve_mb: int
) -> str:
    """Why the archive must wait now, empty when it need not. Pure.

    The archive empties the spool in the end, so it waits for a mirror only while there is plenty of room, and for
    room only while calls need it.
    """
    if degraded and spool_free_mb >= 2 * reserve_mb:
        return "mirror_degraded"
    if recording and min(spool_free_mb, archive_free_mb) < reserve_mb // 4:
        return "room_for_calls"
    return ""


class DiskGuard:
    """`check()` every few seconds; `recording()` says whether calls are being recorded now."""

    def __init__(self, context: Context, recording: Callable[[], bool] = lambda: False) -> None:
        self._context = context
        self._recording = recording
        self._raised: bool | None = None
        self._said_s = float("-inf")
        self._archive_stands: bool | None = None
        self._degraded_until_s = float("-inf")
        self._waits = ""

    def _scarce_mb(self) -> list[tuple[int, int]]:
        """(free, reserve) of each file system without which no call can be kept."""
        home, reserve_mb = self._context.home, self._context.settings.recording.reserve_mb
        found = [(free_mb(home.spool), reserve_mb)]
        database = home.database.parent
        if not self._context.settings.store.url and database.stat().st_dev != home.spool.stat().st_dev:
            found.append((free_mb(database), reserve_of_mb(database, reserve_mb)))
        return found

    def storage(self, state: StorageState) -> None:
        """What `watch` says of the mirror."""
        life_s = _STORAGE_LIFE_S if state.degraded else 0.0
        self._degraded_until_s = self._context.clock.monotonic_s() + life_s

    def check(self) -> bool:
        """Measure, tell when the state changed or is worth repeating; True while the reserve is touched."""
        log_room.keep(self._context.home.logs)
        free, reserve = min(self._scarce_mb(), key=lambda pair: pair[0] - pair[1])
        raised = free < reserve * (_CLEAR_FACTOR if self._raised else 1.0)
        now_s = self._context.clock.monotonic_s()
        if raised != self._raised or (raised and now_s - self._said_s >= _SAY_AGAIN_S):
            self._said_s = now_s
            self._tell(RESERVE_KEY, raised, "disk.reserve", {"free_mb": free, "reserve_mb": reserve})
        self._raised = raised
        return raised

    def archive_may_run(self) -> bool:
        """Whether the archive may begin another recording now."""
        home = self._context.home
        waits = archive_waits(
            degraded=self._context.clock.monotonic_s() < self._degraded_until_s, recording=self._recording(),
            spool_free_mb=free_mb(home.spool), archive_free_mb=free_mb(home.archive),
            reserve_mb=self._context.settings.recording.reserve_mb,
        )  # fmt: skip
        if waits != self._waits:
            self._waits = waits
            log.info("archive", waits_for=waits or "nothing")
        return not waits

    def archive_stands(self, stands: bool) -> None:
        """Whether the archive found no room for a recording (which is kept as it was recorded, and tried again)."""
        if stands != self._archive_stands:
            self._archive_stands = stands
            self._tell(ARCHIVE_KEY, stands, "disk.archive", {})

    def _tell(self, key: str, raised: bool, text_id: str, figures: dict[str, Any]) -> None:
        alert = told(text_id, figures, key=key, severity=Severity.CRITICAL, raised=raised, at=self._context.clock.now())
        self._context.publish("alert", alert)
