"""Levers beside the rule: a greeting that keeps people, talks known to be soon over, what the days before taught, and
how far the rule could go.

`bound` is the same rule with everything that can be learnt known beforehand (the pacer of an earlier day) and with one
threshold for all day, chosen with hindsight so that these very days end just at the limit: no margin for chance, no
cold start. What it gains over the rule as it is, is all that better learning and steering could gain; more needs
knowledge of the single call or agent (`knowledge`), or time (`greeting`).
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from multiprocessing import get_context
from typing import Any

from appliance.bench.pacing.knowledge import Knowing
from appliance.bench.pacing.policies import Callbox
from appliance.bench.pacing.room import Day, simulate
from appliance.bench.pacing.scenarios import PATIENCE_S, SCENARIOS
from appliance.domain.answer_model import AnswerModel, NumberHistory
from appliance.domain.pacing import Pacer
from appliance.domain.pacing_budget import Budget

GREETINGS_S = (0.0, 2.0, 4.0, 8.0, 18.0)
EARLY = (0.15, 0.4)
"""Shares of talks in which the agent sets the disposition before the end."""
_TAUGHT_SEED = 900
_STEPS = 5
_THETA_LOW, _THETA_HIGH = 0.5, 2.0
"""Thresholds looked at, as multiples of the limit."""


def _mean(days: list[Day]) -> dict[str, float]:
    answered, lost = (sum(pair[k] for day in days for pair in day.half_hours) for k in (0, 1))
    return {
        "utilisation": round(statistics.fmean(day.utilisation for day in days), 5),
        "abandoned": round(lost / max(1, answered), 5),
    }


# ---- a greeting ------------------------------------------------------------------------------------------------


def greeting(limit: float, seed: int, days: int) -> dict[str, Any]:
    """Return utilisation by how much longer a greeting keeps people, in the base room.

    Only rule profiles that allow it have a greeting (`greeting_allowed`); `waited`: people who hear it at all.
    """
    tasks = [(longer_s, limit, one) for longer_s in GREETINGS_S for one in range(seed, seed + days)]
    with get_context("spawn").Pool(2) as pool:
        found = pool.map(_greeted_day, tasks, chunksize=1)
    shown: dict[str, Any] = {"limit": limit, "seed": seed, "days": days, "greetings": []}
    for longer_s in GREETINGS_S:
        own = [day for task, day in zip(tasks, found, strict=True) if task[0] == longer_s]
        waited = round(statistics.fmean(day.waited for day in own), 4)
        shown["greetings"].append({"longer_s": longer_s, **_mean(own), "waited": waited})
    return shown


def _greeted_day(task: tuple[float, float, int]) -> Day:
    longer_s, limit, seed = task
    room = replace(SCENARIOS["base"], greeting_s=longer_s)
    return simulate(room, Callbox(limit, answer_within_s=PATIENCE_S + longer_s), seed)


# ---- talks known to be soon over -------------------------------------------------------------------------------


def dispositions(limit: float, seed: int, days: int) -> dict[str, Any]:
    """Return what it is worth to be told of dispositions set during the talk, in the base room: the same days twice."""
    tasks = [(early, told, limit, one) for early in EARLY for told in (False, True) for one in range(seed, seed + days)]
    with get_context("spawn").Pool(2) as pool:
        found = dict(zip(tasks, pool.map(_disposed_day, tasks, chunksize=1), strict=True))
    shown: dict[str, Any] = {"limit": limit, "seed": seed, "days": days, "early": []}
    for early in EARLY:
        blind, told = ([found[early, knows, limit, seed + n] for n in range(days)] for knows in (False, True))
        gains = [b.utilisation - a.utilisation for a, b in zip(blind, told, strict=True)]
        shown["early"].append({
            "share": early, "not_told": _mean(blind), "told": _mean(told), "gain": round(statistics.fmean(gains), 5),
            "standard_error": round(statistics.stdev(gains) / math.sqrt(days), 5) if days > 1 else None,
        })  # fmt: skip
    return shown


def _disposed_day(task: tuple[float, bool, float, int]) -> Day:
    early, told, limit, seed = task
    return simulate(replace(SCENARIOS["base"], early_disposition=early, says_so=told), Callbox(limit), seed)


# ---- the days before -------------------------------------------------------------------------------------------


class _Hours:
    """A list of which only the hour of the dial is known."""

    def history(self, _index: int, at_s: float) -> NumberHistory:
        return NumberHistory(hour=9 + int(at_s / 3600.0))

    def chance(self, _index: int, _at_s: float) -> float:
        raise ValueError("the truth is not known here")


def memory(limit: float, seed: int, days: int) -> dict[str, Any]:
    """Return figures of drifting days, begun cold, with the pacer of the day before, and with its profile of hours.

    The first day, cold for all, is left out.
    """
    with get_context("spawn").Pool(2) as pool:
        runs = pool.map(_days_of, [(kind, limit, seed, days + 1) for kind in ("cold", "pacer", "pacer_and_hours")])
    shown: dict[str, Any] = {"scenario": "drift", "limit": limit, "seed": seed, "days": days}
    for kind, found in runs:
        worst = max(day.worst_half_hour for day in found[1:])
        shown[kind] = {**_mean(found[1:]), "worst_half_hour": round(worst, 5)}
    return shown


def _days_of(task: tuple[str, float, int, int]) -> tuple[str, list[Day]]:
    kind, limit, seed, days = task
    found: list[Day] = []
    pacer: Pacer | None = None
    model = AnswerModel()
    for one in range(seed, seed + days):
        if kind == "pacer_and_hours":
            knowing = Knowing(limit, _Hours(), truth=False, habits=True, before=pacer)
            knowing.model = model
            policy: Callbox = knowing
        else:
            policy = Callbox(limit, before=pacer)
        found.append(simulate(SCENARIOS["drift"], policy, one))
        pacer = None if kind == "cold" else policy.pacer
    return kind, found


# ---- how far the rule could go -----------------------------------------------------------------------------------


class _Fixed(Budget):
    """One threshold, whatever happens."""

    chosen = 0.0

    @property
    def theta(self) -> float:
        return self.chosen


@lru_cache(maxsize=1)
def _taught() -> Pacer:
    policy = Callbox(0.01)
    simulate(SCENARIOS["base"], policy, _TAUGHT_SEED)
    return policy.pacer


def _fixed_day(task: tuple[float, float, int]) -> Day:
    theta, limit, seed = task
    policy = Callbox(limit, before=_taught())
    policy.pacer.budget = _Fixed(limit, policy.pacer.config.window_s)
    policy.pacer.budget.chosen = theta
    return simulate(SCENARIOS["base"], policy, seed)


def _our_day(task: tuple[float, int]) -> Day:
    limit, seed = task
    return simulate(SCENARIOS["base"], Callbox(limit), seed)


def bound(limit: float, seed: int, days: int) -> dict[str, Any]:
    """Return the rule as it is, and the rule with nothing left to learn and a threshold chosen with hindsight."""
    seeds = range(seed, seed + days)
    with get_context("spawn").Pool(2) as pool:
        ours = pool.map(_our_day, [(limit, one) for one in seeds], chunksize=1)

        def run(theta: float) -> list[Day]:
            return pool.map(_fixed_day, [(theta, limit, one) for one in seeds], chunksize=1)

        theta, best = _highest(run, limit)
    shown = {"scenario": "base", "limit": limit, "seed": seed, "days": days, "callbox": _mean(ours)}
    return {**shown, "all_known_with_hindsight": {**_mean(best), "theta": round(theta, 5)}}


def _highest(run: Callable[[float], list[Day]], limit: float) -> tuple[float, list[Day]]:
    """Return the highest threshold that kept the limit over these days, and the days."""
    low, high = math.log(_THETA_LOW * limit), math.log(_THETA_HIGH * limit)
    best = run(math.exp(low))
    for _ in range(_STEPS):
        middle = 0.5 * (low + high)
        days = run(math.exp(middle))
        if _mean(days)["abandoned"] <= limit:
            low, best = middle, days
        else:
            high = middle
    return math.exp(low), best
