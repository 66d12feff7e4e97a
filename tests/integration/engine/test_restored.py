"""A backup made while a campaign dials, restored on another blank box: it goes on where it was."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from appliance.jobs.backup import keys, restore, shelf
from appliance.jobs.backup.archive import Archive
from appliance.settings import Home, load_settings
from appliance.store import models
from tests.integration.engine.fake_switch import Fate
from tests.integration.engine.scene import Scene, scene

pytestmark = pytest.mark.integration
WORDS = "a long passphrase"


def _dialled(s: Scene, count: int) -> bool:
    return len(s.switch.originated) >= count and s.open_attempts() >= 1


def test_a_campaign_goes_on_at_another_box(tmp_path: Path) -> None:
    fates = [Fate(ring_s=0.1, talk_s=0.3), Fate(answer="machine", ring_s=0.1), Fate(answer=None, ring_s=0.1)]

    async def first() -> Path:
        async with scene(tmp_path / "one", agents=2, numbers=18) as s:
            s.switch.plan = lambda number: fates[int(number[-4:]) % 3]
            await s.seat(1, 2)
            await s.act("start")
            await s.until(partial(_dialled, s, 6), 60)
            key = keys.new_key(WORDS)
            return await asyncio.to_thread(
                shelf.make, s.home, s.settings, s.store, key, datetime.now(UTC), why=shelf.HAND
            )

    async def second(home: Home, done_before: set[str]) -> None:
        async with scene(tmp_path / "two", home=home) as s:
            s.switch.plan = lambda number: fates[int(number[-4:]) % 3]
            assert s.state() == "running"
            await s.seat(1, 2)
            await s.until(lambda: s.state() == "finished", 60)
            dials = Counter(one.number for one in s.switch.originated)
            assert not done_before & set(dials), "what was over when the backup was made is not dialled again"
            assert dials.most_common(1)[0][1] == 1
            assert s.open_attempts() == 0
            assert {lead.state for lead in s.rows(models.Lead)} <= {"done", "retired"}
            assert len(s.rows(models.Lead)) == 18

    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
    backup = asyncio.run(first())
    home = Home(tmp_path / "two" / "home")
    home.make()
    with Archive(backup, WORDS) as archive:
        restore.prepare(home, load_settings(home), archive)
    assert restore.finish(home, datetime.now(UTC)) is not None
    from appliance.store.db import open_store

    store = open_store(home, load_settings(home))
    with store.read() as session:
        done = {lead.number for lead in session.query(models.Lead) if lead.state in ("done", "retired")}
    store.close()
    assert 0 < len(done) < 18
    asyncio.run(second(home, done))
