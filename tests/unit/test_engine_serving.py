"""Whom a free agent goes to: people we called whose time is nearly up, then callers, then the others we called."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from appliance.clock import ManualClock
from appliance.domain.agent import Agent
from appliance.domain.call_model import Call, CallPolicy, CallState
from appliance.domain.campaign import CampaignConfig
from appliance.engine.core import Core
from appliance.engine.room import Campaign, Desk, LeadCard, Room
from appliance.settings import DiallingSettings
from appliance.types import AgentState, CampaignMode, CampaignState

pytestmark = pytest.mark.unit
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


class Silent:
    """Effects that go nowhere."""

    def __getattr__(self, _name: str) -> Any:
        return lambda *_args, **_kw: None


@pytest.mark.parametrize(("left_s", "first"), [(2.0, "the called"), (12.0, "the caller")])
def test_who_is_abandoned_soon_goes_before_callers(left_s: float, first: str) -> None:
    async def play() -> str:
        room = Room()
        room.campaigns["k1"] = Campaign(
            "k1", "March", CampaignMode.PREDICTIVE, CampaignState.RUNNING, CampaignConfig()
        )
        room.agents["a1"] = Agent(
            "a1", "Ann", seat_id="s1", campaigns=frozenset({"k1"}), state=AgentState.READY, since=NOW, idle_since=NOW
        )
        room.desks["a1"] = Desk(session_id="x")
        core = Core(room, Silent(), DiallingSettings(), ManualClock(NOW))
        room.calls["c1"] = Call(
            "c1", "k1", "l1", "+8613800138000", "t1", created_at=NOW, policy=CallPolicy(clock="answer"),
            state=CallState.HEARD, answered_at=NOW, clock_at=NOW, within_s=left_s,
            deadline=NOW + timedelta(seconds=left_s),
        )  # fmt: skip
        room.cards["c1"] = LeadCard("l1", "+8613800138000")
        room.waiting.append("c1")
        found = []
        core.callers_first = lambda: found.append("the caller" if room.ready_agents() else "the called")
        core.serve_waiting()
        assert room.calls["c1"].state is CallState.CONNECTING  # there was no caller after all
        core.stop()
        return found[0]

    assert asyncio.run(play()) == first
