"""Who answers a caller, how long he may have to wait, and how many callers are expected soon. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from appliance.domain.agent import Agent
from appliance.domain.routing import has_skills
from appliance.types import AgentState

_LONG_AGO = datetime.min.replace(tzinfo=UTC)
_SERVING = frozenset(
    {AgentState.READY, AgentState.RESERVED, AgentState.TALKING, AgentState.WRAP_UP, AgentState.DIALLING}
)
HORIZON_S = 20.0
"""A line that is started now wants its agent about this much later: so far the need is looked ahead."""
MEMORY_S = 600.0


def choose(
    agents: Iterable[Agent], wanted: Mapping[str, int], last_agent_id: str | None, may_work: Callable[[Agent], bool]
) -> Agent | None:
    """Return a ready agent for a caller: who spoke with him last, else the most skilled, else the longest idle."""
    free = [
        agent for agent in agents
        if agent.state is AgentState.READY and agent.seat_id and has_skills(agent.skills, wanted) and may_work(agent)
    ]  # fmt: skip

    def rank(agent: Agent) -> tuple[bool, int, datetime, str]:
        level = sum(agent.skills.get(name, 0) for name in wanted)
        return agent.agent_id != last_agent_id, -level, agent.idle_since or _LONG_AGO, agent.agent_id

    return min(free, key=rank, default=None)


def serving(agents: Iterable[Agent], wanted: Mapping[str, int], may_work: Callable[[Agent], bool]) -> int:
    """Return how many agents answer this queue's callers, now or after what they do."""
    return sum(a.state in _SERVING and has_skills(a.skills, wanted) and may_work(a) for a in agents)


def estimated_wait_s(position: int, agents: int, handling_s: float) -> float:
    """Return how long the caller at `position` (1: the next) waits when `agents` take `handling_s` for each."""
    return position * handling_s / max(1, agents)


@dataclass
class Handling:
    """What one caller costs an agent, talk and wrap-up in seconds: learned, forgetting, from a weak prior."""

    mean_s: float = 180.0
    weight: float = 3.0
    _weight_max: float = 50.0

    def learn(self, seconds: float) -> None:
        self.mean_s += (seconds - self.mean_s) / (self.weight + 1.0)
        self.weight = min(self._weight_max, self.weight + 1.0)


def expected_callers(arrivals: Iterable[datetime], now: datetime) -> float:
    """Return how many callers are expected before a line that is started now wants its agent, as the last minutes went.

    See `line_share.InboundLoad.expected`.
    """
    recent = sum((now - at).total_seconds() <= MEMORY_S for at in arrivals)
    return recent * HORIZON_S / MEMORY_S
