"""A day in a call centre as discrete events: dials, answers, two seconds of patience, talks, wrap-ups, pauses."""

from __future__ import annotations

import heapq
import math
from collections import deque
from dataclasses import dataclass
from typing import Protocol

from appliance.bench.pacing.scenarios import DAY_S, PATIENCE_S, Dials, Scenario
from appliance.domain.pacing import (
    Abandoned,
    AgentState,
    Answered,
    AttemptEnded,
    AttemptStarted,
    Connected,
    PacerEvent,
)

HALF_HOUR_S = 1800.0
_TICK, _SEATS, _UNANSWERED, _ANSWERED, _PATIENCE, _TALKED, _WRAPPED, _PAUSED, _DISPOSED = range(9)


@dataclass
class Counts:
    """What a policy of the field looks at; the room keeps it up to date."""

    ready: int = 0
    talking: int = 0
    wrapping: int = 0
    dialling: int = 0
    waiting: int = 0
    answered: int = 0
    abandoned: int = 0

    @property
    def busy(self) -> int:
        return self.talking + self.wrapping

    @property
    def lines(self) -> int:
        """Lines without an agent: dials and people that wait."""
        return self.dialling + self.waiting


class Policy(Protocol):
    """Asked every `tick_s` seconds, and after every event when `eager`."""

    tick_s: float
    eager: bool

    def observe(self, event: PacerEvent) -> None: ...

    def decide(self, counts: Counts, now_s: float) -> int: ...


@dataclass(frozen=True)
class Day:
    """What came out: shares, and (answered, abandoned) of each half hour."""

    utilisation: float
    abandoned: float
    half_hours: tuple[tuple[int, int], ...]
    attempts: int
    waited: float = 0.0
    """Share of the people answered whom no agent was free for at once."""

    @property
    def worst_half_hour(self) -> float:
        return max((lost / answered for answered, lost in self.half_hours if answered), default=0.0)


class _Room:
    def __init__(self, scenario: Scenario, policy: Policy, seed: int, length_s: float) -> None:
        self.scenario, self.policy, self.length_s = scenario, policy, length_s
        self.patience_s = PATIENCE_S + scenario.greeting_s
        self.waited = 0
        self.dials = Dials(scenario, seed)
        self.counts = Counts()
        self.ready: deque[str] = deque()
        self.away: list[str] = []
        self.to_leave = 0
        self.waiting: dict[int, None] = {}
        self.heap: list[tuple[float, int, int, int, str]] = []
        self.order = 0
        self.attempts = 0
        self.half_hours = [[0, 0] for _ in range(math.ceil(length_s / HALF_HOUR_S))]
        self.now_s = 0.0
        self.busy_s = self.staffed_s = 0.0
        self.paused = 0

    def at(self, at_s: float, kind: int, dial: int = 0, agent: str = "") -> None:
        self.order += 1
        heapq.heappush(self.heap, (at_s, self.order, kind, dial, agent))

    def run(self) -> Day:
        for at_s, _ in self.scenario.seats:
            self.at(at_s, _SEATS)
        self.at(0.0, _TICK)
        heap, counts, policy = self.heap, self.counts, self.policy
        handlers = (
            self.tick, self.seats, self.unanswered, self.answered, self.patience, self.talked, self.wrapped,
            self.back_from_pause, self.disposed,
        )  # fmt: skip
        while heap and heap[0][0] < self.length_s:
            at_s, _, kind, dial, agent = heapq.heappop(heap)
            passed_s = at_s - self.now_s
            busy = counts.talking + counts.wrapping
            self.busy_s += busy * passed_s
            self.staffed_s += (busy + counts.ready) * passed_s
            self.now_s = at_s
            handlers[kind](dial, agent)
            if (policy.eager or kind == _TICK) and (not heap or heap[0][0] > at_s):
                for _ in range(policy.decide(counts, at_s)):
                    self.dial()
        answered = max(1, self.counts.answered)
        return Day(
            self.busy_s / max(1e-9, self.staffed_s), self.counts.abandoned / answered,
            tuple((a, b) for a, b in self.half_hours), self.attempts, self.waited / answered,
        )  # fmt: skip

    # ---- events ------------------------------------------------------------------------------------------------

    def tick(self, _dial: int, _agent: str) -> None:
        self.at(self.now_s + self.policy.tick_s, _TICK)

    def seats(self, _dial: int, _agent: str) -> None:
        """Bring the number of agents to the plan; who talks leaves after the call."""
        wanted = next(n for at_s, n in reversed(self.scenario.seats) if at_s <= self.now_s)
        counts = self.counts
        surplus = counts.ready + counts.busy + self.paused - wanted
        self.to_leave = max(0, surplus)
        while self.to_leave and self.ready:
            self.to_leave -= 1
            self.leave(self.ready.popleft())
            counts.ready -= 1
        for _ in range(-surplus):
            agent = self.away.pop() if self.away else f"a{counts.ready + counts.busy + self.paused}"
            self.make_ready(agent)

    def leave(self, agent: str) -> None:
        self.away.append(agent)
        self.tell_state(agent, "offline")

    def tell_state(self, agent: str, state: str) -> None:
        self.policy.observe(AgentState(agent, state, self.now_s))

    def dial(self) -> None:
        index, dials, now_s = self.attempts, self.dials, self.now_s
        dials.reach(index)
        self.attempts += 1
        self.counts.dialling += 1
        self.policy.observe(AttemptStarted(str(index), now_s))
        if dials.luck[index] < self.scenario.answer_chance(index, now_s):
            self.at(now_s + dials.answer_after_s[index], _ANSWERED, index)
        else:
            self.at(now_s + dials.end_after_s[index], _UNANSWERED, index)

    def unanswered(self, dial: int, _agent: str) -> None:
        self.counts.dialling -= 1
        self.policy.observe(AttemptEnded(str(dial), "no_answer", self.now_s))

    def answered(self, dial: int, _agent: str) -> None:
        self.counts.dialling -= 1
        self.counts.answered += 1
        self.half_hours[int(self.now_s / HALF_HOUR_S)][0] += 1
        self.policy.observe(Answered(str(dial), self.now_s))
        if self.ready:
            self.counts.ready -= 1
            self.connect(dial, self.ready.popleft())
        else:
            self.waiting[dial] = None
            self.counts.waiting += 1
            self.waited += 1
            self.at(self.now_s + self.patience_s, _PATIENCE, dial)

    def patience(self, dial: int, _agent: str) -> None:
        if dial not in self.waiting:
            return
        del self.waiting[dial]
        self.counts.waiting -= 1
        self.counts.abandoned += 1
        self.half_hours[int((self.now_s - self.patience_s) / HALF_HOUR_S)][1] += 1
        self.policy.observe(Abandoned(str(dial), self.now_s))
        self.policy.observe(AttemptEnded(str(dial), "human", self.now_s))

    def connect(self, dial: int, agent: str) -> None:
        self.counts.talking += 1
        self.policy.observe(Connected(str(dial), agent, self.now_s))
        self.tell_state(agent, "talking")
        talk_s = self.dials.talk[dial] * self.scenario.talk_s(self.now_s) / self.scenario.pace(agent)
        self.at(self.now_s + talk_s, _TALKED, dial, agent)
        if self.is_early(dial) and self.scenario.says_so:
            self.at(self.now_s + max(0.0, talk_s - self.dials.closing_s[dial]), _DISPOSED, dial, agent)

    def is_early(self, dial: int) -> bool:
        return self.dials.early[dial] < self.scenario.early_disposition

    def disposed(self, _dial: int, agent: str) -> None:
        self.policy.observe(AgentState(agent, "talking", self.now_s, soon_over=True))

    def talked(self, dial: int, agent: str) -> None:
        self.counts.talking -= 1
        self.counts.wrapping += 1
        self.policy.observe(AttemptEnded(str(dial), "human", self.now_s))
        self.tell_state(agent, "wrap_up")
        wrap_s = 0.0 if self.is_early(dial) else self.dials.wrap_s[dial] / self.scenario.pace(agent)
        self.at(self.now_s + wrap_s, _WRAPPED, dial, agent)

    def wrapped(self, dial: int, agent: str) -> None:
        self.counts.wrapping -= 1
        if self.to_leave:
            self.to_leave -= 1
            self.leave(agent)
        elif self.dials.pause[dial] < self.scenario.pause_chance:
            self.paused += 1
            self.tell_state(agent, "paused")
            share = self.dials.pause[dial] / self.scenario.pause_chance
            self.at(self.now_s - self.scenario.pause_s * math.log(1.0 - share), _PAUSED, agent=agent)
        else:
            self.make_ready(agent)

    def back_from_pause(self, _dial: int, agent: str) -> None:
        self.paused -= 1
        if self.to_leave:
            self.to_leave -= 1
            self.leave(agent)
        else:
            self.make_ready(agent)

    def make_ready(self, agent: str) -> None:
        self.tell_state(agent, "ready")
        if self.waiting:
            dial = next(iter(self.waiting))
            del self.waiting[dial]
            self.counts.waiting -= 1
            self.connect(dial, agent)
        else:
            self.ready.append(agent)
            self.counts.ready += 1


def simulate(scenario: Scenario, policy: Policy, seed: int, length_s: float = DAY_S) -> Day:
    """Run one day of `length_s` seconds under a policy."""
    return _Room(scenario, policy, seed, length_s).run()
