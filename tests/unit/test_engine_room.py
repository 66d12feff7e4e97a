"""When a campaign asks the store for leads again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from appliance.domain.campaign import CampaignConfig
from appliance.engine.room import Campaign
from appliance.types import CampaignMode, CampaignState

pytestmark = pytest.mark.unit
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


def _campaign() -> Campaign:
    return Campaign("c1", "March", CampaignMode.PROGRESSIVE, CampaignState.RUNNING, CampaignConfig())


def test_a_lead_returned_for_later_does_not_hide_those_that_wait() -> None:
    campaign = _campaign()
    campaign.lead_returned(NOW + timedelta(hours=1))  # after a restart, before the store was asked
    assert campaign.due_at is not None
    assert campaign.due_at < NOW
    assert not campaign.exhausted


def test_a_lead_returned_while_the_store_is_asked_is_not_forgotten() -> None:
    campaign = _campaign()
    campaign.due_at = None
    campaign.lead_returned(NOW + timedelta(hours=1))
    campaign.note_due(None)
    assert not campaign.exhausted
    assert campaign.due_at == NOW + timedelta(hours=1)


def test_a_list_without_waiting_leads_is_exhausted() -> None:
    campaign = _campaign()
    campaign.due_at = None
    campaign.note_due(None)
    assert campaign.exhausted
