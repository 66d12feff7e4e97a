"""A campaign through the engine over the real bus and store, with a switch that makes no calls."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

import pytest

from tests.integration.engine.fake_switch import Fate
from tests.integration.engine.scene import scene

pytestmark = pytest.mark.integration


def test_fifty_leads_progressive_to_the_end(tmp_path: Path) -> None:
    fates = [
        Fate(), Fate(answer="machine"), Fate(answer=None, sip_status=486), Fate(answer=None, sip_status=404, q850=1),
        Fate(answer=None, early="powered_off", ring_s=20.0),
    ]  # fmt: skip

    async def play() -> None:
        async with scene(tmp_path, agents=4, numbers=50) as s:
            s.switch.plan = lambda number: fates[int(number[-4:]) % 5]
            await s.seat(1, 2, 3, 4)
            await s.act("start")
            await s.until(lambda: s.state() == "finished", 40)
            outcomes = Counter(a.outcome for a in s.attempts())
            assert outcomes == {"human": 10, "machine": 10, "busy": 10, "vacant": 10, "powered_off": 10}
            assert Counter(o.number for o in s.switch.originated).most_common(1)[0][1] == 1
            assert s.switch.most_at_once <= 4 + 4  # a line that is being hung up may still be open
            humans = [a for a in s.attempts() if a.outcome == "human"]
            assert all(a.bridged_at and a.agent_id and a.disposition == "informed" for a in humans)
            await s.until(lambda: s.campaign is not None and s.campaign.attempts == 50)
            assert s.campaign is not None
            assert (s.campaign.connected, s.campaign.abandoned, s.campaign.leads_retired) == (10, 0, 10)

    asyncio.run(play())
