"""What knowing more is worth: leads that differ in how often they answer, agents that differ in how fast they work.

The same rule runs over the same days with the same random numbers: blind to both, with the agents' habits, with the
answer model's chances (learnt as it goes), with the true chances of the leads, and told of talks whose disposition
stands before they are over. `Leads` is a made-up list, and how many agents set dispositions early is made up too; how
much is gained in a real room depends on how much its numbers differ, and on its agents.
"""

from __future__ import annotations

import math
import statistics
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from multiprocessing import get_context
from typing import Any, Protocol

import numpy as np

from appliance.bench.pacing.policies import Callbox
from appliance.bench.pacing.room import Counts, simulate
from appliance.bench.pacing.scenarios import DAY_S, SCENARIOS
from appliance.domain.answer_model import AnswerModel, NumberHistory
from appliance.domain.pacing import AttemptEnded, AttemptStarted, Pacer, PacerEvent

_LEADS = 60_000
_MEAN_ANSWER, _LEAD_SPREAD = 0.3, 1.3
"""Answer chance of the middle lead, and the standard deviation of its logit from lead to lead."""
_HOUR_SWING = 0.6
"""Up and down of the logit over the day, the other way round for landlines."""
_AGENT_SPREAD = 0.35
"""Standard deviation of the log of an agent's pace."""
_TRIES_MAX = 8
_NEXT_KNOWN = 6
_EARLY = 0.3
"""Share of talks in which the agent sets the disposition before the end."""
_VARIANTS = {
    "blind": (False, "", False), "habits": (True, "", False), "dispositions": (False, "", True),
    "model": (False, "model", False), "habits_and_model": (True, "model", False), "all": (True, "model", True),
    "habits_and_truth": (True, "truth", False),
}  # fmt: skip
"""Are agents' habits learnt; where the leads' chances come from; is the pacer told of early dispositions."""


class Leads:
    """A list whose numbers have been dialled before."""

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng([seed, 7])
        middle = math.log(_MEAN_ANSWER / (1.0 - _MEAN_ANSWER))
        self._logit = (middle + rng.normal(0.0, _LEAD_SPREAD, _LEADS)).tolist()
        mobile = rng.random(_LEADS) < 0.6
        tries = rng.integers(0, _TRIES_MAX + 1, _LEADS)
        answers = rng.binomial(tries, 1.0 / (1.0 + np.exp(-np.array(self._logit))))
        self._mobile: list[bool] = mobile.tolist()
        self._tries: list[int] = tries.tolist()
        self._answers: list[int] = answers.tolist()

    def chance(self, index: int, at_s: float) -> float:
        """The truth."""
        swing = _HOUR_SWING * math.sin(2.0 * math.pi * at_s / DAY_S)
        mobile = self._mobile[index % _LEADS]
        return 1.0 / (1.0 + math.exp(-self._logit[index % _LEADS] - (swing if mobile else -swing)))

    def history(self, index: int, at_s: float) -> NumberHistory:
        """What the box would know."""
        k = index % _LEADS
        line = "mobile" if self._mobile[k] else "fixed"
        return NumberHistory(self._tries[k], self._answers[k], "", 9 + int(at_s / 3600.0), line)


class ListKnown(Protocol):
    """What is known of dial number `index`."""

    def chance(self, index: int, at_s: float) -> float: ...

    def history(self, index: int, at_s: float) -> NumberHistory: ...


class Knowing(Callbox):
    """Our pacer with the answer chances of leads: the model's, learnt as it goes, or the true ones."""

    def __init__(
        self, limit: float, leads: ListKnown, *, truth: bool, habits: bool, before: Pacer | None = None
    ) -> None:
        super().__init__(limit, habits, before=before)
        self._leads, self._truth = leads, truth
        self.model = AnswerModel()
        self._dialled: dict[str, NumberHistory] = {}
        self._next: deque[float] = deque()
        self._next_index = 0
        self.observe = self._observe  # type: ignore[method-assign]
        self.foretold: list[tuple[float, bool]] = []

    def _chance(self, index: int, at_s: float) -> float:
        if self._truth:
            return self._leads.chance(index, at_s)
        return self.model.chance(self._leads.history(index, at_s))

    def _observe(self, event: PacerEvent) -> None:
        if isinstance(event, AttemptStarted):
            chance = self._next.popleft() if self._next else self._chance(self._next_index, event.at_s)
            self._next_index += 1
            self._dialled[event.attempt_id] = self._leads.history(int(event.attempt_id), event.at_s)
            self.foretold.append((chance, False))
            event = replace(event, answer_chance=chance)
        elif isinstance(event, AttemptEnded):
            answered = event.outcome == "human"
            if not self._truth:
                self.model.learn(self._dialled.pop(event.attempt_id), answered)
            if answered:
                index = int(event.attempt_id)
                self.foretold[index] = (self.foretold[index][0], True)
        self.pacer.observe(event)

    def decide(self, _counts: Counts, now_s: float) -> int:
        while len(self._next) < _NEXT_KNOWN:
            self._next.append(self._chance(self._next_index + len(self._next), now_s))
        return self.pacer.decide(now_s, self._next)


@dataclass(frozen=True)
class _Found:
    variant: str
    seed: int
    utilisation: float
    abandoned: float
    calibration_error: float


def gain(limit: float, seed: int, days: int) -> dict[str, Any]:
    """Return utilisation and abandoned share by what is known, gains over the blind rule, and the model's calibration.

    `standard_error` of a gain: over the days, each compared with itself.
    """
    tasks = [(variant, limit, one) for one in range(seed, seed + days) for variant in _VARIANTS]
    with get_context("spawn").Pool(2) as pool:
        found = pool.map(_day, tasks, chunksize=1)
    blind = {one.seed: one.utilisation for one in found if one.variant == "blind"}
    shown: dict[str, Any] = {"limit": limit, "seed": seed, "days": days}
    for variant in _VARIANTS:
        own = [one for one in found if one.variant == variant]
        gains = [one.utilisation - blind[one.seed] for one in own]
        shown[variant] = {
            "utilisation": round(statistics.fmean(one.utilisation for one in own), 5),
            "abandoned": round(statistics.fmean(one.abandoned for one in own), 5),
            "gain": round(statistics.fmean(gains), 5),
            "standard_error": round(statistics.stdev(gains) / math.sqrt(days), 5) if days > 1 else None,
        }
    errors = [one.calibration_error for one in found if one.variant == "model"]
    shown["model_calibration_error"] = round(statistics.fmean(errors), 5)
    return shown


def _day(task: tuple[str, float, int]) -> _Found:
    variant, limit, seed = task
    habits, source, dispositions = _VARIANTS[variant]
    leads = Leads(seed)
    paces = np.exp(np.random.default_rng([seed, 8]).normal(0.0, _AGENT_SPREAD, 30)).tolist()
    room = replace(
        SCENARIOS["base"], name="knowledge", chance_of=leads.chance, paces=tuple(paces), early_disposition=_EARLY,
        says_so=dispositions,
    )  # fmt: skip
    policy = Knowing(limit, leads, truth=source == "truth", habits=habits) if source else Callbox(limit, habits)
    day = simulate(room, policy, seed)
    error = calibration_error(policy.foretold) if isinstance(policy, Knowing) else 0.0
    return _Found(variant, seed, day.utilisation, day.abandoned, error)


def calibration_error(foretold: Sequence[tuple[float, bool]], bins: int = 10) -> float:
    """Mean distance of foretold and found answer shares over equally filled bins (expected calibration error)."""
    ordered = sorted(foretold)
    size = max(1, len(ordered) // bins)
    blocks = [ordered[k : k + size] for k in range(0, len(ordered), size)]
    off = [abs(sum(c for c, _ in b) - sum(a for _, a in b)) for b in blocks]
    return sum(off) / max(1, len(ordered))
