"""The engine is killed in the middle of a campaign: it is back at once, nothing is dialled twice, nothing is lost."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from appliance.commands import LiveView
from appliance.errors import BusError
from appliance.store import models
from tests.integration.engine.fake_switch import Fate
from tests.integration.engine.scene import CAMPAIGN, Scene, engine_process, scene

pytestmark = pytest.mark.integration

async def _answers(s: Scene, timeout_s: float) -> None:
    async with asyncio.timeout(timeout_s):
        while True:
            try:
                await s.ask(LiveView())
            except BusError:
                await asyncio.sleep(0.05)
            else:
                return


def _under_way(s: Scene, dialled: int) -> bool:
    return len(s.switch.originated) >= dialled and s.open_attempts() >= 2


def test_kill_in_the_middle(tmp_path: Path) -> None:
    fates = [Fate(ring_s=0.2, talk_s=0.4), Fate(answer="machine", ring_s=0.3), Fate(answer=None, ring_s=0.2)]

    async def play() -> None:
        async with scene(
            tmp_path, in_process=False, agents=4, numbers=24, dialling={"abandon_after_s": 2.0}
        ) as s:
            s.switch.plan = lambda number: fates[int(number[-4:]) % 3]
            process = engine_process(s.home)
            await _answers(s, 20)
            await s.seat(1, 2, 3, 4)
            await s.act("start")
            for already in (6, 14):
                await s.until(partial(_under_way, s, already))
                process.kill()
                process.wait(5)
                process = engine_process(s.home)
                await _answers(s, 20)
            try:
                await s.until(lambda: s.state() == "finished", 60)
            finally:
                process.terminate()
                assert process.wait(10) == 0
            attempts = s.attempts()
            assert s.open_attempts() == 0
            assert {lead.state for lead in s.rows(models.Lead)} <= {"done", "retired"}
            dials = Counter(o.number for o in s.switch.originated)
            assert len(dials) == 24
            assert dials.most_common(1)[0][1] == 1
            written = Counter(a.outcome for a in attempts if a.outcome != "cancelled")
            assert written == {"human": 8, "machine": 8, "busy": 8}

    asyncio.run(play())


def _open_attempt(s: Scene, n: int) -> None:
    """What a killed engine leaves behind: a committed attempt whose fate is not written."""
    now = datetime.now(UTC)
    with s.store.write() as session:
        session.get_one(models.Lead, f"l{n}").state = "reserved"
        session.add(models.Attempt(
            id=f"at{n}", campaign_id=CAMPAIGN, lead_id=f"l{n}", number=f"+861380000{n:04d}", trunk_id="t1",
            created_at=now,
        ))  # fmt: skip


def test_attempts_without_a_worker(tmp_path: Path) -> None:
    """One never reached the switch, one was dialled and its worker died unseen, one was only previewed."""

    async def play() -> None:
        async with scene(tmp_path, in_process=False, agents=1, numbers=3) as s:
            _open_attempt(s, 0)
            _open_attempt(s, 1)
            with s.store.write() as session:
                session.get_one(models.Attempt, "at1").originated_at = datetime.now(UTC)
                session.get_one(models.Lead, "l2").state = "reserved"
            await s.start_engine()
            await s.until(lambda: s.open_attempts() == 0)
            attempts = {a.id: a for a in s.attempts()}
            assert attempts["at0"].outcome == "cancelled"
            assert attempts["at1"].outcome == "lost"
            leads = {lead.id: (lead.state, lead.attempts) for lead in s.rows(models.Lead)}
            assert leads == {"l0": ("waiting", 0), "l1": ("done", 1), "l2": ("waiting", 0)}
            assert s.switch.originated == []

    asyncio.run(play())


def test_conversation_lives_on_without_the_engine(tmp_path: Path) -> None:
    async def play() -> None:
        async with scene(tmp_path, agents=1, numbers=2) as s:
            s.switch.plan = lambda _number: Fate(talk_s=4.0)
            await s.seat(1)
            await s.act("start")
            await s.until(lambda: s.agent_state("a1") == "talking")
            assert s.engine is not None
            await s.engine.stop()
            s.agents.clear()
            await s.start_engine()
            await s.until(lambda: s.agent_state("a1") == "talking")
            assert s.agents["a1"].record is not None
            assert len(s.switch.originated) == 1  # the agent is busy: nothing is dialled
            await s.until(lambda: len(s.switch.originated) == 2)
            first = min(s.attempts(), key=lambda a: a.created_at)
            assert (first.outcome, first.disposition) == ("human", "informed")

    asyncio.run(play())
