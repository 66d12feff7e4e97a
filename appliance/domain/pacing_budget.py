"""The abandoned budget: what the limit still allows in its window, and the risk one more call may take (theta)."""

from __future__ import annotations

import math
from collections import deque
from typing import Any

_BUCKET_S = 60.0
_MARGIN = 0.6
"""Calls kept back from the limit, for each root of the calls it allows: what chance may add (2.86 % of 3 % a day)."""
_GAIN_AT_ONE = 0.011
"""Gain for a limit of 1, falling with its root: relative change of theta for one abandoned call more or less."""
_BASE_FIRST = -0.3
_SMALL, _SMALL_AGAINST, _SMALL_MAX = 3.9, 30, 0.8
"""How much higher theta is (log) for one agent, against a room of so many; at most."""
_SHORT = -3.0
"""Calls short of the aim below which the gain is three times as high."""
_SURPLUS_MIN, _SURPLUS_MAX = -40.0, 12.0
_BASE_MIN, _BASE_MAX = -1.5, 2.5
_THETA_MAX = 0.5


def small_room(agents: int) -> float:
    """Return by how much the log of theta is higher in a small room.

    One call more is a coarse step there: most calls run far less risk than the last one may.
    """
    return min(_SMALL_MAX, _SMALL / max(1, agents) - _SMALL / _SMALL_AGAINST)


class Budget:
    """People answered and abandoned in the last `window_s` seconds, against a limit (a share of the answered)."""

    def __init__(self, limit: float, window_s: float) -> None:
        self.limit, self.window_s = limit, window_s
        self.agents = _SMALL_AGAINST
        """At work now."""
        self._buckets: deque[list[float]] = deque()  # [start_s, people, abandoned]
        self.people = 0.0
        self.abandoned = 0.0
        self._base = _BASE_FIRST  # log of theta over the aim at an even budget; learnt

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
            step = 0.25 * _GAIN_AT_ONE**2 * people * self.surplus  # critically damped
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
        allowed = self.limit * max(0.0, self.people)
        return min(_SURPLUS_MAX, max(_SURPLUS_MIN, allowed - _MARGIN * math.sqrt(allowed) - self.abandoned))

    @property
    def base(self) -> float:
        """Log of theta over the limit at an even budget, as learnt, but for the size of the room."""
        return self._base

    @property
    def theta(self) -> float:
        """Return the risk of finding no agent that a new call may run, given that it is answered."""
        if self.limit <= 0.0:
            return 0.0
        surplus = self.surplus
        push = _GAIN_AT_ONE / math.sqrt(self.limit) * (surplus + 2.0 * min(0.0, surplus - _SHORT))
        return min(_THETA_MAX, self.limit * math.exp(self._base + small_room(self.agents) + push))

    def to_plain(self) -> dict[str, Any]:
        return {"buckets": [list(b) for b in self._buckets], "base": self._base}

    def take(self, plain: dict[str, Any]) -> None:
        """Take back what `to_plain` gave."""
        self._buckets = deque([float(x) for x in bucket] for bucket in plain["buckets"])
        self.people = sum(b[1] for b in self._buckets)
        self.abandoned = sum(b[2] for b in self._buckets)
        self._base = float(plain["base"])
