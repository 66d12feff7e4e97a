"""Callers at the engine: matched, queued in order, given to agents, called back; and the engine killed under them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from appliance import commands as cmd
from appliance.errors import BusError, CallerError
from appliance.events import InboundUnserved, LiveRoom
from appliance.store import models
from appliance.store.read import inbound as read
from tests.integration.engine.callers import QUEUE_NUMBER, Caller
from tests.integration.engine.scene import CAMPAIGN, Scene, engine_process, scene

pytestmark = pytest.mark.integration

KNOWN, STRANGER = "+8613800000003", "+8613900000000"  # lead l3 of the scene; nobody's
WAIT_S = 60.0


@asynccontextmanager
async def called(folder: Path, *, agents: int = 1, in_process: bool = True, **config: Any) -> AsyncIterator[Scene]:
    async with scene(folder, in_process=False, agents=agents, numbers=5, channels=8) as s:
        plain = {"numbers": [QUEUE_NUMBER], "campaign_id": CAMPAIGN, "language": "en", **config}
        with s.store.write() as session:
            session.add(models.Queue(id="q1", name="Service", config=plain, created_at=datetime.now(UTC)))
        if in_process:
            await s.start_engine()
        yield s


async def until(s: Scene, condition: Callable[[], Any]) -> None:
    await s.until(condition, WAIT_S)


def row(s: Scene, caller: Caller) -> models.InboundCall:
    return next(r for r in s.rows(models.InboundCall) if r.id == caller.call_id)


def outcome(s: Scene, caller: Caller) -> str | None:
    return next((r.outcome for r in s.rows(models.InboundCall) if r.id == caller.call_id), None)


def play(folder: Path, story: Callable[[Scene], Awaitable[None]], **config: Any) -> None:
    async def run() -> None:
        async with called(folder, **config) as s:
            await story(s)

    asyncio.run(run())


def test_a_known_caller_reaches_the_agent_who_spoke_with_him_last(tmp_path: Path) -> None:
    async def story(s: Scene) -> None:
        with s.store.write() as session:
            session.get_one(models.Lead, "l3").last_agent_id = "a2"
        await s.seat(1, 2, 3)
        s.works = False
        caller = await Caller(s.bus, KNOWN).ring()
        await until(s, lambda: s.agent_state("a2") == "talking")
        live = s.agents["a2"]
        assert (live.direction, live.queue_name, live.campaign_name) == ("inbound", "Service", "First")
        assert live.record is not None
        assert (live.record["name"], live.record["known"]) == ("Person 3", True)
        await s.ask(cmd.AgentHold(actor_id="a2"))
        assert cmd.Hold(conversation_id=caller.call_id) in caller.commands
        await s.ask(cmd.AgentHangup(actor_id="a2"))
        await until(s, lambda: s.agent_state("a2") == "wrap_up")
        await s.ask(cmd.AgentDispose(
            actor_id="a2", conversation_id=caller.call_id, disposition="refused", note="no money",
        ))  # fmt: skip
        await until(s, lambda: s.agent_state("a2") == "ready")
        await until(s, lambda: outcome(s, caller) == "connected")
        written = row(s, caller)
        assert (written.contact_id, written.lead_id, written.agent_id) == ("k3", "l3", "a2")
        assert (written.disposition, written.note) == ("refused", "no money")
        again = await Caller(s.bus, KNOWN).ring()
        await until(s, lambda: s.agent_state("a2") == "talking")
        history = (s.agents["a2"].record or {})["history"]
        assert [(line["direction"], line["note"]) for line in history] == [("inbound", "no money")]
        await again.hang_up()
        await until(s, lambda: outcome(s, again) == "connected")

    play(tmp_path, story, agents=3)


def test_three_wait_for_one_agent_in_their_order(tmp_path: Path) -> None:
    async def story(s: Scene) -> None:
        await s.seat(1)
        callers = []
        for n in range(3):
            callers.append(await Caller(s.bus, f"+861390000001{n}").ring())
            await until(s, lambda: callers[-1].has_music)
        first, second, third = callers
        await until(s, lambda: s.agent_state("a1") == "talking")
        assert first.bridged_to == "a1"
        await until(s, lambda: "en-position-2" in third.heard)
        assert "en-position-1" in second.heard
        assert "en-callback-offer" in third.heard
        room = live_room(await s.ask(cmd.LiveView()))
        queue = room.queues[0]
        assert (queue.name, queue.waiting, queue.agents, queue.talking) == ("Service", 2, 1, 1)
        assert queue.waits_since_unix_s is not None
        for caller, next_one in ((first, second), (second, third)):
            await caller.hang_up()
            await until(s, lambda one=next_one: one.bridged_to == "a1")
        await third.hang_up()
        await until(s, lambda: all(outcome(s, c) == "connected" for c in callers))
        waits = [row(s, c).wait_s for c in callers]
        assert waits == sorted(waits)

    play(tmp_path, story)


def live_room(done: cmd.Done) -> LiveRoom:
    return msgspec.convert(done.data, LiveRoom)


def test_an_unknown_caller_becomes_a_customer(tmp_path: Path) -> None:
    async def story(s: Scene) -> None:
        await s.seat(1)
        s.works = False
        caller = await Caller(s.bus, "013900000000").ring()  # a trunk without number rules
        await until(s, lambda: s.agent_state("a1") == "talking")
        record = s.agents["a1"].record or {}
        assert (record["number"], record["known"], record["country"], record["name"]) == (STRANGER, False, "CN", "")
        with pytest.raises(CallerError):
            await s.ask(cmd.AddCaller(actor_id="a1", conversation_id=caller.call_id, name=" "))
        with s.store.write() as session:
            config = {"id": "tariff", "label": "Tariff", "kind": "choice", "choices": ["A", "B"]}
            session.add(models.ContactField(id="tariff", position=0, config=config))
        with pytest.raises(CallerError):
            await s.ask(cmd.AddCaller(actor_id="a1", conversation_id=caller.call_id, name="W", custom={"tariff": "C"}))
        own = {"tariff": "B", "none": "x"}
        await s.ask(cmd.AddCaller(actor_id="a1", conversation_id=caller.call_id, name="Wang", custom=own))
        await until(s, lambda: (s.agents["a1"].record or {}).get("name") == "Wang")
        await caller.hang_up()
        await until(s, lambda: outcome(s, caller) == "connected")
        lead = next(one for one in s.rows(models.Lead) if one.number == STRANGER)
        assert (lead.campaign_id, lead.name, lead.state, lead.last_agent_id) == (CAMPAIGN, "Wang", "done", "a1")
        assert next(one for one in s.rows(models.Contact) if one.id == lead.contact_id).custom == {"tariff": "B"}

    play(tmp_path, story)


def test_who_presses_one_is_called_back_before_the_list(tmp_path: Path) -> None:
    async def story(s: Scene) -> None:
        caller = await Caller(s.bus, STRANGER).ring()
        await until(s, lambda: "en-callback-offer" in caller.heard)
        caller.press("1")
        await until(s, lambda: outcome(s, caller) == "callback_asked")
        assert caller.heard[-1] == "en-callback-promised"
        await s.seat(1)
        await s.act("start")
        await until(s, lambda: s.switch.originated)
        assert s.switch.originated[0].number == STRANGER

    play(tmp_path, story)


def test_closed_or_nobody_s_number(tmp_path: Path) -> None:
    async def story(s: Scene) -> None:
        await s.seat(1)
        closed = await Caller(s.bus, STRANGER).ring()
        nobody_s = await Caller(s.bus, STRANGER, called="+861012121212").ring()
        await until(s, lambda: outcome(s, closed) and outcome(s, nobody_s))
        assert (outcome(s, closed), outcome(s, nobody_s)) == ("closed", "closed")
        assert (closed.heard, nobody_s.heard) == (["en-closed"], ["closed"])
        assert s.agent_state("a1") == "ready"

    play(tmp_path, story, hours={})


def test_who_hangs_up_in_the_queue_is_missed_and_called_back(tmp_path: Path) -> None:
    async def story(s: Scene) -> None:
        callers = [await Caller(s.bus, number).ring() for number in (STRANGER, KNOWN, "anonymous")]
        for caller in callers:
            await until(s, lambda one=caller: one.has_music)
            await caller.hang_up()
        await until(s, lambda: all(outcome(s, c) == "abandoned_in_queue" for c in callers))
        missed = read.missed(s.store)
        assert {(m.caller, m.name, m.queue_name) for m in missed} == {
            (KNOWN, "Person 3", "Service"), (STRANGER, "", "Service"),
        }  # fmt: skip
        assert len(read.missed(s.store, open_only=False)) == 3
        done = await s.ask(cmd.CallBackMissed(actor_id="boss", call_ids=tuple(c.call_id for c in callers)))
        assert done.data == {"called_back": 2, "skipped": 1}
        assert read.missed(s.store) == []
        await s.seat(1)
        await s.act("start")
        await until(s, lambda: len(s.switch.originated) >= 2)
        assert {o.number for o in s.switch.originated[:2]} == {KNOWN, STRANGER}

    play(tmp_path, story)


def test_callers_come_before_the_list_and_hear_the_notice_that_the_rules_want(tmp_path: Path) -> None:
    async def story(s: Scene) -> None:
        with s.store.write() as session:
            campaign = session.get_one(models.Campaign, CAMPAIGN)
            campaign.config = {**campaign.config, "rule_profile": "ru"}
        await s.start_engine()
        await s.seat(1)
        first = await Caller(s.bus, STRANGER).ring()
        await until(s, lambda: first.bridged_to == "a1")
        assert first.heard[0] == "en-notice"
        await s.act("start")
        second = await Caller(s.bus, "+8613900000009").ring()
        await until(s, lambda: second.has_music)
        await first.hang_up()
        await until(s, lambda: second.bridged_to == "a1")
        assert not s.switch.originated
        await second.hang_up()
        await until(s, lambda: outcome(s, second) == "connected")
        await until(s, lambda: s.agent_state("a1") == "ready")

    play(tmp_path, story, in_process=False)


def test_a_dead_phone_and_a_worker_that_vanishes(tmp_path: Path) -> None:
    async def story(s: Scene) -> None:
        await s.seat(1, 2)
        caller = Caller(s.bus, KNOWN)
        caller.dead_seats = {"s1"}
        await caller.ring()
        await until(s, lambda: caller.bridged_to == "a2")
        await until(s, lambda: s.agent_state("a1") == "paused")
        await caller.stop()  # no beat any more, no word
        await until(s, lambda: outcome(s, caller) == "connected")
        await until(s, lambda: s.agent_state("a2") == "ready")

    play(tmp_path, story, agents=2)


def test_who_was_refused_by_the_edge_is_a_missed_call(tmp_path: Path) -> None:
    async def story(s: Scene) -> None:
        refused = InboundUnserved(
            conversation_id="u1", attempt_id="u1", seq=1, at_unix_s=time.time(), trunk_id="t1", caller=KNOWN,
            called=QUEUE_NUMBER,
        )  # fmt: skip
        for _ in range(2):  # told twice
            s.bus.publish_event(refused)
        await until(s, lambda: len(read.missed(s.store)) == 1)
        (one,) = read.missed(s.store)
        assert (one.outcome, one.caller, one.contact_id, one.queue_name) == ("missed", KNOWN, "k3", "Service")

    play(tmp_path, story, agents=1)


async def _answers(s: Scene) -> None:
    async with asyncio.timeout(WAIT_S):
        while True:
            try:
                await s.ask(cmd.LiveView())
            except BusError:
                await asyncio.sleep(0.05)
            else:
                return


def test_the_engine_is_killed_while_callers_wait_and_talk(tmp_path: Path) -> None:
    async def run() -> None:
        async with called(tmp_path, in_process=False) as s:
            process = engine_process(s.home)
            await _answers(s)
            await s.seat(1)
            talks = await Caller(s.bus, KNOWN).ring()
            await until(s, lambda: s.agent_state("a1") == "talking")
            waits = await Caller(s.bus, STRANGER).ring()
            leaves = await Caller(s.bus, "+8613900000007").ring()
            await until(s, lambda: waits.has_music and leaves.has_music)
            await until(s, lambda: len([r for r in s.rows(models.InboundCall) if r.state == "waiting"]) == 2)
            process.kill()
            process.wait(5)
            await leaves.hang_up()  # nobody is there to hear it
            rings = await Caller(s.bus, "+8613900000008").ring()
            told = len(waits.commands)
            process = engine_process(s.home)
            try:
                await _answers(s)
                await until(s, lambda: outcome(s, leaves) == "abandoned_in_queue")
                await until(s, lambda: len(waits.commands) > told and rings.has_music)
                assert s.agent_state("a1") == "talking"
                await talks.hang_up()
                await until(s, lambda: waits.bridged_to == "a1")
                assert not rings.bridged_to
                await waits.hang_up()
                await until(s, lambda: rings.bridged_to == "a1")
                await rings.hang_up()
                await until(s, lambda: all(outcome(s, c) == "connected" for c in (talks, waits, rings)))
                await until(s, lambda: s.agent_state("a1") == "ready")
            finally:
                process.terminate()
                assert process.wait(10) == 0

    asyncio.run(run())
