"""Time as an argument: services take a `Clock`, tests give one that they move by hand."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
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
