"""The policies side by side: ours, one line an agent, a fixed ratio, and two published loops of the field."""

from __future__ import annotations

import math
from collections import deque

from appliance.bench.pacing.room import Counts
from appliance.bench.pacing.scenarios import DAY_S
from appliance.domain.pacing import Abandoned, AttemptEnded, Connected, Pacer, PacerConfig, PacerEvent
from appliance.domain.pacing import AgentState as AgentChanged


class _Blind:
    """A policy that looks only at the counts of the room."""

    tick_s = 1.0
    eager = True

    def observe(self, event: PacerEvent) -> None:
        """Nothing to learn."""


class Callbox(_Blind):
    """The box's own pacer, driven through its interface."""

    def __init__(self, limit: float) -> None:
        self.pacer = Pacer(PacerConfig(abandoned_limit=limit))
        self.observe = self.pacer.observe  # type: ignore[method-assign]

    def decide(self, _counts: Counts, now_s: float) -> int:
        return self.pacer.decide(now_s)


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
