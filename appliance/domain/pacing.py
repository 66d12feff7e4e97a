"""Predictive pacing by marginal risk: how many attempts to start now, with one knob, the abandoned limit.

One more call is started while the chance that *this* call, once answered, finds no agent stays under theta; theta
follows the abandoned budget of the window. The forecast learns ring times, answer chances, talk and wrap-up times as it
goes. Pure: no clock, no chance, the same events give the same answers.

Unlike the machines of this room (`step`), a pacer is an object that is told events and asked `decide`, so that
simulators can drive it. Times are seconds of one clock that never goes back; engines use unix time so that a snapshot
stays valid over a restart. Events may come late, twice, in the wrong order or with ids nobody knows: none of them
raises, and what contradicts an earlier one is left out.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from typing import Any

import numpy as np

from appliance.domain.pacing_budget import Budget
from appliance.domain.pacing_forecast import Outlook, Tables
from appliance.domain.pacing_learning import REFERENCE_CHANCE, AnswerFactor, RingTimes, Share
from appliance.domain.pacing_room import AgentBook
from appliance.types import LIVE_OUTCOMES, Outcome

_TABLES_EVERY_S = 10.0
_CLEAR_EVERY_S = 30.0
_RING_FORGOTTEN_S = 180.0
_ANSWER_FORGOTTEN_S = 60.0
_TALK_FORGOTTEN_S = 6 * 3600.0
SAYS_NOTHING = frozenset({Outcome.CANCELLED, Outcome.LOST, Outcome.TRUNK_FAILED})
"""Ends of our own making: nothing is learnt about the people called."""
_CHANCE_MIN, _CHANCE_MAX = 0.005, 0.98
_AT_ONCE_MAX = 500
_VERSION = 2


@dataclass(frozen=True)
class PacerConfig:
    """`abandoned_limit`: share of the people answered, over `window_s`; `max_lines`: attempts open at once."""

    abandoned_limit: float = 0.01
    window_s: float = 86400.0
    answer_within_s: float = 2.0
    max_lines: int | None = None
    agent_habits: bool = True
    """Learn each agent's own pace."""


@dataclass(frozen=True)
class AgentState:
    """An agent changed to one of ready, reserved, talking, wrap_up, paused, offline (any other counts as paused).

    `soon_over`: he still talks, and it is known that not for long (the disposition stands, the ear hears a machine).
    """

    agent_id: str
    state: str
    at_s: float
    soon_over: bool = False


@dataclass(frozen=True)
class AttemptStarted:
    """A dial began. `answer_chance`: what is known of this number (see `answer_model`); None: nothing."""

    attempt_id: str
    at_s: float
    answer_chance: float | None = None


@dataclass(frozen=True)
class AttemptEnded:
    """The attempt is over; `outcome` is a value of types.Outcome."""

    attempt_id: str
    outcome: str
    at_s: float


@dataclass(frozen=True)
class Answered:
    """The call was answered, by a person or by a machine that is found later."""

    attempt_id: str
    at_s: float


@dataclass(frozen=True)
class Connected:
    """The person answered talks with an agent."""

    attempt_id: str
    agent_id: str
    at_s: float


@dataclass(frozen=True)
class Abandoned:
    """The person answered found no agent in time."""

    attempt_id: str
    at_s: float


PacerEvent = AgentState | AttemptStarted | AttemptEnded | Answered | Connected | Abandoned


@dataclass
class _Attempt:
    started_s: float
    chance: float = REFERENCE_CHANCE
    answered: bool = False
    counted: bool = False
    """Is a person in the budget."""
    abandoned: bool = False
    ended: bool = False
    last_s: float = 0.0


def _bounded(chance: float | None) -> float:
    if chance is None or not math.isfinite(chance):
        return REFERENCE_CHANCE
    return min(_CHANCE_MAX, max(_CHANCE_MIN, chance))


class Pacer:
    """Decides for one campaign. Not thread-safe."""

    def __init__(self, config: PacerConfig | None = None) -> None:
        self.config = config or PacerConfig()
        self.budget = Budget(self.config.abandoned_limit, self.config.window_s)
        self.agents = AgentBook(self.config.agent_habits)
        self.factor = AnswerFactor()
        self.person = Share(0.95, 10.0, 300.0)
        self.ring = RingTimes()
        self._attempts: dict[str, _Attempt] = {}
        self._ringing: dict[str, _Attempt] = {}
        self._waiting: dict[str, _Attempt] = {}
        self._unlearnt: deque[tuple[str, _Attempt]] = deque()  # in order of start, so that quick ends weigh no more
        self._open = 0
        self._now_s = -math.inf
        self._tables: Tables | None = None
        self._tables_at_s = self._cleared_at_s = -math.inf

    # ---- what happens --------------------------------------------------------------------------------------

    def observe(self, event: PacerEvent) -> None:
        """Take one event."""
        at_s = getattr(event, "at_s", None)
        if not isinstance(at_s, int | float) or not math.isfinite(at_s):
            return
        self._now_s = max(self._now_s, at_s)
        match event:
            case AgentState():
                self.agents.changed(event.agent_id, str(event.state), at_s, soon_over=event.soon_over)
            case AttemptStarted():
                self._started(event)
            case Answered():
                self._answered(event.attempt_id, at_s)
            case Connected():
                self._answered(event.attempt_id, at_s)
                self._count(event.attempt_id, at_s)
                self.agents.connected(event.agent_id, at_s)
            case Abandoned():
                self._answered(event.attempt_id, at_s)
                self._abandoned(event.attempt_id, at_s)
            case AttemptEnded():
                self._ended(event.attempt_id, str(event.outcome), at_s)

    def _started(self, event: AttemptStarted) -> None:
        if event.attempt_id in self._attempts:
            return
        attempt = _Attempt(event.at_s, _bounded(event.answer_chance))
        self._attempts[event.attempt_id] = self._ringing[event.attempt_id] = attempt
        self._unlearnt.append((event.attempt_id, attempt))
        self._open += 1

    def _answered(self, attempt_id: str, at_s: float) -> None:
        attempt = self._attempts.get(attempt_id)
        if attempt is None:  # its start was never told: the person is there all the same
            attempt = self._attempts[attempt_id] = _Attempt(at_s)
            self._open += 1
        elif attempt.answered or attempt.ended:
            return
        else:
            self._ringing.pop(attempt_id, None)
            self.ring.learn(at_s - attempt.started_s, answered=True)
        attempt.answered, attempt.last_s = True, at_s
        self._waiting[attempt_id] = attempt
        self._learn_in_order()

    def _count(self, attempt_id: str, at_s: float) -> None:
        """A person answered: into the budget, once."""
        self._waiting.pop(attempt_id, None)
        attempt = self._attempts[attempt_id]
        attempt.last_s = at_s
        if not attempt.counted:
            attempt.counted = True
            self.budget.add(at_s, people=1)
            self.person.learn(True)

    def _abandoned(self, attempt_id: str, at_s: float) -> None:
        self._count(attempt_id, at_s)
        attempt = self._attempts[attempt_id]
        if not attempt.abandoned:
            attempt.abandoned = True
            self.budget.add(at_s, abandoned=1)
            self.agents.doubt_one(at_s, self.config.answer_within_s)

    def _ended(self, attempt_id: str, outcome: str, at_s: float) -> None:
        attempt = self._attempts.get(attempt_id)
        if attempt is None or attempt.ended:
            return
        attempt.ended, attempt.last_s = True, at_s
        self._open -= 1
        if self._ringing.pop(attempt_id, None) is not None:
            if outcome in LIVE_OUTCOMES:  # the answer was never told, yet there was one
                attempt.answered = True
                self.budget.add(at_s, people=1)
            elif outcome in SAYS_NOTHING:
                self._unlearnt = deque(pair for pair in self._unlearnt if pair[1] is not attempt)
            else:
                self.ring.learn(at_s - attempt.started_s, answered=False)
            self._learn_in_order()
            return
        waited = self._waiting.pop(attempt_id, None) is not None
        person = outcome in LIVE_OUTCOMES
        if waited and outcome not in SAYS_NOTHING:
            self.person.learn(person)
            if person:
                attempt.counted = True
                self.budget.add(at_s, people=1)
        elif attempt.counted and not attempt.abandoned and outcome == Outcome.MACHINE:
            self.budget.add(at_s, people=-1)

    def _learn_in_order(self) -> None:
        queue = self._unlearnt
        while queue and (queue[0][1].answered or queue[0][1].ended):
            attempt = queue.popleft()[1]
            self.factor.learn(attempt.chance, attempt.answered)

    # ---- how many ------------------------------------------------------------------------------------------

    def decide(self, now_s: float, chances: Sequence[float] = ()) -> int:
        """Return how many attempts to start now (>= 0). `chances`: answer chances of the leads next in turn, if known.

        Attempts count from their `AttemptStarted` on: asked again without these, the answer is the same.
        """
        if math.isfinite(now_s):
            self._now_s = max(self._now_s, now_s)
        if not self.agents.at_work or not math.isfinite(self._now_s):
            return 0
        self._refresh()
        room = _AT_ONCE_MAX if self.config.max_lines is None else min(_AT_ONCE_MAX, self.config.max_lines - self._open)
        ready = self.agents.ready_count(self._now_s)
        lately_s = self._now_s - _ANSWER_FORGOTTEN_S  # by age here, so that it is the same before and after clearing up
        answered = sum(max(attempt.started_s, attempt.last_s) >= lately_s for attempt in self._waiting.values())
        waiting = max(0, answered - self.agents.reserved_count)
        sure = max(0, ready - waiting - len(self._ringing))  # one line for each ready agent risks nothing
        if room <= sure:
            return max(0, room)
        return self._by_risk(sure, room, ready - waiting * self.person.value, chances)

    def _by_risk(self, sure: int, room: int, left: float, chances: Sequence[float]) -> int:
        tables = self._tables
        if tables is None:
            return sure
        self.budget.agents = self.agents.at_work_count
        theta, person, factor = self.budget.theta, self.person.value, self.factor.value
        count = len(self._ringing)
        starts = np.fromiter((a.started_s for a in self._ringing.values()), float, count)
        known = np.fromiter((a.chance for a in self._ringing.values()), float, count)
        people = tables.ringing(self._now_s - starts, np.minimum(known * factor, _CHANCE_MAX), person)
        outlook = Outlook(left, self.agents.free(tables, self._now_s), people, self.factor.spread)
        at_dial: list[float] = tables.ring_answered[0].tolist()
        fallback = sum(chances) / len(chances) if len(chances) else None
        started = 0
        while started < room and (started < sure or outlook.risk() <= theta):
            chance = _bounded(chances[started] if started < len(chances) else fallback)
            will = min(chance * factor, _CHANCE_MAX) * person
            outlook.add([will * share for share in at_dial])
            started += 1
        return started

    def _refresh(self) -> None:
        """Make the tables anew, or clear up, when due; never both in one decision, which shall stay short."""
        now_s = self._now_s
        if self._tables is None or now_s >= self._tables_at_s + _TABLES_EVERY_S:
            self._tables_at_s = now_s
            self.agents.pass_time(now_s)
            self._tables = self.agents.tables(self.ring, self.config.answer_within_s)
        elif now_s >= self._cleared_at_s + _CLEAR_EVERY_S:
            self._cleared_at_s = now_s
            self.budget.expire(now_s)
            self._forget(now_s)

    def _forget(self, now_s: float) -> None:
        """Drop attempts whose end was never told, and ended ones that no late event can mean any more."""
        for attempt_id, attempt in list(self._attempts.items()):
            age_s = now_s - max(attempt.started_s, attempt.last_s)
            stale = age_s > (_RING_FORGOTTEN_S if attempt.ended or not attempt.answered else _TALK_FORGOTTEN_S)
            if attempt.answered and age_s > _ANSWER_FORGOTTEN_S:
                self._waiting.pop(attempt_id, None)
            if stale:
                del self._attempts[attempt_id]
                self._ringing.pop(attempt_id, None)
                self._waiting.pop(attempt_id, None)
                self._open -= not attempt.ended
        while self._unlearnt and now_s - self._unlearnt[0][1].started_s > _RING_FORGOTTEN_S:
            self._unlearnt.popleft()
        self._learn_in_order()

    # ---- over a restart --------------------------------------------------------------------------------------

    def to_plain(self) -> dict[str, Any]:
        """Return all that was learnt and stands open as JSON data, without the configuration."""
        return {
            "version": _VERSION, "now_s": self._now_s if math.isfinite(self._now_s) else None,
            "budget": self.budget.to_plain(), "factor": self.factor.to_plain(), "person": self.person.to_plain(),
            "ring": self.ring.to_plain(), "agents": self.agents.to_plain(),
            "attempts": [[attempt_id, *astuple(attempt)] for attempt_id, attempt in self._attempts.items()],
            "unlearnt": [attempt_id for attempt_id, _ in self._unlearnt],
        }  # fmt: skip

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any], config: PacerConfig | None = None) -> Pacer:
        """Make a pacer from what `to_plain` gave; its tables are made anew with the first decision.

        Raises ValueError for data of another version, KeyError or TypeError for spoilt data.
        """
        if plain.get("version") != _VERSION:
            raise ValueError("what a pacer of another version has learnt")
        made = cls(config)
        made._now_s = -math.inf if plain["now_s"] is None else float(plain["now_s"])
        made.budget.take(plain["budget"])
        made.factor = AnswerFactor.from_plain(plain["factor"])
        made.person.take(plain["person"])
        made.ring.take(plain["ring"])
        made.agents.take(plain["agents"])
        made._attempts = {attempt_id: _Attempt(*rest) for attempt_id, *rest in plain["attempts"]}
        made._ringing = {i: a for i, a in made._attempts.items() if not (a.answered or a.ended)}
        made._waiting = {i: a for i, a in made._attempts.items() if a.answered and not (a.counted or a.ended)}
        made._unlearnt = deque((i, made._attempts[i]) for i in plain["unlearnt"] if i in made._attempts)
        made._open = sum(not a.ended for a in made._attempts.values())
        return made

    def forget_room(self) -> None:
        """Forget who is where and what is under way, not what was learnt: after a restart that lost the calls."""
        self.agents.forget_agents()
        for open_now in (self._attempts, self._ringing, self._waiting):
            open_now.clear()
        self._unlearnt.clear()
        self._open = 0

    def reconfigure(self, config: PacerConfig) -> None:
        """Let other settings hold from now on; what was counted and learnt stays."""
        self.config = config
        self.budget.limit, self.budget.window_s = config.abandoned_limit, config.window_s
        self.agents.alike = not config.agent_habits
