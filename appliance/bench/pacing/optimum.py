"""The exact optimum of the all-exponential room: a constrained Markov decision problem.

State: agents talking, agents in wrap-up, people waiting (only while every agent is busy), dials under way. Dialling is
instant and free, so the best number of dials from a state is a maximum over all larger numbers. The limit on abandoned
calls enters by a Lagrange multiplier (price); by strong duality the least gain over all prices is the best utilisation
that any policy, randomised ones too, can reach within the limit. Relative value iteration on the uniformised chain.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from appliance.bench.pacing.room import Counts
from appliance.bench.pacing.scenarios import EXPONENTIAL_DIAL_S, PATIENCE_S, WRAP_S
from appliance.domain.pacing import PacerEvent

Array = NDArray[np.float64]
Places = NDArray[np.intp]
_WAITING_MAX = 8
_SPAN_END = 1e-5
_SWEEPS_MAX = 60_000
_CHECK_EVERY = 100
_GOLDEN = 0.3819660113
_PRICE_MAX = 60.0
_PRICE_STEPS = 16


class Chain:
    """One room. Rows: (talking, wrap-up + waiting); columns: dials. Together the second index is s = wrap-up + waiting.

    People wait only while talking + wrap-up = seats, so that t and s tell both numbers.
    """

    def __init__(self, seats: int, answer: float, talk_s: float) -> None:
        self.seats, self.dials_max = seats, round(seats * min(4.0, 1.0 + 0.6 / answer))
        t, s = (x.ravel() for x in np.indices((seats + 1, seats + _WAITING_MAX + 1)))
        inside = t + s <= seats + _WAITING_MAX
        t, s = t[inside], s[inside]
        self.row = np.full((seats + 1, seats + _WAITING_MAX + 1), -1)
        self.row[t, s] = np.arange(len(t))
        waiting = np.maximum(0, t + s - seats)
        wrapping = s - waiting
        full = waiting >= _WAITING_MAX
        dials = np.arange(self.dials_max + 1)
        self.total = seats / min(talk_s, WRAP_S) + _WAITING_MAX / PATIENCE_S + self.dials_max / EXPONENTIAL_DIAL_S
        self._talked = t / talk_s / self.total
        self._wrapped = wrapping / WRAP_S / self.total
        self._left = waiting / PATIENCE_S / self.total
        self._hit = dials * answer / EXPONENTIAL_DIAL_S / self.total
        self._miss = dials * (1.0 - answer) / EXPONENTIAL_DIAL_S / self.total
        self._stay = 1.0 - (self._talked + self._wrapped + self._left)[:, None] - self._hit - self._miss
        here = np.arange(len(t))
        self._after_talk = np.where(t > 0, self._at(t - 1, s + 1), here)
        taken = np.where(waiting > 0, self._at(t + 1, s - 2), self._at(t, s - 1))
        self._after_wrap = np.where(wrapping > 0, taken, here)
        self._after_leave = np.where(waiting > 0, self._at(t, s - 1), here)
        served = np.where(t + s < seats, self._at(t + 1, s), self._at(t, s + 1))
        self._after_hit = np.where(full, here, served)
        self._busy = (t + wrapping) / seats / self.total
        self._lost = self._left[:, None] + full[:, None] * self._hit

    def _at(self, t: Places, s: Places) -> Places:
        """Rows of states; nonsense for states outside, which the caller masks."""
        return self.row[np.clip(t, 0, self.row.shape[0] - 1), np.clip(s, 0, self.row.shape[1] - 1)]

    def solve(self, limit: float, price: float, value: Array | None = None) -> tuple[float, Array]:
        """Return the best of utilisation - price x (abandoned - limit x answered per second), and relative values."""
        reward = self._busy[:, None] - price * (self._lost - limit * self._hit)
        talked, wrapped, left = self._talked[:, None], self._wrapped[:, None], self._left[:, None]
        hit, miss = self._hit[1:], self._miss[1:]
        v = np.zeros_like(reward) if value is None else value
        gain = 0.0
        for sweep in range(_SWEEPS_MAX):
            best = _best(v)
            new = reward + self._stay * best
            new += talked * best[self._after_talk]
            new += wrapped * best[self._after_wrap]
            new += left * best[self._after_leave]
            new[:, 1:] += hit * best[self._after_hit, :-1]
            new[:, 1:] += miss * best[:, :-1]
            if sweep % _CHECK_EVERY == 0:
                change = (new - v) * self.total
                gain = 0.5 * float(change.min() + change.max())
                if np.ptp(change) < _SPAN_END:
                    break
            v = new - new[0, 0]
        return gain, v

    def targets(self, value: Array) -> Places:
        """Dials to keep going [talking, wrap-up + waiting]; -1 where no such state is."""
        wanted = np.append(np.argmax(value, axis=1), -1)  # row -1: no such state
        found: Places = wanted[self.row]
        return found


def _best(value: Array) -> Array:
    """Best value when any number of dials may be added at once."""
    best: Array = np.maximum.accumulate(value[:, ::-1], axis=1)[:, ::-1]
    return best


@dataclass(frozen=True)
class Optimum:
    """`utilisation`: the exact best; `target[talking, wrap-up + waiting]`: dials that a best policy keeps going."""

    utilisation: float
    target: Places


def solve(seats: int, answer: float, talk_s: float, limit: float) -> Optimum:
    """Solve one room exactly. `answer`: chance of an answer; `limit`: abandoned share of the answered."""
    chain = Chain(seats, answer, talk_s)
    value: Array | None = None

    def gain(price: float) -> float:
        nonlocal value
        found, value = chain.solve(limit, price, value)
        return found

    low, high = 0.0, _PRICE_MAX
    a, b = low + _GOLDEN * (high - low), high - _GOLDEN * (high - low)
    at_a, at_b = gain(a), gain(b)
    for _ in range(_PRICE_STEPS):  # the gain is convex in the price
        if at_a < at_b:
            high, b, at_b = b, a, at_a
            a = low + _GOLDEN * (high - low)
            at_a = gain(a)
        else:
            low, a, at_a = a, b, at_b
            b = high - _GOLDEN * (high - low)
            at_b = gain(b)
    best, value = chain.solve(limit, high, value)  # the dearer side keeps the limit
    return Optimum(min(best, at_a, at_b), chain.targets(value))


class OptimumPolicy:
    """Keeps the dials of the best table going."""

    tick_s = 1.0
    eager = True

    def __init__(self, optimum: Optimum) -> None:
        self._target = optimum.target.tolist()

    def observe(self, event: PacerEvent) -> None:
        """Nothing to learn."""

    def decide(self, counts: Counts, _now_s: float) -> int:
        together = min(counts.wrapping + counts.waiting, len(self._target[0]) - 1)
        wanted: int = self._target[counts.talking][together]
        return max(0, wanted - counts.dialling)
