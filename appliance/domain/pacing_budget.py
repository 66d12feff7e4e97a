"""The abandoned budget: what the limit still allows in its window, and the risk one more call may take (theta)."""

from __future__ import annotations

import math
from collections import deque
from typing import Any

_BUCKET_S = 60.0
_AIM = 0.9
"""Share of the limit that is aimed at: the rest is what a day's chance may add."""
_GAIN = 0.1
"""Relative change of theta for one abandoned call more or less than the aim."""
_DRIFT = 0.25 * _GAIN**2
_SURPLUS_MIN, _SURPLUS_MAX = -40.0, 12.0
_BASE_MIN, _BASE_MAX = -1.5, 2.5
_THETA_MAX = 0.5


class Budget:
    """People answered and abandoned in the last `window_s` seconds, against a limit (a share of the answered)."""

    def __init__(self, limit: float, window_s: float) -> None:
        self.limit, self.window_s = limit, window_s
        self._buckets: deque[list[float]] = deque()  # [start_s, people, abandoned]
        self.people = 0.0
        self.abandoned = 0.0
        self._base = 0.5  # log of theta over the aim at an even budget; learnt

    def add(self, at_s: float, people: int = 0, abandoned: int = 0) -> None:
        """Count people answered and abandoned at `at_s`; a negative number takes back (it was a machine)."""
        start_s = math.floor(at_s / _BUCKET_S) * _BUCKET_S
        if not self._buckets or self._buckets[-1][0] < start_s:
            self._buckets.append([start_s, 0.0, 0.0])
        self._buckets[-1][1] += people
        self._buckets[-1][2] += abandoned
        self.people += people
        self.abandoned += abandoned
        if people > 0 and self.limit > 0.0:
            step = _DRIFT * _AIM * self.limit * people * self.surplus
            self._base = min(_BASE_MAX, max(_BASE_MIN, self._base + step))

    def expire(self, now_s: float) -> None:
        """Forget what lies before the window."""
        while self._buckets and self._buckets[0][0] + _BUCKET_S <= now_s - self.window_s:
            _, people, abandoned = self._buckets.popleft()
            self.people -= people
            self.abandoned -= abandoned

    @property
    def surplus(self) -> float:
        """Abandoned calls that the aim still allows, bounded: a good morning is no leave for a bad noon."""
        left = _AIM * self.limit * self.people - self.abandoned
        return min(_SURPLUS_MAX, max(_SURPLUS_MIN, left))

    @property
    def theta(self) -> float:
        """Return the risk of finding no agent that a new call may run, given that it is answered."""
        if self.limit <= 0.0:
            return 0.0
        return min(_THETA_MAX, _AIM * self.limit * math.exp(self._base + _GAIN * self.surplus))

    def to_plain(self) -> dict[str, Any]:
        return {"buckets": [list(b) for b in self._buckets], "base": self._base}

    def take(self, plain: dict[str, Any]) -> None:
        """Take back what `to_plain` gave."""
        self._buckets = deque([float(x) for x in bucket] for bucket in plain["buckets"])
        self.people = sum(b[1] for b in self._buckets)
        self.abandoned = sum(b[2] for b in self._buckets)
        self._base = float(plain["base"])
