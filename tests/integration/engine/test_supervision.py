"""Taking a customer over and forcing states, over the real bus and store."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from appliance import commands as cmd
from appliance.errors import CallerError, NotAllowedError
from appliance.store import models
from tests.integration.engine.fake_switch import Fate
from tests.integration.engine.scene import Scene, scene

pytestmark = pytest.mark.integration
LONG_S = 60.0


async def force(s: Scene, state: str, *, actor: str = "boss") -> cmd.Done:
    return await s.ask(cmd.ForceState(actor_id=actor, agent_id="a1", state=state, reason="meeting"))


def test_states_are_forced_and_the_agent_is_told_by_whom(tmp_path: Path) -> None:
    async def play() -> None:
        async with scene(tmp_path, agents=2, numbers=1) as s:
            s.works = False
            s.switch.plan = lambda _number: Fate(talk_s=LONG_S)
            await s.seat(1)
            with pytest.raises(NotAllowedError):
                await force(s, "pause", actor="a2")
            with pytest.raises(CallerError, match="Use one of"):
                await force(s, "asleep")
            await force(s, "pause")
            await s.until(lambda: s.agent_state("a1") == "paused", LONG_S)
            told = s.agents["a1"]
            assert (told.told_by, told.told_what, told.pause_reason) == ("BOSS", "pause", "meeting")
            await s.ask(cmd.AgentPause(actor_id="a1", reason="lunch"))
            await s.until(lambda: s.agents["a1"].told_by == "", LONG_S)
            await force(s, "ready")
            await s.act("start")
            await s.until(lambda: s.agent_state("a1") == "talking", LONG_S)
            assert (await force(s, "pause")).data == {"state": "talking", "pending": "paused"}
            await s.ask(cmd.AgentHangup(actor_id="a1"))
            await s.until(lambda: s.agent_state("a1") == "wrap_up", LONG_S)
            assert (await force(s, "ready")).data["state"] == "ready", "out of the wrap-up at once"
            assert (await force(s, "log_out")).data["state"] == "offline"
            await s.until(lambda: s.agent_state("a1") == "offline", LONG_S)
            assert s.agents["a1"].told_what == "log_out"

    asyncio.run(play())


def test_the_supervisor_gets_the_customer_and_the_agent_his_wrap_up(tmp_path: Path) -> None:
    async def play() -> None:
        async with scene(tmp_path, agents=2, numbers=1) as s:
            s.works = False
            s.switch.plan = lambda _number: Fate(talk_s=LONG_S)
            await s.seat(1)
            await s.act("start")
            await s.until(lambda: s.agent_state("a1") == "talking", LONG_S)
            take = cmd.TakeOver(actor_id="boss", agent_id="a1", seat_id="s1")
            with pytest.raises(CallerError, match="taken by A1"):
                await s.ask(take)
            await s.ask(cmd.TakeOver(actor_id="boss", agent_id="a1", seat_id="s2"))
            await s.until(lambda: s.agent_state("a1") == "wrap_up", LONG_S)
            assert s.agents["a1"].told_what == "taken_over"
            await s.until(lambda: any(
                isinstance(c, cmd.ConnectSeat) and c.seat_id == "s2" and not c.agent_id for c in s.switch.commands
            ), LONG_S)  # fmt: skip
            own = s.agents["a1"].conversation_id or ""
            await s.ask(cmd.AgentDispose(actor_id="a1", conversation_id=own, disposition="paid"))
            await s.until(lambda: s.agent_state("a1") == "ready", LONG_S)
            (row,) = s.rows(models.Attempt)
            assert (row.agent_id, row.disposition) == ("a1", "paid")

    asyncio.run(play())
