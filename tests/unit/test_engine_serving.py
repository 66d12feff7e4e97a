"""Whom a free agent goes to, and what a pacer is told of those who are nearly free."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from appliance.clock import ManualClock
from appliance.domain.agent import Agent, AgentEvent
from appliance.domain.agent import Kind as AgentKind
from appliance.domain.call_model import Call, CallPolicy, CallState
from appliance.domain.campaign import CampaignConfig
from appliance.domain.outcome import Verdict
from appliance.engine.core import Core
from appliance.engine.room import Campaign, Desk, LeadCard, Room
from appliance.events import Heard
from appliance.settings import DiallingSettings
from appliance.types import AgentState, CampaignMode, CampaignState, Outcome

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
        core.timers.stop()
        return found[0]

    assert asyncio.run(play()) == first


@pytest.mark.parametrize("known_by", ["disposition", "ear"])
def test_a_talk_that_is_soon_over_is_told_to_the_pacer(known_by: str) -> None:
    async def play() -> tuple[int, int]:
        clock, room = ManualClock(NOW), Room()
        room.campaigns["k1"] = Campaign(
            "k1", "March", CampaignMode.PREDICTIVE, CampaignState.RUNNING, CampaignConfig()
        )
        core = Core(room, Silent(), DiallingSettings(), clock)
        for n in range(20):
            agent = Agent(f"a{n}", "Ann", seat_id=f"s{n}", campaigns=frozenset({"k1"}), state=AgentState.TALKING,
                          since=NOW, conversation_id=f"c{n}")  # fmt: skip
            room.desks[agent.agent_id] = Desk(session_id="x")
            room.calls[f"c{n}"] = Call(
                f"c{n}", "k1", "l1", "+8613800138000", "t1", created_at=NOW, state=CallState.TALKING,
                answered_at=NOW, bridged_at=NOW, agent_id=agent.agent_id, seat_id=agent.seat_id,
                heard=Verdict(Outcome.UNKNOWN, "speech", "deadline"),
            )  # fmt: skip
            room.given[agent.agent_id] = "k1"
            core.agents.restore(agent, room.desks[agent.agent_id])
        before = core.pace.lines_wanted(room.campaigns["k1"])
        for n in range(20):
            if known_by == "disposition":
                core.agents.apply(f"a{n}", AgentEvent(AgentKind.DISPOSED))
            else:
                late = Heard(conversation_id=f"c{n}", attempt_id=f"c{n}", seq=1, at_unix_s=NOW.timestamp(),
                             phase="answered", label="machine", kind="speech", reason="late_talks_on",
                             confidence=0.9, decided_at_ms=6000, final=False)  # fmt: skip
                core.conversation_event(late)
        core.pace.share([room.campaigns["k1"]])  # tells nothing else
        core.timers.stop()
        return before, core.pace.lines_wanted(room.campaigns["k1"])

    before, after = asyncio.run(play())
    assert after > before
