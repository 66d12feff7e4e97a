"""Which agent gets a conversation: the one who spoke with the contact last, else the one idle longest."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from appliance.domain.agent import Agent
from appliance.domain.campaign import CampaignConfig
from appliance.types import AgentState

_LONG_AGO = datetime.min.replace(tzinfo=UTC)


def may_work_in(agent: Agent, campaign_id: str, config: CampaignConfig) -> bool:
    """Say whether the agent signed in for the campaign and the campaign takes him."""
    chosen = not agent.campaigns or campaign_id in agent.campaigns
    return chosen and (not config.agent_ids or agent.agent_id in config.agent_ids)


def pick(
    agents: Iterable[Agent], campaign_id: str, config: CampaignConfig, preferred: tuple[str | None, ...] = ()
) -> Agent | None:
    """Return a ready agent of the campaign; `preferred` agents first, in order; None when there is none."""
    free = {
        agent.agent_id: agent
        for agent in agents
        if agent.state is AgentState.READY and may_work_in(agent, campaign_id, config)
    }
    for agent_id in preferred:
        if agent_id in free:
            return free[agent_id]
    return min(free.values(), key=lambda a: (a.idle_since or _LONG_AGO, a.agent_id), default=None)
