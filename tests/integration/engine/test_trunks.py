"""Trunks, caller numbers, lines at most and skills, over the real bus and store."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

import pytest

from appliance.events import ConfigChanged
from appliance.store import models
from tests.integration.engine.fake_switch import Fate
from tests.integration.engine.scene import Scene, scene

pytestmark = pytest.mark.integration

LONG_S = 60.0
FAILED = Fate(answer=None, progress=False, sip_status=500)


async def add_trunk(s: Scene, trunk_id: str) -> None:
    with s.store.write() as session:
        session.add(models.Trunk(id=trunk_id, config={}, channels=30))
    await s.bus.publish_live("config", ConfigChanged(what="trunk", id=trunk_id))
    await s.until(lambda: s.engine is not None and trunk_id in s.engine.room.trunks, LONG_S)


def test_a_failed_trunk_is_passed_by_and_a_busy_subscriber_is_not_rung_again(tmp_path: Path) -> None:
    async def play() -> None:
        async with scene(tmp_path, agents=1, numbers=2, config={"trunk_ids": ["t1", "t2"]}) as s:
            await add_trunk(s, "t2")
            tried: Counter[str] = Counter()

            def fate(number: str) -> Fate:
                tried[number] += 1
                if number.endswith("0"):
                    return FAILED if tried[number] == 1 else Fate()
                return Fate(answer=None, sip_status=486)

            s.switch.plan = fate
            await s.seat(1)
            await s.act("start")
            await s.until(lambda: s.state() == "finished", LONG_S)
            ways = [(a.number[-1], a.trunk_id, a.outcome) for a in sorted(s.attempts(), key=lambda a: a.created_at)]
            assert ("0", "t1", "trunk_failed") in ways
            assert ("0", "t2", "human") in ways
            assert tried["+8613800000001"] == 1
            assert next(lead for lead in s.rows(models.Lead) if lead.id == "l0").attempts == 1

    asyncio.run(play())


def test_a_number_is_tried_by_no_trunk_that_failed_it(tmp_path: Path) -> None:
    async def play() -> None:
        async with scene(tmp_path, agents=1, numbers=1) as s:
            await add_trunk(s, "t2")
            s.switch.plan = lambda _n: FAILED
            await s.seat(1)
            await s.act("start")
            await s.until(lambda: len(s.attempts()) >= 2, LONG_S)
            first, second = sorted(s.attempts(), key=lambda a: a.created_at)[:2]
            assert {first.trunk_id, second.trunk_id} == {"t1", "t2"}

    asyncio.run(play())


def test_caller_numbers_take_turns_until_each_has_made_its_calls(tmp_path: Path) -> None:
    shown = ["+861000000001", "+861000000002"]

    async def play() -> None:
        config = {"caller_id": shown[0], "caller_ids": [shown[1]], "caller_id_daily": 3}
        async with scene(tmp_path, agents=2, numbers=10, config=config) as s:
            s.switch.plan = lambda _n: Fate(answer=None)
            await s.seat(1, 2)
            await s.act("start")
            spent = "caller_ids_spent"
            await s.until(lambda: s.campaign is not None and s.campaign.blocked_reason == spent, LONG_S)
            assert Counter(a.caller_id for a in s.attempts()) == dict.fromkeys(shown, 3)
            assert {o.caller_id for o in s.switch.originated} == set(shown)
            with s.store.write() as session:
                campaign = session.get_one(models.Campaign, "c1")
                campaign.config = {**campaign.config, "caller_id_daily": 5}
            await s.bus.publish_live("config", ConfigChanged(what="campaign", id="c1"))
            await s.until(lambda: len(s.attempts()) == 10, LONG_S)
            assert Counter(a.caller_id for a in s.attempts()) == dict.fromkeys(shown, 5)

    asyncio.run(play())


def test_a_campaign_keeps_to_its_lines(tmp_path: Path) -> None:
    async def play() -> None:
        async with scene(tmp_path, agents=1, numbers=8, mode="voice", config={"max_lines": 2}) as s:
            await s.act("start")
            await s.until(lambda: s.state() == "finished", LONG_S)
            assert s.switch.most_at_once <= 2 + 1  # one that has ended for us may still say so
            assert len(s.attempts()) == 8

    asyncio.run(play())


def test_agents_without_the_skill_get_nothing(tmp_path: Path) -> None:
    async def play() -> None:
        async with scene(tmp_path, agents=1, numbers=1, config={"skills": {"legal": 3}}) as s:
            await s.seat(1)
            await s.act("start")
            await s.until(lambda: s.campaign is not None and s.campaign.blocked_reason == "no_agents", LONG_S)
            assert s.switch.originated == []
            with s.store.write() as session:
                session.get_one(models.User, "a1").skills = {"legal": 4}
            await s.bus.publish_live("config", ConfigChanged(what="user", id="a1"))
            await s.until(lambda: s.state() == "finished", LONG_S)

    asyncio.run(play())
