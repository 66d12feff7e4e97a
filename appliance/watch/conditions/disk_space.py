"""The disk has room: a warning at twice the recording reserve (the reserve itself stops dialling)."""

from __future__ import annotations

import shutil

from appliance.settings import Home, Settings
from appliance.types import Severity
from appliance.watch.conditions.base import Finding


class DiskSpace:
    """Looks at the file system of the home, where spool and archive are."""

    id = "disk-space"
    interval_s = 10.0
    keys = ("disk.low",)

    def __init__(self, home: Home, settings: Settings) -> None:
        self._root = home.root
        self._reserve_mb = settings.recording.reserve_mb

    def check(self) -> list[Finding]:
        free_mb = shutil.disk_usage(self._root).free // 2**20
        if free_mb >= self._reserve_mb * 2:
            return []
        figures = {"free_gb": free_mb // 1024, "reserve_mb": self._reserve_mb}
        return [Finding(key="disk.low", severity=Severity.WARNING, alert="disk.low", data=figures)]
