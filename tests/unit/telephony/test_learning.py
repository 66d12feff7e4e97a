"""The switch takes up what the ear was taught while it runs, and survives a library that somebody spoilt."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from appliance.events import ConfigChanged
from appliance.settings import Home, Settings
from appliance.telephony.parent import Switch
from audio import Label, enrolment

pytestmark = pytest.mark.unit

SOUND = (np.random.default_rng(3).normal(0, 3000, 24000) * (1 + np.sin(np.arange(24000) / 900))).astype(np.int16)


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.01)


def test_new_workers_know_what_was_taught_meanwhile(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.make()

    async def play() -> None:
        switch = Switch(home, Settings())
        learning = asyncio.create_task(switch._learn())
        known = lambda: [e.ann_id for e in switch._around.library.entries] if switch._around.library else []  # noqa: E731
        enrolment.add(home.announcements, SOUND, "cn-vacant-1", Label.VACANT)
        await switch._on_config("config", ConfigChanged(what="trunk", id="t1"))
        await asyncio.sleep(0)
        assert known() == []
        await switch._on_config("config", ConfigChanged(what="announcements", id="cn-vacant-1"))
        await _until(lambda: known() == ["cn-vacant-1"])
        enrolment.add(home.announcements, SOUND[::-1].copy(), "cn-busy-1", Label.BUSY)
        (home.announcements / "cn-vacant-1.wav").write_bytes(b"no sound")
        await switch._on_config("config", ConfigChanged(what="announcements", id="cn-busy-1"))
        await _until(lambda: known() == ["cn-busy-1"])
        learning.cancel()
        switch._waker.close()

    asyncio.run(play())
