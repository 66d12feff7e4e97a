"""Campaigns with the figures of their lists and attempts (from rows, never from live counters)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from appliance.store.db import Store
from appliance.store.models import Attempt, AuditEntry, Campaign, Lead
from appliance.store.read.measures import counted
from appliance.store.read.report_scope import Scope
from appliance.types import CampaignMode, CampaignState, LeadState


@dataclass(frozen=True)
class CampaignView:
    """One campaign. `leads` counts by LeadState, `outcomes` by Outcome of ended attempts."""

    id: str
    name: str
    mode: str
    state: str
    config: dict[str, Any]
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    leads: dict[str, int] = field(default_factory=dict)
    outcomes: dict[str, int] = field(default_factory=dict)
    attempts: int = 0
    live_answers: int = 0
    connected: int = 0
    abandoned: int = 0

    @property
    def leads_total(self) -> int:
        return sum(self.leads.values())

    @property
    def leads_waiting(self) -> int:
        return self.leads.get(LeadState.WAITING, 0) + self.leads.get(LeadState.RESERVED, 0)


def _view(campaign: Campaign, **figures: Any) -> CampaignView:
    return CampaignView(
        id=campaign.id, name=campaign.name, mode=campaign.mode, state=campaign.state, config=dict(campaign.config),
        created_at=campaign.created_at, started_at=campaign.started_at, finished_at=campaign.finished_at, **figures,
    )  # fmt: skip


def _figures(db: Session, campaign_id: str) -> dict[str, Any]:
    leads = db.execute(select(Lead.state, func.count()).where(Lead.campaign_id == campaign_id).group_by(Lead.state))
    names = ("attempts", "persons", "connected", "abandoned")
    by_outcome = counted(db, Scope(campaign_id=campaign_id), names, Attempt.outcome)
    sums = {name: sum(found[name] for found in by_outcome.values()) for name in names}
    return {
        "leads": dict(leads.all()), "attempts": sums["attempts"], "connected": sums["connected"],
        "live_answers": sums["persons"], "abandoned": sums["abandoned"],
        "outcomes": {outcome: found["attempts"] for outcome, found in by_outcome.items() if outcome},
    }  # fmt: skip


def campaigns(store: Store) -> list[CampaignView]:
    """All campaigns with their figures, newest first."""
    with store.read() as db:
        found = db.scalars(select(Campaign).order_by(Campaign.created_at.desc(), Campaign.id.desc())).all()
        return [_view(campaign, **_figures(db, campaign.id)) for campaign in found]


def campaign(store: Store, campaign_id: str) -> CampaignView | None:
    """One campaign without figures (cheap: an agent's page asks for it at each record)."""
    with store.read() as db:
        found = db.get(Campaign, campaign_id)
    return _view(found) if found else None


def campaign_with_figures(store: Store, campaign_id: str) -> CampaignView | None:
    """One campaign with its figures."""
    with store.read() as db:
        found = db.get(Campaign, campaign_id)
        return _view(found, **_figures(db, campaign_id)) if found else None


@dataclass(frozen=True)
class PaceChange:
    """The last change of a campaign's pace; `before` and `after` are the fields of commands.SavePace."""

    actor_id: str
    at: datetime
    before: dict[str, Any]
    after: dict[str, Any]


def last_pace_change(store: Store, campaign_id: str) -> PaceChange | None:
    """None when it was never changed so, or when it looks otherwise by now: then there is nothing to undo."""
    query = select(AuditEntry).where(
        AuditEntry.action == "campaign.paced", AuditEntry.subject == f"campaign:{campaign_id}"
    )
    with store.read() as db:
        entry = db.scalar(query.order_by(AuditEntry.id.desc()).limit(1))
        found = db.get(Campaign, campaign_id)
        if entry is None or found is None:
            return None
        after = dict(entry.detail["after"])
        stands = {"mode": found.mode, **{name: found.config.get(name) for name in after if name != "mode"}}
        return PaceChange(entry.actor_id, entry.at, dict(entry.detail["before"]), after) if stands == after else None


def runs_in_mode(store: Store, mode: CampaignMode) -> bool:
    """Is a campaign of this mode running?"""
    query = select(Campaign.id).where(Campaign.mode == mode.value, Campaign.state == CampaignState.RUNNING.value)
    with store.read() as db:
        return db.scalar(query.limit(1)) is not None


def running(store: Store) -> list[CampaignView]:
    """The running campaigns by name, without figures."""
    query = select(Campaign).where(Campaign.state == CampaignState.RUNNING.value).order_by(Campaign.name)
    with store.read() as db:
        return [_view(found) for found in db.scalars(query)]


def names(store: Store) -> dict[str, str]:
    """Name by campaign id, newest first."""
    with store.read() as db:
        return dict(db.execute(select(Campaign.id, Campaign.name).order_by(Campaign.id.desc())).all())
