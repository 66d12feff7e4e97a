"""What the writers of recordings know of the disk under them, and what they give up for the calls.

`watch` tells them (`StorageState`) that a mirror is degraded or the disk nearly full. A call is recorded in any state;
what is spared are the seconds of early media that are kept for the ear (evidence). The archive stands still too, in
`jobs.disk_guard`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

from appliance.events import StorageState

WORD_LIFE_S = 60.0
"""So long a word counts: a watch that died changes nothing for ever."""
_MB = 1_000_000


class Storage:
    """One in each process; `heard` may be called from the bus' thread."""

    def __init__(self, reserve_mb: int = 0, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._reserve_mb, self._monotonic = reserve_mb, monotonic
        self._trouble, self._until_s = "", float("-inf")

    def heard(self, state: StorageState) -> bool:
        """What `watch` says; whether that is news."""
        before = self._trouble
        self._trouble = "mirror_degraded" if state.degraded else "disk_low" if state.low else ""
        self._until_s = self._monotonic() + WORD_LIFE_S
        return self._trouble != before

    def spares(self, folder: Path) -> str:
        """Why nothing but calls may be written to `folder` now; empty when there is no reason."""
        if self._trouble and self._monotonic() < self._until_s:
            return self._trouble
        found = os.statvfs(folder)
        return "disk_low" if found.f_bavail * found.f_frsize < self._reserve_mb * _MB else ""
