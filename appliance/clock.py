"""Time as an argument: services take a `Clock`, tests give one that they move by hand."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol


class Clock(Protocol):
    """Monotonic seconds for durations, an aware UTC instant for wall time."""

    def monotonic_s(self) -> float: ...

    def now(self) -> datetime: ...


class SystemClock:
    """The box's own clock."""

    def monotonic_s(self) -> float:
        return time.monotonic()

    def now(self) -> datetime:
        return datetime.now(UTC)


class ManualClock:
    """A clock for tests; both times move together by `advance`."""

    def __init__(self, start: datetime) -> None:
        self._start = start
        self._elapsed_s = 0.0

    def monotonic_s(self) -> float:
        return self._elapsed_s

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self._elapsed_s)

    def advance(self, seconds: float) -> None:
        self._elapsed_s += seconds


def process_age_s() -> float:
    """Return how long this process has lived (proc(5): field 22 of stat)."""
    after_name = Path("/proc/self/stat").read_text("utf-8", errors="replace").rpartition(")")[2].split()
    uptime_s = float(Path("/proc/uptime").read_text("ascii").split()[0])
    return uptime_s - int(after_name[19]) / os.sysconf("SC_CLK_TCK")
