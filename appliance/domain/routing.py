"""Which agent gets a conversation: the one who spoke with the contact last, else the one idle longest.

Agents whom the sharing between campaigns gave to this campaign come before those of the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from datetime import UTC, datetime

from appliance.domain.agent import Agent
from appliance.domain.campaign import CampaignConfig
from appliance.types import AgentState

_LONG_AGO = datetime.min.replace(tzinfo=UTC)


def may_work_in(agent: Agent, campaign_id: str, config: CampaignConfig) -> bool:
    """Say whether the agent signed in for the campaign, the campaign takes him and he has the skills it asks for."""
    chosen = not agent.campaigns or campaign_id in agent.campaigns
    taken = not config.agent_ids or agent.agent_id in config.agent_ids
    return chosen and taken and has_skills(agent.skills, config.skills)


def has_skills(skills: Mapping[str, int], wanted: Mapping[str, int]) -> bool:
    """Say whether each wanted skill is there on the level that is wanted."""
    return all(skills.get(name, 0) >= level for name, level in wanted.items())


def pick(
    agents: Iterable[Agent], campaign_id: str, config: CampaignConfig, preferred: tuple[str | None, ...] = (),
    *, given_elsewhere: Set[str] = frozenset(),
) -> Agent | None:  # fmt: skip
    """Return a ready agent of the campaign; `preferred` agents first, in order; None when there is none.

    `given_elsewhere`: agents for whom another campaign dials; they come last.
    """
    free = {
        agent.agent_id: agent
        for agent in agents
        if agent.state is AgentState.READY and may_work_in(agent, campaign_id, config)
    }
    for agent_id in preferred:
        if agent_id in free:
            return free[agent_id]

    def rank(agent: Agent) -> tuple[bool, datetime, str]:
        return agent.agent_id in given_elsewhere, agent.idle_since or _LONG_AGO, agent.agent_id

    return min(free.values(), key=rank, default=None)
