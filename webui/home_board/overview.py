"""What the home board shows: the way to the first call on a new box, and the figures of a working one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import url_for
from flask_babel import gettext as _

from appliance.store.read import alerts, campaigns, recordings, seats, trunks, users
from appliance.types import CampaignState, Permission, Role
from webui.access import may
from webui.box import store


@dataclass(frozen=True)
class Step:
    """One thing to do before the first call."""

    text: str
    hint: str
    url: str
    done: bool
    permission: Permission


@dataclass(frozen=True)
class Overview:
    """All of the home board."""

    steps: list[Step]
    running: list[campaigns.CampaignView]
    alerts: list[alerts.AlertView]
    recordings: list[recordings.RecordingView]

    @property
    def ready(self) -> bool:
        return all(step.done for step in self.steps)

    @property
    def next(self) -> Step | None:
        """The first step that is not done."""
        return next((step for step in self.steps if not step.done), None)


def _steps(found: list[campaigns.CampaignView]) -> list[Step]:
    has_agents = any(user.role == Role.AGENT and user.enabled for user in users.users(store()))
    rows: list[tuple[Any, ...]] = [
        (_("Connect a trunk"), _("The lines to the exchange."), "trunks.page", bool(trunks.trunks(store())),
         Permission.TRUNKS_WRITE),
        (_("Make seats"), _("A place with a phone for each agent, up to 30."), "seats.page",
         bool(seats.seats(store())), Permission.SEATS_WRITE),
        (_("Add agents"), _("An account for each person who makes calls."), "users.page", has_agents,
         Permission.USERS_WRITE),
        (_("Make a campaign"), _("The defaults are sensible; a name is enough."), "campaigns.page", bool(found),
         Permission.CAMPAIGNS_WRITE),
        (_("Import a list"), _("Excel or CSV; you see first what would be taken."), "imports.page",
         any(campaign.leads_total for campaign in found), Permission.LISTS_IMPORT),
        (_("Start it"), _("Agents sign in, then the campaign may dial."), "campaigns.page",
         any(campaign.state != CampaignState.DRAFT for campaign in found), Permission.CAMPAIGNS_WRITE),
    ]  # fmt: skip
    return [Step(text, hint, url_for(endpoint), done, permission) for text, hint, endpoint, done, permission in rows]


def overview() -> Overview:
    """Read everything the board shows."""
    found = campaigns.campaigns(store())
    active = [c for c in found if c.state in (CampaignState.RUNNING, CampaignState.PAUSED)]
    latest = recordings.search(store(), recordings.RecordingFilter(), size=5).rows
    return Overview(
        steps=_steps(found), running=active,
        alerts=alerts.standing(store()) if may(Permission.ALERTS_READ) else [], recordings=latest,
    )  # fmt: skip
