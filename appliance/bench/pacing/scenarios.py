"""The rooms of the pacing bench: seats, answer chance and talk time over the day, and how dials go.

Shares of unanswered dials: 35 % fail fast (announcement, tone), 15 % are declined, the rest ring out.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

DAY_S = 8 * 3600.0
PATIENCE_S = 2.0
WRAP_S = 22.0
RING_OUT_S = 30.0
EXPONENTIAL_DIAL_S = 18.0
"""Mean length of a dial in the exponential room, answered or not."""
CLOSING_S = 12.0
"""A disposition set during the talk comes so long before its end, on average."""
_FAST, _DECLINED = 0.35, 0.15
_CHUNK = 4096

OverDay = Callable[[float], float]


def _constant(value: float) -> OverDay:
    return lambda _at_s: value


@dataclass(frozen=True)
class Scenario:
    """`seats`: (from second, number) steps; `answer`, `talk_s`: functions of the second of the day."""

    name: str
    seats: tuple[tuple[float, int], ...] = ((0.0, 30),)
    answer: OverDay = field(default_factory=lambda: _constant(0.3))
    talk_s: OverDay = field(default_factory=lambda: _constant(120.0))
    exponential: bool = False
    pause_chance: float = 0.0
    """Chance that an agent takes an unannounced pause after a call."""
    pause_s: float = 300.0
    chance_of: Callable[[int, float], float] | None = None
    """Answer chance of each dial (its number, second of the day) where leads differ; else `answer` holds for all."""
    paces: tuple[float, ...] = ()
    """How fast each agent talks and writes up; empty: all alike."""
    early_disposition: float = 0.0
    """Share of talks of which the agent sets the disposition before they end: then there is no wrap-up."""
    says_so: bool = True
    """Is the pacer told of them."""
    greeting_s: float = 0.0
    """A greeting keeps a person so much longer than the two seconds he would wait in silence."""

    def answer_chance(self, dial: int, at_s: float) -> float:
        return self.answer(at_s) if self.chance_of is None else self.chance_of(dial, at_s)

    def pace(self, agent: str) -> float:
        """Agents are called a0, a1, ..."""
        return self.paces[int(agent[1:]) % len(self.paces)] if self.paces else 1.0


def _between(low: float, high: float, phase: float) -> float:
    return low + (high - low) * (0.5 - 0.5 * math.cos(2.0 * math.pi * phase))


def _drift_answer(at_s: float) -> float:
    """From .18 up to .55 and down before 13:00 (the day begins at 9:00), then a new list that tires."""
    hour = at_s / 3600.0
    return _between(0.18, 0.55, hour / 4.0) if hour < 4.0 else 0.5 - 0.3 * (hour - 4.0) / 4.0


def _drift_talk_s(at_s: float) -> float:
    return _between(60.0, 180.0, at_s / 3600.0 / 5.5)


def _list_change(at_s: float) -> float:
    hour = at_s / 3600.0
    return 0.3 if hour < 2.5 else 0.55 if hour < 5.0 else 0.2


_HOUR = 3600.0
_LUNCH = ((0.0, 30), (3.0 * _HOUR, 16), (3.5 * _HOUR, 30), (3.75 * _HOUR, 16), (4.25 * _HOUR, 30))
_DRIFT_SEATS = (
    (0.0, 24), (0.5 * _HOUR, 28), (1.0 * _HOUR, 30), (3.0 * _HOUR, 22), (4.0 * _HOUR, 20), (4.5 * _HOUR, 26),
    (5.0 * _HOUR, 30), (7.0 * _HOUR, 25),
)  # fmt: skip

SCENARIOS: dict[str, Scenario] = {
    s.name: s
    for s in (
        Scenario("base"),
        Scenario("base_exponential", exponential=True),
        Scenario("drift", seats=_DRIFT_SEATS, answer=_drift_answer, talk_s=_drift_talk_s),
        Scenario("talk_60", talk_s=_constant(60.0)),
        Scenario("talk_180", talk_s=_constant(180.0)),
        Scenario("seats_5", seats=((0.0, 5),)),
        Scenario("seats_60", seats=((0.0, 60),)),
        Scenario("breaks", seats=_LUNCH, pause_chance=0.05),
        Scenario("list_change", answer=_list_change),
    )
}


class Dials:
    """What dial number i would bring, the same for every policy: drawn in blocks from the seed."""

    def __init__(self, scenario: Scenario, seed: int) -> None:
        self._exponential = scenario.exponential
        self._rng, self._habits_rng = np.random.default_rng(seed), np.random.default_rng([seed, 9])
        self.luck: list[float] = []
        """Answered when below the answer chance of the hour."""
        self.answer_after_s: list[float] = []
        self.end_after_s: list[float] = []
        """Seconds to the end of a dial that is not answered."""
        self.talk: list[float] = []
        """Talk time over the mean of the hour."""
        self.wrap_s: list[float] = []
        self.pause: list[float] = []
        self.early: list[float] = []
        """Sets the disposition in the talk when below the share of those."""
        self.closing_s: list[float] = []
        """Seconds before the end of the talk that he does so."""

    def reach(self, index: int) -> None:
        """Make sure that dial `index` is drawn."""
        while len(self.luck) <= index:
            self._draw()

    def _draw(self) -> None:
        rng, n = self._rng, _CHUNK
        self.luck += rng.random(n).tolist()
        if self._exponential:
            dial_s = rng.exponential(EXPONENTIAL_DIAL_S, n)
            answer_s = end_s = dial_s
            talk, wrap_s = rng.exponential(1.0, n), rng.exponential(WRAP_S, n)
        else:
            begun_s = rng.uniform(1.5, 4.0, n)  # post-dial delay
            answer_s = begun_s + np.minimum(rng.gamma(3.0, 3.0, n), RING_OUT_S)
            kind = rng.random(n)
            fast_s = begun_s + rng.uniform(1.0, 7.0, n)
            declined_s = begun_s + np.minimum(rng.gamma(3.0, 3.0, n), RING_OUT_S)
            end_s = np.where(kind < _FAST, fast_s, np.where(kind < _FAST + _DECLINED, declined_s, begun_s + RING_OUT_S))
            sigma = math.sqrt(math.log(2.0))  # a coefficient of variation of 1
            talk, wrap_s = rng.lognormal(-0.5 * sigma**2, sigma, n), rng.gamma(4.0, WRAP_S / 4.0, n)
        self.answer_after_s += answer_s.tolist()
        self.end_after_s += end_s.tolist()
        self.talk += talk.tolist()
        self.wrap_s += wrap_s.tolist()
        self.pause += rng.random(n).tolist()
        self.early += self._habits_rng.random(n).tolist()
        self.closing_s += self._habits_rng.gamma(2.0, CLOSING_S / 2.0, n).tolist()
