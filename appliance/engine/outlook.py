"""What a change of pace would do, asked before it is made."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy.orm import Session

from appliance.commands import Done, ForecastPace
from appliance.domain.campaign import parse_config
from appliance.domain.pacing import Pacer, PacerConfig
from appliance.domain.pacing_outlook import Unknown, expected
from appliance.engine.campaigns import Campaigns
from appliance.engine.core import Core
from appliance.engine.room import Campaign
from appliance.engine.writer import Writer
from appliance.store.repositories import users
from appliance.types import CampaignMode, CampaignState, Permission


class Outlooks:
    """Answers ForecastPace; raises CallboxError for a campaign that is not there or figures that cannot be."""

    def __init__(self, core: Core, campaigns: Campaigns, writer: Writer) -> None:
        self._core, self._campaigns, self._writer = core, campaigns, writer

    async def forecast(self, command: ForecastPace) -> Done:
        """Compare the pace of now with what is asked about; the sums are done beside the loop."""

        def allowed(session: Session) -> None:
            users.require(session, command.actor_id, Permission.CAMPAIGNS_READ)

        await self._writer.read(allowed)
        campaign = self._campaigns.get(command.campaign_id)
        changes = {
            "abandoned_limit": command.abandoned_limit, "max_lines": command.max_lines, "weight": command.weight,
        }  # fmt: skip
        wanted = parse_config({**campaign.config.model_dump(mode="json"), **changes})
        if campaign.mode is not CampaignMode.PREDICTIVE:
            return Done(data={"reason": "mode"})
        if campaign.state is not CampaignState.RUNNING:
            return Done(data={"reason": "not_running"})
        pace = self._core.pace
        pacer, chances = pace.snapshot(campaign)
        now, then = pace.config_of(campaign), pace.config_of(campaign, wanted)
        agents = self._agents_then(campaign, pacer, command.weight)
        return Done(data=await asyncio.to_thread(_compared, pacer, now, then, chances, agents))

    def _agents_then(self, campaign: Campaign, pacer: Pacer, weight: int) -> int:
        """The agents it would have: its share by weight among the campaigns that dial ahead and run now."""
        others = [
            c for c in self._core.room.campaigns.values()
            if c is not campaign and c.state is CampaignState.RUNNING and c.mode is CampaignMode.PREDICTIVE
        ]  # fmt: skip
        own = pacer.agents.at_work_count
        if weight == campaign.config.weight or not others or not own:
            return own
        rest = sum(c.config.weight for c in others)
        share = weight / (weight + rest) / (campaign.config.weight / (campaign.config.weight + rest))
        return max(1, min(self._core.room.agents_for(campaign) + own, round(own * share)))


def _compared(
    pacer: Pacer, now: PacerConfig, then: PacerConfig, chances: Sequence[float], agents: int
) -> dict[str, Any]:  # fmt: skip
    before, after = expected(pacer, now, chances), expected(pacer, then, chances, agents=agents)
    if isinstance(before, Unknown) or isinstance(after, Unknown):
        return {"reason": before.value if isinstance(before, Unknown) else str(after)}
    return {"reason": "", "now": asdict(before), "then": asdict(after)}
