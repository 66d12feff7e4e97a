"""The agents as a pacer sees them: who is ready, who talks since when, and how long talk and wrap-up last."""

from __future__ import annotations

import numpy as np

from appliance.domain.pacing_forecast import Tables
from appliance.domain.pacing_learning import Share, Span, Vector
from appliance.types import AgentState as Of

_WORKING = frozenset({Of.READY, Of.RESERVED, Of.TALKING, Of.WRAP_UP})
_DOUBT_S = 300.0
_VANISHED_S = 4 * 3600.0
_TALK_PRIOR_S, _WRAP_PRIOR_S = 120.0, 20.0
_NO_WRAP_S = 0.25


class AgentBook:
    """States of the agents by id, with the spans of their work learnt from them."""

    def __init__(self) -> None:
        self.talk = Span(_TALK_PRIOR_S)
        self.wrap = Span(_WRAP_PRIOR_S)
        self.back = Share(0.97, 20.0, 400.0)
        """Chance to be ready after work, not to pause or leave."""
        self._state: dict[str, str] = {}
        self._since: dict[str, dict[str, float]] = {state: {} for state in _WORKING}
        self._counted: dict[str, float] = {}  # up to which instant the time of a talk or wrap-up is counted
        self._doubted: dict[str, float] = {}

    @property
    def at_work(self) -> bool:
        """Is anybody there who could take a call now or soon."""
        return any(self._since.values())

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

    def changed(self, agent_id: str, state: str, at_s: float) -> None:
        """An agent is in `state` since `at_s`. A state told twice goes on."""
        self._doubted.pop(agent_id, None)
        before = self._state.get(agent_id)
        if state == before:
            return
        since_s = self._since[before].pop(agent_id) if before in self._since else at_s
        at_s = max(at_s, since_s)
        counted_s = self._counted.pop(agent_id, since_s)
        if before == Of.TALKING:
            self._learn(self.talk, since_s, counted_s, at_s)
            if state != Of.WRAP_UP:
                self._learn(self.wrap, 0.0, 0.0, _NO_WRAP_S)
        elif before == Of.WRAP_UP:
            self._learn(self.wrap, since_s, counted_s, at_s)
        if before == Of.WRAP_UP or (before == Of.TALKING and state != Of.WRAP_UP):
            self.back.learn(state in _WORKING)
        if state in self._since:
            self._state[agent_id] = state
            self._since[state][agent_id] = at_s
        else:
            self._state.pop(agent_id, None)

    def connected(self, agent_id: str, at_s: float) -> None:
        """The agent talks, whether or not his state says so already."""
        self.changed(agent_id, Of.TALKING, at_s)

    @staticmethod
    def _learn(span: Span, since_s: float, counted_s: float, at_s: float) -> None:
        span.passed(np.array([counted_s - since_s]), np.array([at_s - since_s]))
        span.ended(at_s - since_s)

    def pass_time(self, now_s: float) -> None:
        """Count the work under way up to now, and forget agents not heard of for hours."""
        for state, span in ((Of.TALKING, self.talk), (Of.WRAP_UP, self.wrap)):
            since = self._since[state]
            for agent_id in [a for a, since_s in since.items() if now_s - since_s > _VANISHED_S]:
                del since[agent_id], self._state[agent_id]
                self._counted.pop(agent_id, None)
            if since:
                starts = np.fromiter(since.values(), float, len(since))
                counted = np.array([self._counted.get(a, since_s) for a, since_s in since.items()])
                span.passed(counted - starts, now_s - starts)
                self._counted.update(dict.fromkeys(since, now_s))

    def free(self, tables: Tables, now_s: float) -> Vector:
        """Sums (powers x instants) of the chances that a busy agent is ready by then."""
        talking, wrapping = self._since[Of.TALKING], self._since[Of.WRAP_UP]
        talk_s = now_s - np.fromiter(talking.values(), float, len(talking))
        wrap_s = now_s - np.fromiter(wrapping.values(), float, len(wrapping))
        free = tables.talking(talk_s) + tables.wrapping(wrap_s)
        return free + tables.talking(np.zeros(self.reserved_count)) if self.reserved_count else free
