"""Nothing is dialled while the box does not know the time: calling hours depend on it."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from appliance.events import ClockTrust
from appliance.settings import load_settings, save_settings
from tests.integration.engine.fake_switch import Fate
from tests.integration.engine.scene import scene

pytestmark = pytest.mark.integration


def told(trusted: bool) -> ClockTrust:
    return ClockTrust(trusted=trusted, at_unix_s=time.time(), reason="" if trusted else "no_source")


def test_a_clock_that_is_lost_stops_dialling_and_lets_calls_go_on(tmp_path: Path) -> None:
    async def play() -> None:
        async with scene(tmp_path, agents=1, numbers=3) as s:
            s.switch.plan = lambda _number: Fate(talk_s=0.5)
            await s.seat(1)
            await s.act("start")
            await s.until(lambda: s.agent_state("a1") == "talking")
            await s.bus.publish_live("clock", told(False))
            await s.until(lambda: s.campaign is not None and s.campaign.blocked_reason == "clock_unknown")
            await s.until(lambda: s.open_attempts() == 0)
            assert [a.outcome for a in s.attempts()] == ["human"]
            await s.bus.publish_live("clock", told(True))
            await s.until(lambda: s.state() == "finished")
            assert len(s.attempts()) == 3

    asyncio.run(play())


def test_where_a_source_is_required_nothing_is_dialled_before_the_time_is_known(tmp_path: Path) -> None:
    async def play() -> None:
        async with scene(tmp_path, in_process=False, agents=1, numbers=1) as s:
            save_settings(s.home, {"hardware": {"clock_policy": "required"}})
            s.settings = load_settings(s.home)
            await s.start_engine()
            await s.seat(1)
            await s.act("start")
            await s.until(lambda: s.campaign is not None and s.campaign.blocked_reason == "clock_unknown")
            assert not s.attempts()
            await s.bus.publish_live("clock", told(True))
            await s.until(lambda: s.state() == "finished")

    asyncio.run(play())
