"""Counters that only grow -> what happened in the current 15 minutes, also when they wrap or start again.

RFC 4805 intervals begin at the full quarter of an hour; a counter that is smaller than before has either wrapped (it
was near its end) or begun again (the card restarted: what it shows now is all new).
"""

from __future__ import annotations

INTERVAL_S = 900.0
_NEAR_END = 0.9


def grown(before: int, now: int, *, bits: int = 32) -> int:
    """How much a counter of `bits` bits grew from `before` to `now`."""
    if now >= before:
        return now - before
    size = 1 << bits
    return now + size - before if before > size * _NEAR_END and now < size * (1 - _NEAR_END) else now


class Window:
    """Figures of the current quarter of an hour from counters that only grow."""

    def __init__(self) -> None:
        self._began_unix_s = 0.0
        self._last: dict[str, int] = {}
        self._sum: dict[str, int] = {}

    def add(self, counters: dict[str, int], now_unix_s: float) -> tuple[dict[str, int], float]:
        """Take a reading; returns the sums of this interval and its age in seconds."""
        began = now_unix_s - now_unix_s % INTERVAL_S
        if began != self._began_unix_s:
            self._began_unix_s, self._sum = began, {}
        for name, value in counters.items():
            self._sum[name] = self._sum.get(name, 0) + grown(self._last.get(name, value), value)
        self._last = dict(counters)
        return dict(self._sum), now_unix_s - began
