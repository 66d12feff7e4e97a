"""The disk guard: below the reserve it raises `disk.reserve`, on which the engine stops dialling.

The reserve is for the calls in progress, so the alert comes while there is still room for them. It is said again
every few seconds, so that a service which starts later hears it too.
"""

from __future__ import annotations

import os
from typing import Any

from appliance.alerting import told
from appliance.jobs.context import Context
from appliance.types import Severity

RESERVE_KEY = "disk.reserve"
ARCHIVE_KEY = "archive.disk_full"
_CLEAR_FACTOR = 1.05  # no flutter at the edge
_SAY_AGAIN_S = 10.0
_MB = 1_000_000


def free_mb(context: Context) -> int:
    """Megabytes an ordinary service may still write where recordings are spooled."""
    found = os.statvfs(context.home.spool)
    return found.f_bavail * found.f_frsize // _MB


class DiskGuard:
    """`check()` every few seconds."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._raised: bool | None = None
        self._said_s = float("-inf")
        self._archive_stands: bool | None = None

    def check(self) -> bool:
        """Measure, tell when the state changed or is worth repeating; True while the reserve is touched."""
        free, reserve = free_mb(self._context), self._context.settings.recording.reserve_mb
        raised = free < reserve * (_CLEAR_FACTOR if self._raised else 1.0)
        now_s = self._context.clock.monotonic_s()
        if raised != self._raised or (raised and now_s - self._said_s >= _SAY_AGAIN_S):
            self._said_s = now_s
            self._tell(
                RESERVE_KEY, raised, "disk.reserve", {"free_mb": free, "reserve_mb": reserve},
            )  # fmt: skip
        self._raised = raised
        return raised

    def archive_stands(self, stands: bool) -> None:
        """Whether the archive found no room for a recording (which is kept as it was recorded, and tried again)."""
        if stands != self._archive_stands:
            self._archive_stands = stands
            self._tell(ARCHIVE_KEY, stands, "disk.archive", {})

    def _tell(self, key: str, raised: bool, text_id: str, figures: dict[str, Any]) -> None:
        alert = told(text_id, figures, key=key, severity=Severity.CRITICAL, raised=raised, at=self._context.clock.now())
        self._context.publish("alert", alert)
