"""What a pacer learns as it goes, from weak priors and forgetting: chances, times until an answer, spans of work.

All classes are plain numbers; `to_plain` gives them as JSON data and `from_plain` takes them back.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]
Plain = Mapping[str, Any]

REFERENCE_CHANCE = 0.35
"""Answer chance of a number nobody knows anything about; the learnt factor stands against it."""
_CHANCE_MAX = 0.98
_MEMORIES = np.array([100.0, 400.0, 1600.0, 6400.0])  # attempts
_FAVOUR = np.array([0.0, 0.5, 1.0, 1.5])  # the long memory is believed first
_PRIOR_ANSWERS, _PRIOR_EXPECTED = 5.0, 4.0
"""At first rather more answers than foretold: a cold start shall not dial too much."""
_TRUST_DECAY = 0.993


class AnswerFactor:
    """Answers found over answers expected, by four memories of which the one that foresees best counts most.

    A long memory is exact while nothing changes; a short one follows a new list or hour within minutes.
    """

    def __init__(self) -> None:
        self._answers = np.zeros(len(_MEMORIES))
        self._expected = np.zeros(len(_MEMORIES))
        self._trust = np.zeros(len(_MEMORIES))  # discounted log likelihood
        self.value = _PRIOR_ANSWERS / _PRIOR_EXPECTED
        self.spread = _PRIOR_ANSWERS**-0.5
        """Relative standard error of `value`."""
        self._set()

    def _factors(self) -> Vector:
        found: Vector = (self._answers + _PRIOR_ANSWERS) / (self._expected + _PRIOR_EXPECTED)
        return found

    def learn(self, expected: float, answered: bool) -> None:
        """One attempt of which `expected` answers were foretold came to its end."""
        chances = np.minimum(_CHANCE_MAX, self._factors() * expected)
        self._trust = _TRUST_DECAY * self._trust + np.log(chances if answered else 1.0 - chances)
        keep = 1.0 - 1.0 / _MEMORIES
        self._answers = self._answers * keep + answered
        self._expected = self._expected * keep + expected
        self._set()

    def _set(self) -> None:
        trust = self._trust + _FAVOUR
        weights = np.exp(trust - trust.max())
        weights /= weights.sum()
        factors = self._factors()
        self.value = float(weights @ factors)
        own = float(weights @ (factors**2 / (self._answers + _PRIOR_ANSWERS)))
        between = float(weights @ (factors - self.value) ** 2)
        self.spread = math.sqrt(own + between) / self.value

    def to_plain(self) -> dict[str, Any]:
        return {"answers": self._answers.tolist(), "expected": self._expected.tolist(), "trust": self._trust.tolist()}

    @classmethod
    def from_plain(cls, plain: Plain) -> AnswerFactor:
        made = cls()
        made._answers = np.array(plain["answers"], dtype=float)
        made._expected = np.array(plain["expected"], dtype=float)
        made._trust = np.array(plain["trust"], dtype=float)
        made._set()
        return made


class Share:
    """A forgetting share of yes among yes and no (a person among answers; back to ready after work)."""

    def __init__(self, prior: float, weight: float, memory: float) -> None:
        self._prior, self._weight, self._keep = prior, weight, 1.0 - 1.0 / memory
        self._yes = self._all = 0.0

    @property
    def value(self) -> float:
        return (self._yes + self._prior * self._weight) / (self._all + self._weight)

    def learn(self, yes: bool) -> None:
        self._yes = self._yes * self._keep + yes
        self._all = self._all * self._keep + 1.0

    def to_plain(self) -> list[float]:
        return [self._yes, self._all]

    def take(self, plain: list[float]) -> None:
        """Take back what `to_plain` gave."""
        self._yes, self._all = (float(x) for x in plain)


RING_STEPS = 90
"""Seconds after the dial that are told apart."""
_RING_MEMORY = 1000.0
_RING_PRIOR_WEIGHT = 12.0


def _ring_prior(share_early: float, peak_s: float, late_s: float) -> Vector:
    """A weak guess of when a dial is answered (or ends unanswered): an early hump and a late one."""
    at = np.arange(RING_STEPS) + 0.5
    early = np.exp(-(((at - peak_s) / (0.6 * peak_s)) ** 2) / 2.0)
    late = np.exp(-(((at - late_s) / 12.0) ** 2) / 2.0)
    prior: Vector = _RING_PRIOR_WEIGHT * (share_early * early / early.sum() + (1.0 - share_early) * late / late.sum())
    return prior


class RingTimes:
    """Seconds from the dial to the answer, and to the end of a dial nobody answered (whole seconds)."""

    def __init__(self) -> None:
        self._counts = np.zeros((2, RING_STEPS))
        self._prior = np.stack([_ring_prior(0.5, 4.0, 30.0), _ring_prior(0.8, 10.0, 20.0)])

    def learn(self, age_s: float, answered: bool) -> None:
        row = self._counts[int(answered)]
        row *= 1.0 - 1.0 / _RING_MEMORY
        row[min(RING_STEPS - 1, max(0, int(age_s)))] += 1.0

    @property
    def seen(self) -> float:
        """Dials learnt from, the old ones forgotten."""
        return float(self._counts.sum())

    def cumulated(self) -> tuple[Vector, Vector]:
        """Return the shares (unanswered ended, answered) within 0, 1, ... RING_STEPS seconds; each ends with 1."""
        shares = self._counts + self._prior
        shares = np.cumsum(shares / shares.sum(axis=1, keepdims=True), axis=1)
        whole = np.concatenate([np.zeros((2, 1)), shares], axis=1)
        return whole[0], whole[1]

    def to_plain(self) -> list[list[float]]:
        counts: list[list[float]] = self._counts.tolist()
        return counts

    def take(self, plain: list[list[float]]) -> None:
        """Take back what `to_plain` gave."""
        self._counts = np.array(plain, dtype=float).reshape(2, RING_STEPS)


_EDGES = np.unique(np.round(np.concatenate([np.arange(6), 6.0 * 1.17 ** np.arange(37)])))
_LOW = _EDGES
_HIGH = np.append(_EDGES[1:], np.inf)
GRID_S = 900
"""Ages up to here (s) are told apart; beyond, the chance to end stays the same."""
_GRID = np.arange(GRID_S + 1, dtype=float)
_GRID_AT = np.searchsorted(_LOW, _GRID, side="right") - 1
_PACE_MEMORY = 250.0
_PACE_PRIOR = 50.0


class Span:
    """How long a kind of work lasts: the rate of ending at each age, with a faster factor on the whole.

    Time under way counts as it passes, so that a turn to longer talks is seen before the first of them ends.
    """

    def __init__(self, prior_mean_s: float, memory: float = 1000.0, prior_weight: float = 10.0) -> None:
        self._keep = 1.0 - 1.0 / memory
        survived = np.exp(-_LOW / prior_mean_s)
        ended = np.append(survived[1:], 0.0)
        self._prior_ends = prior_weight * (survived - ended)
        self._prior_time = self._prior_ends * prior_mean_s
        self._ends = np.zeros(len(_LOW))
        self._time = np.zeros(len(_LOW))
        self._pace_ends = self._pace_expected = 0.0
        self._rates = np.full(len(_LOW), 1.0 / prior_mean_s)

    def passed(self, from_s: Vector, to_s: Vector) -> Vector:
        """Count time under way (arrays of ages, s); return the ends expected in each."""
        before = np.clip(from_s[:, None] - _LOW, 0.0, _HIGH - _LOW)
        after = np.clip(to_s[:, None] - _LOW, 0.0, _HIGH - _LOW)
        spent = after - before
        self._time += spent.sum(axis=0)
        expected: Vector = spent @ self._rates
        self._pace_expected += float(expected.sum())
        return expected

    def ended(self, age_s: float) -> None:
        """Count one end at `age_s`; its time must have been counted by `passed`."""
        self._ends *= self._keep
        self._time *= self._keep
        self._ends[int(np.searchsorted(_LOW, max(0.0, age_s), side="right")) - 1] += 1.0
        keep = 1.0 - 1.0 / _PACE_MEMORY
        self._pace_ends = self._pace_ends * keep + 1.0
        self._pace_expected *= keep

    @property
    def seen(self) -> float:
        """Ends learnt from, the old ones forgotten."""
        return float(self._ends.sum())

    @property
    def pace(self) -> float:
        """How much faster than its habit this work ends lately (1 = as ever)."""
        return (self._pace_ends + _PACE_PRIOR) / (self._pace_expected + _PACE_PRIOR)

    def risen(self) -> Vector:
        """Return the ends expected up to each whole second of age, 0..GRID_S (cumulative hazard)."""
        self._rates = (self._ends + self._prior_ends) / (self._time + self._prior_time)
        passed = np.concatenate([[0.0], np.cumsum(self._rates[:-1] * (_HIGH[:-1] - _LOW[:-1]))])
        risen: Vector = passed[_GRID_AT] + self._rates[_GRID_AT] * (_GRID - _LOW[_GRID_AT])
        risen *= self.pace
        return risen

    def to_plain(self) -> dict[str, Any]:
        return {
            "ends": self._ends.tolist(), "time": self._time.tolist(), "rates": self._rates.tolist(),
            "pace": [self._pace_ends, self._pace_expected],
        }  # fmt: skip

    def take(self, plain: Plain) -> None:
        """Take back what `to_plain` gave."""
        self._ends, self._time = np.array(plain["ends"], dtype=float), np.array(plain["time"], dtype=float)
        self._rates = np.array(plain["rates"], dtype=float)
        self._pace_ends, self._pace_expected = (float(x) for x in plain["pace"])
