"""The disks have room: a warning at twice the recording reserve (the reserve itself stops dialling).

Spool, database and archive may each have a file system of its own; each is looked at once.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from appliance.settings import Home, Settings
from appliance.types import Severity
from appliance.watch.conditions.base import Finding

_TENTH = 10
_MB = 2**20


def recordings_disk_low(home: Home, settings: Settings) -> bool:
    """Whether less than twice the reserve is free where calls are recorded."""
    return shutil.disk_usage(home.spool).free // _MB < settings.recording.reserve_mb * 2


class DiskSpace:
    """Looks at the file systems where recordings are written, where the archive and where the database are."""

    id = "disk-space"
    interval_s = 10.0
    keys = ("disk.low",)

    def __init__(self, home: Home, settings: Settings) -> None:
        self._spool = home.spool
        self._others = {"archive": home.archive}
        if not settings.store.url:
            self._others["database"] = home.database.parent
        self._reserve_mb = settings.recording.reserve_mb

    def check(self) -> list[Finding]:
        found = self._recordings_disk()
        seen = {self._spool.stat().st_dev}
        for place, folder in self._others.items():
            if folder.stat().st_dev not in seen:
                seen.add(folder.stat().st_dev)
                found += self._other_disk(place, folder)
        return found

    def _recordings_disk(self) -> list[Finding]:
        free_mb = shutil.disk_usage(self._spool).free // _MB
        if free_mb >= self._reserve_mb * 2:
            return []
        # nearly full is not "0 GB"
        figures = {"free_gb": round(free_mb / 1024, 1 if free_mb < 10 * 1024 else None), "reserve_mb": self._reserve_mb}
        return [Finding(key="disk.low", severity=Severity.WARNING, alert="disk.low", data=figures)]

    def _other_disk(self, place: str, folder: Path) -> list[Finding]:
        """A file system of its own is low at a fifth of it, or at twice the reserve if that is less."""
        usage = shutil.disk_usage(folder)
        free_mb, wanted_mb = usage.free // _MB, min(self._reserve_mb, usage.total // _MB // _TENTH) * 2
        if free_mb >= wanted_mb:
            return []
        figures = {"free_mb": free_mb, "wanted_mb": wanted_mb}
        return [
            Finding(key=f"disk.low.{place}", severity=Severity.WARNING, alert=f"disk.low_{place}", data=figures)
        ]  # fmt: skip
