"""The risk that one more call, when it is answered, finds no agent: agents free by then against people by then.

For a few likely answer instants the number of agents left over is a sum of independent yes-or-no terms (each busy agent
is free by then or not, each dial under way is answered by then or not); its tail is taken from mean, variance and
skewness (Edgeworth). Chances that hold for all terms alike, like a wrong answer factor, widen it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from appliance.domain.pacing_learning import GRID_S, RING_STEPS, RingTimes, Span, Vector

INSTANTS = 5
"""Answer instants looked at for a new call: evenly spread over the share of answers."""
TALK_STEP_S = 3
_TALK_ROWS = 240
_WRAP_ROWS = 240
_HORIZON_MAX_S = 60
_LEFT_MIN = 1e-12
_UPPER_Z = 8.0


@dataclass(frozen=True)
class Tables:
    """Chances by age, made anew every few seconds. Last axis: one for each of the INSTANTS."""

    back: float
    """Chance that an agent is ready after work."""
    talk_free: Vector
    """Talk age in steps of TALK_STEP_S -> chance to have ended talk and wrap-up by each instant."""
    wrap_free: Vector
    """Wrap-up age in whole seconds -> the same."""
    closing_free: Vector
    """Seconds since it was known that a talk is soon over -> the same."""
    ring_likely: Vector
    """Dial age in whole seconds -> by how much the odds of an answer have changed since the dial."""
    ring_answered: Vector
    """Dial age in whole seconds -> share of the answers to come that comes by each instant."""

    def free(self, talk_s: Vector, wrap_s: Vector, closing_s: Vector, paces: Vector | None) -> Vector:
        """Sums (powers x instants) of the chances of being ready again, for agents by the ages of what they do.

        `paces`: how much faster each of them ends than others do; None: all alike.
        """
        talks = self.talk_free[np.minimum((talk_s * (1.0 / TALK_STEP_S)).astype(np.intp), _TALK_ROWS - 1)]
        wraps = self.wrap_free[np.minimum((wrap_s + 0.5).astype(np.intp), _WRAP_ROWS - 1)]
        closings = self.closing_free[np.minimum((closing_s + 0.5).astype(np.intp), _WRAP_ROWS - 1)]
        one = np.concatenate([talks, wraps, closings])
        if paces is not None:
            one = 1.0 - (1.0 - one) ** paces[:, None]
        one = one * self.back
        return _power_sums(one)

    def ringing(self, ages_s: Vector, chances: Vector, person: float) -> Vector:
        """Sums (powers x instants) of the chances that a person answers by then, for dials of these answer chances."""
        at = np.minimum((ages_s + 0.5).astype(np.intp), RING_STEPS)
        odds = chances / (1.0 - chances) * self.ring_likely[at]
        one = (person * odds / (1.0 + odds))[:, None] * self.ring_answered[at]
        return _power_sums(one)


def _power_sums(chances: Vector) -> Vector:
    """Sums of the first three powers, from which mean, variance and third moment of a sum of yes-or-no terms come."""
    powers = np.empty((3, *chances.shape))
    powers[0] = chances
    np.multiply(chances, chances, out=powers[1])
    np.multiply(powers[1], chances, out=powers[2])
    found: Vector = np.add.reduce(powers, 1)
    return found


def make_tables(
    ring: RingTimes, talk: Span, wrap: Span, closing: Span, *, known: float, back: float, patience_s: float
) -> Tables:
    """Make the tables from what was learnt.

    `known`: share of talks that are known to be soon over; `back`: chance to be ready after work; `patience_s`: a
    person's wait.
    """
    unanswered, answered = ring.cumulated()
    levels = (np.arange(INSTANTS) + 0.5) / INSTANTS
    instants = np.interp(levels, answered, np.arange(RING_STEPS + 1.0))
    left_u, left_a = 1.0 - unanswered, 1.0 - answered
    ages = np.arange(RING_STEPS + 1.0)
    by_then = np.interp(ages[:, None] + instants, np.arange(RING_STEPS + 1.0), answered)
    to_come = (by_then - answered[:, None]) / np.maximum(left_a, 1e-9)[:, None]
    likely = np.maximum(left_a, 1e-6) / np.maximum(left_u, 1e-6)
    until = np.minimum(instants + patience_s, _HORIZON_MAX_S)
    wrap_risen, closing_risen = wrap.risen(), closing.risen()
    after_left = (1.0 - known) * np.exp(-wrap_risen) + known * np.exp(-closing_risen)
    after_risen = -np.log(np.maximum(after_left, _LEFT_MIN))
    ages = np.arange(float(_WRAP_ROWS))
    return Tables(
        back=back, talk_free=_talk_then_wrap(talk.risen(), after_risen, until),
        wrap_free=_ends_by(wrap_risen, ages, until), closing_free=_ends_by(closing_risen, ages, until),
        ring_likely=likely, ring_answered=np.clip(to_come, 0.0, 1.0),
    )  # fmt: skip


def _ends_by(risen: Vector, ages: Vector, until: Vector) -> Vector:
    """Chance (ages x instants) that work of whole-second `ages` ends within `until` seconds."""
    grid = np.arange(GRID_S + 1.0)
    found: Vector = -np.expm1(risen[ages.astype(np.intp)][:, None] - np.interp(ages[:, None] + until, grid, risen))
    return found


def _talk_then_wrap(talk_risen: Vector, after_risen: Vector, until: Vector) -> Vector:
    """Chance (talk ages x instants) that the talk and what comes after it end within `until` seconds."""
    steps = np.arange(math.ceil(until.max()) + 1)
    ages = np.arange(_TALK_ROWS) * TALK_STEP_S + TALK_STEP_S // 2
    left = np.exp(talk_risen[ages][:, None] - talk_risen[ages[:, None] + steps])  # still talking after each second
    ending = left[:, :-1] - left[:, 1:]
    rest = until[None, :] - (steps[:-1, None] + 0.5)
    wrapped = -np.expm1(-np.interp(np.maximum(rest, 0.0), np.arange(GRID_S + 1.0), after_risen))
    found: Vector = ending @ np.where(rest > 0.0, wrapped, 0.0)
    return found


class Outlook:
    """Agents left over at each instant: mean, variance and third moment, to which calls are added one by one."""

    def __init__(self, left: float, free: Vector, people: Vector, spread: float) -> None:
        """`left`: agents ready less people waiting; `free`, `people`: sums of Tables; `spread`: doubt of `people`."""
        self._left, self._spread = left, spread
        self._free, free_2, free_3 = free.tolist()
        self._people, people_2, people_3 = people.tolist()
        of_agents = list(zip(self._free, free_2, free_3, strict=True))
        of_people = list(zip(self._people, people_2, people_3, strict=True))
        self._var = [f - f2 + p - p2 for (f, f2, _), (p, p2, _) in zip(of_agents, of_people, strict=True)]
        self._third = [
            f - 3.0 * f2 + 2.0 * f3 - p + 3.0 * p2 - 2.0 * p3
            for (f, f2, f3), (p, p2, p3) in zip(of_agents, of_people, strict=True)
        ]

    def add(self, people: list[float]) -> None:
        """Add one call with these chances of a person by each instant."""
        for i, p in enumerate(people):
            self._people[i] += p
            self._var[i] += p * (1.0 - p)
            self._third[i] -= p * (1.0 - p) * (1.0 - 2.0 * p)

    def risk(self) -> float:
        """Return the chance, over the instants, that no agent is left for one who is answered then."""
        total = 0.0
        for free, people, var, third in zip(self._free, self._people, self._var, self._third, strict=True):
            doubt = self._spread * people
            total += below_one(self._left + free - people, var + doubt * doubt, third)
        return total / len(self._free)


def below_one(mean: float, variance: float, third: float) -> float:
    """Return P(N < 1) of a whole number N from its moments (Edgeworth series, corrected for steps of one)."""
    if variance < 1e-9:
        return float(mean < 0.5)
    sd = math.sqrt(variance)
    z = (0.5 - mean) / sd
    if abs(z) > _UPPER_Z:
        return float(z > 0.0)
    tail = 0.5 * math.erfc(-z * 0.7071067811865476)
    skew = third / (variance * sd)
    return min(1.0, max(0.0, tail - skew / 6.0 * (z * z - 1.0) * math.exp(-0.5 * z * z) * 0.3989422804014327))
