"""The policies side by side: ours, one line an agent, a fixed ratio, and two published loops of the field."""

from __future__ import annotations

import math
from collections import deque

from appliance.bench.pacing.room import Counts
from appliance.domain.pacing import (
    AgentState,
    Answered,
    AttemptEnded,
    AttemptStarted,
    Connected,
    Pacer,
    PacerConfig,
    PacerEvent,
)


class _Blind:
    """A policy that looks only at the counts of the room."""

    tick_s = 1.0
    eager = True

    def observe(self, event: PacerEvent) -> None:
        """Nothing to learn."""


class Callbox(_Blind):
    """The box's own pacer, driven through its interface. `before`: one that has learnt; who is where it forgets."""

    def __init__(
        self, limit: float, habits: bool = True, *, answer_within_s: float = 2.0, before: Pacer | None = None
    ) -> None:
        config = PacerConfig(abandoned_limit=limit, agent_habits=habits, answer_within_s=answer_within_s)
        self.pacer = Pacer(config) if before is None else next_day(before, config)
        self.observe = self.pacer.observe  # type: ignore[method-assign]

    def decide(self, _counts: Counts, now_s: float) -> int:
        return self.pacer.decide(now_s)


def next_day(before: Pacer, config: PacerConfig) -> Pacer:
    """Return a pacer with what another has learnt, in a new room on a clock that begins anew, with a whole budget."""
    plain = before.to_plain() | {"now_s": None, "budget": Pacer(config).budget.to_plain()}
    made = Pacer.from_plain(plain, config)
    made.forget_room()
    return made


class Progressive(_Blind):
    """One line for each ready agent."""

    def decide(self, counts: Counts, _now_s: float) -> int:
        return max(0, counts.ready - counts.lines)


class FixedRatio(_Blind):
    """`ratio` lines for each agent at work, busy ones too; lines that talk count."""

    def __init__(self, ratio: float) -> None:
        self.ratio = ratio

    def decide(self, counts: Counts, _now_s: float) -> int:
        agents = counts.ready + counts.talking
        return max(0, round(self.ratio * agents) - counts.lines - counts.talking)


class ViciDial(_Blind):
    """The published adaptive loop with its defaults (hard limit): see facts on AST_VDadapt and AST_VDauto_dial.

    The level moves every 15 s by the mean of ready agents less waiting calls over the agents, within 1 and 3; above the
    day's limit it falls back to 1. Every 2.5 s lines are filled up to level x (ready + talking).
    """

    tick_s = 0.5
    eager = False
    _LEVEL_MAX = 3.0
    _FIRST_CALLS = 50

    def __init__(self, limit: float) -> None:
        self.limit = limit
        self.level = 1.0
        self._samples: deque[tuple[int, int, int]] = deque(maxlen=15)
        self._over = False
        self._minute: deque[tuple[float, int, int]] = deque()
        self._step = 0

    def decide(self, counts: Counts, now_s: float) -> int:
        self._step += 1
        if self._step % 2 == 0:
            agents = counts.ready + counts.busy
            self._samples.append((counts.ready, counts.waiting, agents))
        if self._step % 120 == 0:
            self._over = counts.answered > self._FIRST_CALLS and counts.abandoned > self.limit * counts.answered
        if self._step % 30 == 0:
            self._adapt(counts, now_s)
        if self._step % 5:
            return 0
        return max(0, round(self.level * (counts.ready + counts.talking)) - counts.lines - counts.talking)

    def _adapt(self, counts: Counts, now_s: float) -> None:
        if not self._samples:
            return
        self._minute.append((now_s, counts.answered, counts.abandoned))
        while self._minute[0][0] < now_s - 60.0:
            self._minute.popleft()
        ready, waiting, agents = (sum(column) / len(self._samples) for column in zip(*self._samples, strict=True))
        self.level *= 1.0 + (ready - waiting) / max(1.0, agents)
        answered, abandoned = (counts.answered - self._minute[0][1], counts.abandoned - self._minute[0][2])
        if answered > 20 and abandoned > 0.5 * answered:
            self.level /= 2.0
        if self._over:
            self.level = 1.0
        self.level = min(self._LEVEL_MAX, max(1.0, self.level))


class Erlang(_Blind):
    """The published rule of an open call centre: agents free, and those likely free by the next answer, over the ASR.

    Busy agents count when the chance to end before an answer is at least 97 % (exponential); the answer share is that
    of the last 30 minutes, at least 20 %; every 3 s; no regard for abandoned calls.
    """

    tick_s = 3.0
    eager = False
    _QUALITY = 0.97
    _ASR_MIN = 0.2
    _WINDOW_S = 1800.0

    def __init__(self) -> None:
        self._started: dict[str, float] = {}
        self._ends: deque[tuple[float, bool]] = deque()
        self._answers = 0
        self._answer_s = 10.0
        self._busy_since: dict[str, float] = {}
        self._busy_s = 120.0

    def observe(self, event: PacerEvent) -> None:
        """Learn the answer share, the mean time to an answer and the mean time an agent is busy."""
        match event:
            case AttemptStarted():
                self._started[event.attempt_id] = event.at_s
            case Answered():
                self._answer_s += 0.01 * (event.at_s - self._started.pop(event.attempt_id) - self._answer_s)
                self._ended(event.at_s, answered=True)
            case AttemptEnded() if self._started.pop(event.attempt_id, None) is not None:
                self._ended(event.at_s, answered=False)
            case Connected():
                self._busy_since[event.agent_id] = event.at_s
            case AgentState(state="ready") if event.agent_id in self._busy_since:
                self._busy_s += 0.01 * (event.at_s - self._busy_since.pop(event.agent_id) - self._busy_s)

    def _ended(self, at_s: float, *, answered: bool) -> None:
        self._ends.append((at_s, answered))
        self._answers += answered
        while self._ends[0][0] < at_s - self._WINDOW_S:
            self._answers -= self._ends.popleft()[1]

    def decide(self, counts: Counts, _now_s: float) -> int:
        """Busy agents whose number free within the time to an answer is reached with the wanted quality."""
        asr = max(self._ASR_MIN, self._answers / len(self._ends) if self._ends else self._ASR_MIN)
        ends = 1.0 - math.exp(-self._answer_s / self._busy_s)
        free = _surely(counts.busy, ends, self._QUALITY)
        wanted = math.ceil((counts.ready + free) / asr)
        return max(0, wanted - counts.lines)


def _surely(agents: int, chance: float, quality: float) -> int:
    """Return the largest k such that at least k of `agents` end with probability `quality`."""
    fewer, term = 0.0, (1.0 - chance) ** agents
    for k in range(agents + 1):
        fewer += term
        if 1.0 - fewer < quality:
            return k
        term *= (agents - k) / (k + 1) * chance / (1.0 - chance)
    return agents
