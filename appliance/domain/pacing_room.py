"""The agents as a pacer sees them: who is ready, who talks since when, and how long talk and wrap-up last."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from appliance.domain.pacing_forecast import Tables, make_tables
from appliance.domain.pacing_learning import RingTimes, Share, Span, Vector
from appliance.types import AgentState as Of

CLOSING = "closing"
"""Talking, or writing up, and known to be ready soon."""
_WORKING = frozenset({Of.READY, Of.RESERVED, Of.TALKING, Of.WRAP_UP, CLOSING})
_SPANS = (str(Of.TALKING), str(Of.WRAP_UP), CLOSING)
_DOUBT_S = 300.0
_VANISHED_S = 4 * 3600.0
_TALK_PRIOR_S, _WRAP_PRIOR_S, _CLOSING_PRIOR_S = 120.0, 20.0, 15.0
_NO_WRAP_S = 0.25
_HABIT_KEEP = 1.0 - 1.0 / 300.0
_SPREAD_MIN = 0.001
_DOUBT_SIGMAS = 2.0


@dataclass
class _Habit:
    """Ends of one agent's work against the ends expected of anybody."""

    ends: float = 0.0
    expected: float = 0.0


class _Habits:
    """Paces of agents in one kind of work, drawn towards 1 the more, the less they differ among each other."""

    def __init__(self) -> None:
        self.of: dict[str, _Habit] = {}
        self._paces: dict[str, float] = {}  # worked out
        self._weight = 1.0 / _SPREAD_MIN
        self._level = 1.0

    def weigh(self) -> None:
        """Estimate how much agents differ, beyond what chance makes of equal ones (method of moments)."""
        expected = sum(h.expected for h in self.of.values())
        self._level = sum(h.ends for h in self.of.values()) / expected if expected > 0.0 else 1.0
        likely = [(h.ends, h.expected * self._level) for h in self.of.values()]
        squares = sum(e * e for _, e in likely)
        excess = sum((n - e) ** 2 - e for n, e in likely) - _DOUBT_SIGMAS * math.sqrt(2.0 * squares)
        self._weight = 1.0 / max(_SPREAD_MIN, excess / squares if squares > 0.0 else 0.0)

    def pace(self, agent_id: str) -> float:
        known = self._paces.get(agent_id)
        if known is None:
            habit = self.of.get(agent_id) or _Habit()
            known = (habit.ends + self._weight) / (habit.expected * self._level + self._weight)
            self._paces[agent_id] = known
        return known

    def changed(self) -> None:
        """Habits or their weight are others now."""
        self._paces.clear()


class AgentBook:
    """States of the agents by id, with the spans of their work learnt from them."""

    def __init__(self, habits: bool = True) -> None:
        """`habits`: learn how fast each agent talks and writes up, beside what all do."""
        self._habits = {state: _Habits() for state in _SPANS}
        self.alike = not habits
        self.talk = Span(_TALK_PRIOR_S)
        self.wrap = Span(_WRAP_PRIOR_S)
        self.closing = Span(_CLOSING_PRIOR_S)
        self.known = Share(0.0, 20.0, 400.0)
        """Talks that are known to be soon over before they are."""
        self.back = Share(0.97, 20.0, 400.0)
        """Chance to be ready after work, not to pause or leave."""
        self._state: dict[str, str] = {}
        self._since: dict[str, dict[str, float]] = {str(state): {} for state in _WORKING}
        self._counted: dict[str, float] = {}  # up to which instant the time of a talk or wrap-up is counted
        self._doubted: dict[str, float] = {}  # until when a ready agent is left out

    @property
    def at_work(self) -> bool:
        """Is anybody there who could take a call now or soon."""
        return any(self._since.values())

    @property
    def at_work_count(self) -> int:
        """Agents who are ready, reserved, talking or writing up."""
        return sum(len(since) for since in self._since.values())

    @property
    def reserved_count(self) -> int:
        return len(self._since[Of.RESERVED])

    def ready_count(self, now_s: float) -> int:
        """Ready agents, without those in doubt."""
        ready = self._since[Of.READY]
        if self._doubted:
            self._doubted = {a: until_s for a, until_s in self._doubted.items() if until_s > now_s and a in ready}
        return len(ready) - len(self._doubted)

    def doubt_one(self, now_s: float, patience_s: float) -> None:
        """Somebody was abandoned: an agent that was ready all the while is perhaps not there; leave him out a while."""
        ready = self._since[Of.READY]
        idle = [(since_s, a) for a, since_s in ready.items() if a not in self._doubted and since_s < now_s - patience_s]
        if idle:
            self._doubted[min(idle)[1]] = now_s + _DOUBT_S

    def changed(self, agent_id: str, state: str, at_s: float, *, soon_over: bool = False) -> None:
        """An agent is in `state` since `at_s`. A state told twice goes on; who is soon ready stays so until he is."""
        self._doubted.pop(agent_id, None)
        before = self._state.get(agent_id)
        if soon_over and state == Of.TALKING:
            state = CLOSING
        if state == before or (before == CLOSING and state in _SPANS):
            return
        since_s = self._since[before].pop(agent_id) if before in self._since else at_s
        at_s = max(at_s, since_s)
        counted_s = self._counted.pop(agent_id, since_s)
        if before in _SPANS:
            self._learn(before, agent_id, since_s, counted_s, at_s)
        if before == Of.TALKING:
            self.known.learn(state == CLOSING)
            if state not in _SPANS:
                self._learn(Of.WRAP_UP, agent_id, 0.0, 0.0, _NO_WRAP_S)
        if before in _SPANS and state not in _SPANS:
            self.back.learn(state in _WORKING)
        if state in self._since:
            self._state[agent_id] = state
            self._since[state][agent_id] = at_s
        else:
            self._state.pop(agent_id, None)

    def connected(self, agent_id: str, at_s: float) -> None:
        """The agent talks, whether or not his state says so already."""
        self.changed(agent_id, Of.TALKING, at_s)

    def _span(self, state: str) -> Span:
        return {str(Of.TALKING): self.talk, str(Of.WRAP_UP): self.wrap, CLOSING: self.closing}[state]

    def _habit(self, state: str, agent_id: str) -> _Habit:
        return self._habits[state].of.setdefault(agent_id, _Habit())

    def _learn(self, state: str, agent_id: str, since_s: float, counted_s: float, at_s: float) -> None:
        span, habit = self._span(state), self._habit(state, agent_id)
        expected = span.passed(np.array([counted_s - since_s]), np.array([at_s - since_s]))
        span.ended(at_s - since_s)
        habit.expected = (habit.expected + float(expected[0])) * _HABIT_KEEP
        habit.ends = habit.ends * _HABIT_KEEP + 1.0
        self._habits[state].changed()

    def pass_time(self, now_s: float) -> None:
        """Count the work under way up to now, and forget agents not heard of for hours."""
        for state in _SPANS:
            self._habits[state].weigh()
            since = self._since[state]
            for agent_id in [a for a, since_s in since.items() if now_s - since_s > _VANISHED_S]:
                del since[agent_id], self._state[agent_id]
                self._counted.pop(agent_id, None)
            if since:
                starts = np.fromiter(since.values(), float, len(since))
                counted = np.array([self._counted.get(a, since_s) for a, since_s in since.items()])
                expected = self._span(state).passed(counted - starts, np.maximum(counted, now_s) - starts)
                for agent_id, more in zip(since, expected.tolist(), strict=True):
                    self._habit(state, agent_id).expected += more
                    self._counted[agent_id] = max(now_s, since[agent_id])
            self._habits[state].changed()

    def tables(self, ring: RingTimes, patience_s: float) -> Tables:
        """Make the tables from what was learnt of the agents and the dials."""
        return make_tables(
            ring, self.talk, self.wrap, self.closing, known=self.known.value, back=self.back.value,
            patience_s=patience_s,
        )  # fmt: skip

    def free(self, tables: Tables, now_s: float) -> Vector:
        """Sums (powers x instants) of the chances that a busy agent is ready by then."""
        reserved, talking, wrapping, closing = (
            self._since[s] for s in (Of.RESERVED, Of.TALKING, Of.WRAP_UP, CLOSING)
        )
        begun = [now_s] * len(reserved) + list(talking.values())
        talk_s = np.maximum(0.0, now_s - np.array(begun))
        wrap_s = np.maximum(0.0, now_s - np.fromiter(wrapping.values(), float, len(wrapping)))
        closing_s = np.maximum(0.0, now_s - np.fromiter(closing.values(), float, len(closing)))
        paces = None if self.alike else self._paces([*reserved, *talking], wrapping, closing)
        return tables.free(talk_s, wrap_s, closing_s, paces)

    def _paces(self, *of: Iterable[str]) -> Vector:
        """How fast these agents talk, write up and come to an end."""
        return np.array([
            habits.pace(agent_id)
            for habits, agents in zip(self._habits.values(), of, strict=True) for agent_id in agents
        ])  # fmt: skip

    def to_plain(self) -> dict[str, Any]:
        """Return all as JSON data."""
        return {
            "talk": self.talk.to_plain(), "wrap": self.wrap.to_plain(), "back": self.back.to_plain(),
            "closing": self.closing.to_plain(), "known": self.known.to_plain(),
            "habits": {
                state: {a: [h.ends, h.expected] for a, h in habits.of.items()}
                for state, habits in self._habits.items()
            },
            "agents": [[a, state, self._since[state][a], self._counted.get(a)] for a, state in self._state.items()],
            "doubted": dict(self._doubted),
        }  # fmt: skip

    def take(self, plain: Mapping[str, Any]) -> None:
        """Take back what `to_plain` gave."""
        self.talk.take(plain["talk"])
        self.wrap.take(plain["wrap"])
        self.back.take(plain["back"])
        if "closing" in plain:  # learnt since the version before
            self.closing.take(plain["closing"])
            self.known.take(plain["known"])
        for state, of in plain["habits"].items():
            self._habits[state].of = {a: _Habit(float(ends), float(expected)) for a, (ends, expected) in of.items()}
            self._habits[state].changed()
        self.forget_agents()
        for agent_id, state, since_s, counted_s in plain["agents"]:
            self._state[agent_id] = state
            self._since[state][agent_id] = float(since_s)
            if counted_s is not None:
                self._counted[agent_id] = float(counted_s)
        self._doubted = {a: float(until_s) for a, until_s in plain["doubted"].items()}

    def forget_agents(self) -> None:
        """Forget who is where, not what was learnt."""
        self._state, self._counted, self._doubted = {}, {}, {}
        self._since = {str(state): {} for state in _WORKING}
