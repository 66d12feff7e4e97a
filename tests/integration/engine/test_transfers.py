"""Calls passed on and what an agent does in a call, over the real bus and store."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from appliance import commands as cmd
from appliance.commands import Command, Done
from appliance.errors import CallerError, NotAllowedError
from appliance.store import models
from tests.integration.engine.fake_switch import Fate
from tests.integration.engine.scene import CAMPAIGN, Scene, scene

pytestmark = pytest.mark.integration
LONG_S = 60.0
FORM = [{"id": "wants", "label": "Wants it?", "kind": "yes_no", "required": True}]


async def talking(s: Scene, *, others: tuple[int, ...] = (2,)) -> str:
    """Agent 1 talks with the only customer, the others are ready; returns the conversation."""
    s.works = False
    s.switch.plan = lambda _number: Fate(talk_s=LONG_S)
    await s.seat(1)
    await s.act("start")
    await s.until(lambda: s.agent_state("a1") == "talking", LONG_S)
    if others:
        await s.seat(*others)
        await s.until(lambda: all(s.agent_state(f"a{n}") == "ready" for n in others), LONG_S)
    return s.agents["a1"].conversation_id or ""


async def transfer(s: Scene, to: str, *, attended: bool = False) -> Done:
    return await s.ask(cmd.AgentTransfer(actor_id="a1", to=to, attended=attended))


async def third(s: Scene, action: str) -> Done:
    return await s.ask(cmd.AgentThird(actor_id="a1", action=action))


def sent(s: Scene, kind: type[Command]) -> list[Any]:
    return [c for c in s.switch.commands if isinstance(c, kind)]


def test_blind_to_a_colleague(tmp_path: Path) -> None:
    async def play() -> None:
        async with scene(tmp_path, agents=2, numbers=1) as s:
            own = await talking(s)
            targets = (await s.ask(cmd.TransferTargets(actor_id="a1"))).data
            assert [a["id"] for a in targets["agents"]] == ["a2"]
            await transfer(s, "agent:a2")
            await s.until(lambda: s.agent_state("a2") == "talking", LONG_S)
            await s.until(lambda: s.agent_state("a1") == "wrap_up", LONG_S)
            assert s.agents["a2"].conversation_id == own
            assert (s.agents["a2"].record or {})["name"] == "Person 0"
            await s.ask(cmd.AgentDispose(actor_id="a1", conversation_id=own, disposition="informed", note="first"))
            await s.until(lambda: s.agent_state("a1") == "ready", LONG_S)
            await s.ask(cmd.AgentHangup(actor_id="a2"))
            await s.until(lambda: s.agent_state("a2") == "wrap_up", LONG_S)
            await s.ask(cmd.AgentDispose(actor_id="a2", conversation_id=own, disposition="paid"))
            await s.until(lambda: s.open_attempts() == 0, LONG_S)
            (row,) = s.attempts()
            assert (row.agent_id, row.disposition, row.abandoned) == ("a2", "paid", False)

    asyncio.run(play())


def test_a_colleague_whose_phone_is_dead_does_not_lose_the_customer(tmp_path: Path) -> None:
    async def play() -> None:
        async with scene(tmp_path, agents=3, numbers=1) as s:
            await talking(s, others=(2, 3))
            s.switch.dead_seats.add("s2")
            await transfer(s, "agent:a2")
            await s.until(lambda: s.agent_state("a3") == "talking", LONG_S)
            assert s.agent_state("a2") == "paused"

    asyncio.run(play())


def test_attended_conference_and_taking_over(tmp_path: Path) -> None:
    async def play() -> None:
        async with scene(tmp_path, agents=2, numbers=1) as s:
            own = await talking(s)
            await transfer(s, "agent:a2", attended=True)
            await s.until(lambda: s.agents["a1"].third == "talking" and s.agent_state("a2") == "talking", LONG_S)
            assert (s.agents["a1"].on_hold, s.agents["a1"].third_name) == (True, "A2")
            assert s.agents["a2"].joined
            with pytest.raises(CallerError, match="brought in"):
                await s.ask(cmd.AgentTransfer(actor_id="a2", to="agent:a1"))
            with pytest.raises(CallerError, match="let him go first"):
                await transfer(s, "agent:a2")
            await third(s, "join")
            await s.until(lambda: not s.agents["a1"].on_hold, LONG_S)
            await third(s, "complete")
            await s.until(lambda: s.agent_state("a1") == "wrap_up", LONG_S)
            await s.until(lambda: not s.agents["a2"].joined, LONG_S)
            assert s.agent_state("a2") == "talking"
            await s.ask(cmd.AgentHangup(actor_id="a2"))
            await s.until(lambda: s.open_attempts() == 0, LONG_S)
            (row,) = s.attempts()
            assert (row.id, row.agent_id) == (own, "a2")

    asyncio.run(play())


def test_who_was_brought_in_is_let_go_or_leaves(tmp_path: Path) -> None:
    async def play() -> None:
        async with scene(tmp_path, agents=2, numbers=1) as s:
            await talking(s)
            for leave in (lambda: third(s, "drop"), lambda: s.ask(cmd.AgentHangup(actor_id="a2"))):
                await transfer(s, "agent:a2", attended=True)
                await s.until(lambda: s.agent_state("a2") == "talking", LONG_S)
                await leave()
                await s.until(lambda: s.agent_state("a2") == "ready", LONG_S)
                assert s.agent_state("a1") == "talking"
            await transfer(s, "agent:a2", attended=True)
            await s.until(lambda: s.agent_state("a2") == "talking", LONG_S)
            await s.ask(cmd.AgentHangup(actor_id="a1"))
            await s.until(lambda: s.agent_state("a2") == "ready" and s.agent_state("a1") == "wrap_up", LONG_S)

    asyncio.run(play())


def test_to_a_number_outside_only_by_the_rules(tmp_path: Path) -> None:
    async def play() -> None:
        async with scene(tmp_path, agents=2, numbers=1) as s:
            await talking(s, others=())
            with pytest.raises(NotAllowedError):
                await transfer(s, "+8613900001111")
            with s.store.write() as session:
                campaign = session.get_one(models.Campaign, CAMPAIGN)
                campaign.config = {**campaign.config, "manual_dial": True}
                session.add(models.DoNotCall(number="+8613900002222", created_at=campaign.created_at))
            assert s.engine is not None
            await s.engine._campaigns.load()
            with pytest.raises(CallerError, match="may not be called"):
                await transfer(s, "+8613900002222")
            with pytest.raises(CallerError, match="no telephone number"):
                await transfer(s, "what")
            await transfer(s, "13900001111")
            await s.until(lambda: s.agent_state("a1") == "wrap_up", LONG_S)
            await s.until(lambda: any(c.number for c in sent(s, cmd.ConnectSeat)), LONG_S)
            assert sent(s, cmd.ConnectSeat)[-1].number == "+8613900001111"
            assert s.open_attempts() == 1, "they talk on without the agent"

    asyncio.run(play())


def test_recording_pause_is_audited_and_a_lost_phone_is_called_again(tmp_path: Path) -> None:
    async def play() -> None:
        async with scene(tmp_path, agents=1, numbers=1) as s:
            audited: list[cmd.Audit] = []

            async def office(command: Command) -> Done:
                assert isinstance(command, cmd.Audit)
                audited.append(command)
                return Done()

            own = await talking(s, others=())
            await s.bus.serve("office", office)
            await s.ask(cmd.AgentMute(actor_id="a1"))
            await s.ask(cmd.AgentRecording(actor_id="a1", paused=True))
            await s.until(lambda: s.agents["a1"].muted and s.agents["a1"].recording_paused, LONG_S)
            await s.ask(cmd.AgentRecording(actor_id="a1", paused=False))
            await s.until(lambda: len(audited) == 2, LONG_S)
            assert {(a.action, a.actor_id, a.subject) for a in audited} == {
                ("recording.paused", "a1", own), ("recording.resumed", "a1", own),
            }  # fmt: skip
            await s.ask(cmd.AgentReattach(actor_id="a1"))
            again = sent(s, cmd.ConnectSeat)[-1]
            assert (again.again, again.seat_id, again.role) == (True, "s1", "seat")

    asyncio.run(play())


def test_what_is_typed_is_kept_and_the_form_is_checked(tmp_path: Path) -> None:
    async def play() -> None:
        async with scene(tmp_path, agents=1, numbers=1, config={"survey": FORM}) as s:
            own = await talking(s, others=())
            await s.ask(cmd.AgentDraft(actor_id="a1", conversation_id=own, note="half", answers={"wants": "yes"}))
            (row,) = s.attempts()
            assert (row.note, row.answers, row.disposition) == ("half", {"wants": "yes"}, "")
            with pytest.raises(CallerError, match="must be answered"):
                await s.ask(cmd.AgentDispose(actor_id="a1", conversation_id=own, disposition="informed", answers={}))
            await s.ask(cmd.AgentDispose(
                actor_id="a1", conversation_id=own, disposition="other", note="whole", answers={"wants": "no"},
                other_number="13900003333",
            ))  # fmt: skip
            await s.ask(cmd.AgentDraft(actor_id="a1", conversation_id=own, note="late"))
            await s.ask(cmd.AgentHangup(actor_id="a1"))
            await s.until(lambda: s.open_attempts() == 0, LONG_S)
            (row,) = s.attempts()
            assert (row.note, row.answers) == ("whole", {"wants": "no"})
            (lead,) = s.rows(models.Lead)
            assert (lead.state, lead.number) == ("waiting", "+8613900003333")
            assert [(n.number, n.position) for n in s.rows(models.ContactNumber)] == [("+8613900003333", 0)]

    asyncio.run(play())
