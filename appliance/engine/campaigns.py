"""Campaigns in the room: read from the store, started, paused, stopped, finished."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from sqlalchemy.orm import Session

from appliance.commands import CampaignAction, Done
from appliance.domain import campaign as campaigns
from appliance.domain.abandoned import AbandonedFigure
from appliance.domain.compliance_own import rules_of
from appliance.engine.core import Core
from appliance.engine.room import Campaign, Trunk
from appliance.engine.writer import Writer
from appliance.errors import CallboxError, CallerError, NotFoundError
from appliance.logs import get_logger
from appliance.store import models
from appliance.store.read.abandoned import figure
from appliance.store.repositories import attempts, configuration, leads, users
from appliance.store.repositories import campaigns as campaign_rows
from appliance.types import CampaignMode, CampaignState, LeadState, Permission


class Campaigns:
    """`changed` is called with a campaign's id when it should be shown and dialled anew."""

    def __init__(self, core: Core, writer: Writer, changed: Callable[[str], None]) -> None:
        self._core, self._writer, self._changed = core, writer, changed
        self._room = core.room
        self._log = get_logger()

    async def load(self) -> None:
        """Read all campaigns and trunks; states in memory win, they are newer."""
        rows, trunk_rows, seats = await self._writer.read(lambda session: (
            configuration.campaigns(session), configuration.trunks(session), configuration.seats(session)
        ))  # fmt: skip
        self._room.seat_recording = {seat.id: seat.recording for seat in seats if seat.recording and seat.enabled}
        for row in rows:
            self._take(row)
        for trunk in trunk_rows:
            old = self._room.trunks.get(trunk.id) or Trunk(trunk.id, trunk.channels, trunk.enabled)
            self._room.trunks[trunk.id] = replace(
                old, channels=trunk.channels, enabled=trunk.enabled, callers=_callers(trunk.config),
                per_s=trunk.config.get("calls_per_s"),
            )  # fmt: skip
        for campaign_id in self._room.campaigns:
            self._changed(campaign_id)

    def _take(self, row: models.Campaign) -> None:
        try:
            config = campaigns.parse_config(row.config)
            rules_of(config, "UTC")
        except CallboxError as error:
            self._log.error("campaign config", campaign=row.id, error_id=error.error_id, message=error.message)
            return
        known = self._room.campaigns.get(row.id)
        if known is None:
            known = Campaign(row.id, row.name, CampaignMode(row.mode), CampaignState(row.state), config)
            self._room.campaigns[row.id] = known
        known.name, known.mode, known.config = row.name, CampaignMode(row.mode), config
        known.look_again()

    async def action(self, command: CampaignAction) -> Done:
        """Start, pause, resume or stop; raises CallerError `campaign.*`."""
        event = campaigns.action_event(command.action)

        def read(session: Session) -> tuple[models.Campaign, bool]:
            users.require(session, command.actor_id, Permission.CAMPAIGNS_WRITE)
            row = configuration.campaign(session, command.campaign_id)
            return row, LeadState.WAITING in leads.counts(session, row.id)

        row, has_leads = await self._writer.read(read)
        self._take(row)
        campaign = self._room.campaigns.get(row.id)
        if campaign is None:
            raise CallerError(
                "campaign.config_invalid", "The campaign's settings are not valid; open and save them again.",
                campaign=row.id,
            )  # fmt: skip
        after = campaigns.step(campaign.state, event)
        if after is CampaignState.RUNNING and after is not campaign.state:
            if not has_leads:
                raise CallerError(
                    "campaign.no_leads", "No number waits in this campaign; import a list first.", campaign=row.id
                )
            if not any(trunk.enabled for trunk in self._room.trunks.values()):
                raise CallerError("campaign.no_trunk", "No trunk is enabled; set one up first.", campaign=row.id)
        await self._set(campaign, after)
        return Done(id=campaign.campaign_id, data={"state": after.value})

    async def _set(self, campaign: Campaign, state: CampaignState) -> None:
        if campaign.state is not state:
            now = self._core.clock.now()
            await self._writer.now(lambda s: campaign_rows.set_state(s, campaign.campaign_id, state, now))
            self._log.info("campaign", campaign=campaign.campaign_id, was=campaign.state.value, now=state.value)
            campaign.state, campaign.blocked_reason = state, ""
        self._changed(campaign.campaign_id)

    def finish(self, campaign: Campaign) -> None:
        """No lead waits and no attempt is open."""
        after = campaigns.step(campaign.state, campaigns.CampaignEvent.EXHAUSTED)
        if after is campaign.state:
            return
        now = self._core.clock.now()
        self._writer.later(lambda s: campaign_rows.set_state(s, campaign.campaign_id, after, now))
        self._log.info("campaign", campaign=campaign.campaign_id, was=campaign.state.value, now=after.value)
        campaign.state, campaign.blocked_reason = after, ""
        self._changed(campaign.campaign_id)

    async def recount(self, campaign_id: str) -> None:
        """Read the figures of one campaign from its rows; raises StoreError."""

        campaign = self._room.campaigns[campaign_id]
        terms = self._core.terms(campaign.config)
        since = self._core.clock.now() - timedelta(seconds=terms.window_s)

        def read(session: Session) -> tuple[dict[str, int], attempts.AttemptCounts, AbandonedFigure]:
            found = figure(session, campaign_id, since, estimate_dropped=terms.estimate_dropped)
            return leads.counts(session, campaign_id), attempts.counts(session, campaign_id), found

        await self._writer.flush()
        campaign.foresight = self._core.pace.calibration(campaign_id)
        campaign.limit = terms.limit if campaign.mode is CampaignMode.PREDICTIVE else 0.0
        campaign.lead_counts, campaign.counts, campaign.figure = await self._writer.read(read)

    def get(self, campaign_id: str) -> Campaign:
        """Raises NotFoundError `campaign.unknown`."""
        found = self._room.campaigns.get(campaign_id)
        if found is None:
            raise NotFoundError("campaign.unknown", f"There is no campaign {campaign_id}.", campaign=campaign_id)
        return found


def _callers(config: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the numbers of a trunk, each once, in order."""
    return tuple(dict.fromkeys(number for number in (config.get("caller_id"), *config.get("caller_ids", ())) if number))
