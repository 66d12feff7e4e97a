"""What a pace will do before it is set: lines open, agents' utilisation and abandoned share to expect. Pure.

A room that stands still on average: the pacer keeps so many dials open that the risk of one more is the limit's
(`pacing_forecast`), and as many people come through as the agents talk with. The utilisation where both agree is the
forecast. It holds for the list and the agents of now; chance around the average is left out.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from appliance.domain.pacing import Pacer, PacerConfig
from appliance.domain.pacing_budget import small_room
from appliance.domain.pacing_forecast import TALK_STEP_S, Outlook, Tables
from appliance.domain.pacing_learning import REFERENCE_CHANCE, Vector

_DIALS_MIN, _TALKS_MIN = 60, 20
_LINES_MAX = 500.0
_CHANCE_MAX = 0.98
_STEPS = 24  # halvings


class Unknown(StrEnum):
    """Why nothing can be foretold yet."""

    NO_AGENTS = "no_agents"
    TOO_FEW_CALLS = "too_few_calls"


@dataclass(frozen=True)
class Expected:
    """`lines`: dials under way on average; shares of one."""

    agents: int
    utilisation: float
    lines: float
    abandoned: float
    people_per_h: float
    bound: str  # what holds the pace back: limit | lines | agents


@dataclass(frozen=True)
class _Room:
    """The averages of a standing room. Power sums are for one agent, one dial."""

    agents: int
    work_s: float
    talk_share: float
    free: Vector
    dial_s: float
    people: Vector
    reaches: float  # chance that a dial becomes a person
    spread: float
    theta: float


def expected(
    pacer: Pacer, config: PacerConfig, chances: Sequence[float] = (), *, agents: int | None = None
) -> Expected | Unknown:
    """Foretell what a pacer would do under `config`; `chances`: answer chances of the leads next in turn.

    `agents`: how many would work for it then; None: as now.
    """
    agents = pacer.agents.at_work_count if agents is None else agents
    if not agents:
        return Unknown.NO_AGENTS
    if pacer.ring.seen < _DIALS_MIN or pacer.agents.talk.seen < _TALKS_MIN:
        return Unknown.TOO_FEW_CALLS
    room = _standing(pacer, config, chances, agents)
    busy = _halve(lambda u: _people_per_s(room, u, config) - agents * u / room.work_s, 0.999)
    lines, bound = _lines(room, busy, config)
    return Expected(
        agents=agents, utilisation=busy, lines=lines, people_per_h=3600.0 * lines * room.reaches / room.dial_s,
        abandoned=_abandoned(room, busy, lines, config, bound), bound=bound,
    )  # fmt: skip


def _abandoned(room: _Room, busy: float, lines: float, config: PacerConfig, bound: str) -> float:
    """A pace that only the limit holds back uses it up in the end; any other runs the risk of its lines."""
    risk = _risk(room, busy, max(0.0, lines - 1.0))
    return config.abandoned_limit if bound == "limit" else min(config.abandoned_limit, risk)


def _standing(pacer: Pacer, config: PacerConfig, chances: Sequence[float], agents: int) -> _Room:
    book = pacer.agents
    tables = book.tables(pacer.ring, config.answer_within_s)
    chance = sum(chances) / len(chances) if chances else REFERENCE_CHANCE
    chance = min(_CHANCE_MAX, chance * pacer.factor.value)
    talk_left, known = np.exp(-book.talk.risen()), book.known.value
    wrap_left = (1.0 - known) * np.exp(-book.wrap.risen())
    closing_left = known * np.exp(-book.closing.risen())
    talk_s, after_s = float(talk_left.sum()), float(wrap_left.sum() + closing_left.sum())
    share = talk_s / (talk_s + after_s)
    rows = talk_left[::TALK_STEP_S][: len(tables.talk_free)]
    talkers = _mean_powers(tables.talk_free[: len(rows)] * tables.back, rows)
    ages = len(tables.wrap_free)
    writers = _mean_powers(
        np.concatenate([tables.wrap_free, tables.closing_free]) * tables.back,
        np.concatenate([wrap_left[:ages], closing_left[:ages]]),
    )
    unanswered, answered = pacer.ring.cumulated()
    open_still = 1.0 - chance * answered - (1.0 - chance) * unanswered
    theta = config.abandoned_limit * math.exp(pacer.budget.base + small_room(agents))
    return _Room(
        agents=agents, work_s=talk_s + after_s, talk_share=share,
        free=share * talkers + (1.0 - share) * writers, dial_s=float(open_still.sum()),
        people=_mean_powers(_ringing(tables, chance, pacer.person.value), open_still),
        reaches=chance * pacer.person.value, spread=pacer.factor.spread, theta=theta,
    )  # fmt: skip


def _ringing(tables: Tables, chance: float, person: float) -> Vector:
    """Chances (dial ages x instants) that a person answers by then."""
    odds = chance / (1.0 - chance) * tables.ring_likely
    found: Vector = (person * odds / (1.0 + odds))[:, None] * tables.ring_answered
    return found


def _mean_powers(chances: Vector, weights: Vector) -> Vector:
    """Mean of the first three powers over ages that are met as often as `weights` say."""
    weights = weights / weights.sum()
    return np.stack([weights @ chances, weights @ chances**2, weights @ chances**3])


def _risk(room: _Room, busy: float, lines: float) -> float:
    outlook = Outlook(room.agents * (1.0 - busy), room.free * room.agents * busy, room.people * lines, room.spread)
    return outlook.risk()


def _lines(room: _Room, busy: float, config: PacerConfig) -> tuple[float, str]:
    """Dials that are kept open, and what holds them back."""
    ready = room.agents * (1.0 - busy)
    by_risk = _halve(lambda lines: room.theta - _risk(room, busy, lines), _LINES_MAX)
    wanted, bound = (ready, "agents") if ready >= by_risk else (by_risk, "limit")
    if config.max_lines is None:
        return wanted, bound
    most = max(0.0, config.max_lines - room.agents * busy * room.talk_share)  # who talks has a line too
    return (most, "lines") if most < wanted else (wanted, bound)


def _people_per_s(room: _Room, busy: float, config: PacerConfig) -> float:
    return _lines(room, busy, config)[0] * room.reaches / room.dial_s


def _halve(falling: Callable[[float], float], highest: float) -> float:
    """Where a falling function reaches 0, from 0 to `highest`."""
    low, high = 0.0, highest
    if falling(high) > 0.0:
        return high
    for _ in range(_STEPS):
        middle = (low + high) / 2.0
        low, high = (middle, high) if falling(middle) > 0.0 else (low, middle)
    return (low + high) / 2.0
