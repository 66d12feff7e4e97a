"""Callers with real SIP and RTP: what they hear while they wait, and who gets them, on a box that runs whole."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pytest
from sqlalchemy import select

from appliance import commands as cmd
from appliance.bench import box as boxes
from appliance.bench.callers import callers_file, heard_file, read_callers
from appliance.bench.plan import CallerPlan, DialPlan, GatewayPlan, load_plan, plan_file, save_plan
from appliance.bench.provide import provide
from appliance.bus import Bus
from appliance.errors import BusError
from appliance.events import LiveAgent
from appliance.settings import Home, Settings, save_settings
from appliance.store import models
from appliance.store.db import Store
from appliance.store.read import recordings
from appliance.telephony.edge import control
from appliance.watch.supervision import status
from audio.g711 import decode_alaw

pytestmark = pytest.mark.integration

OPEN, SHUT = "01088886666", "01088887777"  # as the gateway shows them
SLOTS, IDLE = 6, 3
NOTES_HZ = (262.0, 294.0, 330.0, 349.0, 392.0, 440.0, 523.0, 587.0)
WAIT_S = 60.0


@dataclass
class Box:
    """One box for all of the module."""

    home: Home
    settings: Settings
    store: Store
    bus: Bus | None = None
    agents: dict[str, LiveAgent] = field(default_factory=dict)

    async def ask(self, command: cmd.Command) -> cmd.Done:
        assert self.bus is not None
        return await self.bus.request(command, timeout_s=10)

    async def on_agent(self, _topic: str, live: Any) -> None:
        self.agents[live.agent_id] = live

    def agent_state(self, agent_id: str) -> str:
        return self.agents[agent_id].state if agent_id in self.agents else ""

    async def dispose(self, agent_id: str) -> None:
        """Wait for the wrap-up and end it."""
        await self.until(lambda: self.agent_state(agent_id) == "wrap_up")
        conversation_id = self.agents[agent_id].conversation_id or ""
        await self.ask(cmd.AgentDispose(actor_id=agent_id, conversation_id=conversation_id, disposition="informed"))

    def call(self, *callers: CallerPlan) -> None:
        """Let these people call."""
        plan = load_plan(plan_file(self.home))
        save_plan(self.home, msgspec.structs.replace(plan, callers=[*plan.callers, *callers]))

    def through(self) -> dict[str, dict[str, Any]]:
        return read_callers(callers_file(self.home))

    def row(self, number: str) -> models.InboundCall | None:
        """The newest call of a number."""
        with self.store.read() as session:
            return session.scalars(
                select(models.InboundCall).where(models.InboundCall.caller == number)
                .order_by(models.InboundCall.at.desc())
            ).first()  # fmt: skip

    def state(self, number: str) -> str:
        row = self.row(number)
        return (row.outcome or row.state) if row is not None else ""

    def waited_s(self, number: str) -> float:
        row = self.row(number)
        return (datetime.now(UTC) - row.queued_at).total_seconds() if row is not None and row.queued_at else 0.0

    def recorded_for(self, agent_id: str) -> bool:
        """Is there a recording of this agent, found by its caller's number?"""
        found = recordings.search(self.store, recordings.RecordingFilter(agent_id=agent_id, number="13900000001"))
        return [(r.direction, r.name) for r in found.rows] == [("inbound", "Li")]

    async def until(self, condition: Callable[[], Any]) -> None:
        async with asyncio.timeout(WAIT_S):
            while not condition():
                await asyncio.sleep(0.05)


@pytest.fixture
def box() -> Iterator[Box]:
    with boxes.temporary_home() as home:
        network = boxes.choose_network()
        settings = boxes.private_settings(home, network)
        settings = save_settings(home, {"sip": {"slots": SLOTS, "idle_workers": IDLE}})
        boxes.provide_sounds(home, lambda *_: None)
        store = boxes.prepare(home, settings)
        plan = DialPlan(
            gateways=[GatewayPlan(address=f"127.{network}.1.1")],
            box=(settings.sip.trunk_address, settings.sip.trunk_port),
        )
        _write_rows(store)
        provide(home, settings, store, plan=plan, seats=2, network=network)
        try:
            with boxes.running_box(home, settings):
                boxes.wait_registered(home, 2)
                yield Box(home, settings, store)
        finally:
            store.close()


def _write_rows(store: Store) -> None:
    now = datetime.now(UTC)
    with store.write() as session:
        for user_id in ("a1", "a2"):
            session.add(models.User(id=user_id, login=user_id, role="agent", password_hash="!", created_at=now))
        session.add(
            models.Campaign(id="c1", name="First", mode="progressive", state="draft", config={}, created_at=now)
        )
        session.add(models.Contact(id="k1", number="+8613900000001", name="Li", created_at=now))
        common: dict[str, Any] = {"language": "en", "campaign_id": "c1", "announce_every_s": 20}
        for queue_id, number, more in (("q1", "+861088886666", {}), ("q2", "+861088887777", {"hours": {}})):
            config = {**common, **more, "numbers": [number]}
            session.add(models.Queue(id=queue_id, name=queue_id, config=config, created_at=now))
        session.flush()
        session.add(models.Lead(
            id="l1", campaign_id="c1", contact_id="k1", number="+8613900000001", name="Li", state="waiting",
            next_attempt_at=now, last_agent_id="a2",
        ))  # fmt: skip


@asynccontextmanager
async def on_the_bus(box: Box) -> AsyncIterator[Box]:
    box.bus = Bus(box.settings.bus, name="test")
    await box.bus.connect()
    await box.bus.subscribe_live("agent.*", box.on_agent)
    try:
        await _engine_answers(box)
        await box.until(lambda: len(control.idle_workers(box.home)) >= IDLE)
        yield box
    finally:
        await box.bus.close()


def _tonal(sound: npt.NDArray[np.float64]) -> float:
    """Share of tenths of a second that are a note of the music."""
    blocks = [sound[i : i + 800] for i in range(0, len(sound) - 800, 800)]
    hz_of = np.arange(401) * 10.0
    notes = 0
    for block in blocks:
        power = np.abs(np.fft.rfft(block * np.hanning(len(block)))) ** 2
        loudest_hz = hz_of[int(np.argmax(power))]
        is_note = any(abs(loudest_hz - hz * octave) < 12 for hz in NOTES_HZ for octave in (1, 2))
        around = sum(power[np.abs(hz_of - loudest_hz * octave) < 25].sum() for octave in (0.5, 1, 2))
        notes += is_note and around > 0.9 * power.sum() > 0
    return notes / max(1, len(blocks))


def _heard(box: Box, caller_id: str) -> npt.NDArray[np.float64]:
    return decode_alaw(heard_file(box.home, caller_id).read_bytes()).astype(np.float64)


def _level_dbov(sound: npt.NDArray[np.float64]) -> float:
    return 10 * float(np.log10(np.mean(sound**2) / 32768.0**2 + 1e-12))


def test_the_last_agent_and_a_closed_queue(box: Box) -> None:
    async def story() -> None:
        async with on_the_bus(box):
            for agent_id, seat_id in (("a1", "s01"), ("a2", "s02")):
                await box.ask(cmd.AgentLogin(actor_id=agent_id, seat_id=seat_id, ready=True))
            box.call(
                CallerPlan(id="known", caller="013900000001", called=OPEN, stays_s=12.0, keep=True),
                CallerPlan(id="shut", caller="013900000002", called=SHUT, stays_s=40.0, keep=True),
            )
            await box.until(lambda: box.agent_state("a2") == "talking")
            record = box.agents["a2"].record or {}
            assert (record["name"], box.agents["a2"].direction) == ("Li", "inbound")
            await box.until(lambda: {"known", "shut"} <= box.through().keys())
            await box.until(lambda: box.state("+8613900000001") == "connected")
            await box.until(lambda: box.state("+8613900000002") == "closed")
            assert box.through()["shut"]["ended_by"] == "remote_bye"
            assert _level_dbov(_heard(box, "shut")) > -40
            assert _tonal(_heard(box, "shut")) < 0.5
            assert _level_dbov(_heard(box, "known")) > -45  # the agent's voice
            assert box.agent_state("a1") == "ready"
            await box.until(lambda: box.recorded_for("a2"))
            await box.dispose("a2")
            for agent_id in ("a1", "a2"):
                await box.ask(cmd.AgentLogout(actor_id=agent_id))

    asyncio.run(story())


def test_three_in_the_queue_music_a_key_and_a_killed_engine(box: Box) -> None:
    async def story() -> None:
        async with on_the_bus(box):
            await box.ask(cmd.AgentLogin(actor_id="a1", seat_id="s01", ready=True))
            box.call(CallerPlan(id="first", caller="013900000011", called=OPEN, stays_s=150.0))
            await box.until(lambda: box.agent_state("a1") == "talking")
            box.call(CallerPlan(id="second", caller="013900000012", called=OPEN, stays_s=200.0, keep=True))
            await box.until(lambda: box.state("+8613900000012") == "waiting")
            box.call(
                CallerPlan(id="presses", caller="013900000013", called=OPEN, stays_s=60.0, presses=[(3.0, "1")]),
                CallerPlan(id="leaves", caller="013900000014", called=OPEN, stays_s=4.0),
            )
            await box.until(lambda: box.state("+8613900000014") == "abandoned_in_queue")
            await box.until(lambda: box.state("+8613900000013") == "callback_asked")
            await box.until(lambda: "presses" in box.through())
            assert box.through()["presses"]["ended_by"] == "remote_bye"
            with box.store.read() as session:
                lead = session.scalars(select(models.Lead).where(models.Lead.number == "+8613900000013")).one()
            assert (lead.state, lead.campaign_id) == ("waiting", "c1")
            engine = next(s for s in status(box.home) if s.name == "engine")
            os.kill(engine.pid, signal.SIGKILL)
            await box.until(lambda: next(s for s in status(box.home) if s.name == "engine").pid not in (0, engine.pid))
            await _engine_answers(box)
            assert box.state("+8613900000012") == "waiting"
            await box.until(lambda: box.waited_s("+8613900000012") > 20)  # words and music, words again
            await box.ask(cmd.AgentHangup(actor_id="a1"))
            await box.until(lambda: box.state("+8613900000011") == "connected")
            await box.dispose("a1")
            await box.until(lambda: box.state("+8613900000012") == "talking")
            await box.until(lambda: box.agent_state("a1") == "talking")
            await box.ask(cmd.AgentHangup(actor_id="a1"))
            await box.until(lambda: box.state("+8613900000012") == "connected")
            await box.until(lambda: "second" in box.through())
            waited = box.row("+8613900000012")
            assert waited is not None
            heard = _heard(box, "second")[: int(waited.wait_s * 8000)]
            share = _tonal(heard)
            assert 0.03 < share < 0.95, "music, and words between"  # on a quick machine 20 s hold little music
            assert _level_dbov(heard) > -40
            await box.dispose("a1")
            await box.ask(cmd.AgentLogout(actor_id="a1"))

    asyncio.run(story())


async def _engine_answers(box: Box) -> None:
    async with asyncio.timeout(WAIT_S):
        while True:
            try:
                await box.ask(cmd.LiveView())
            except BusError:
                await asyncio.sleep(0.1)
            else:
                return


def test_more_callers_than_the_box_has_places(box: Box) -> None:
    async def story() -> None:
        async with on_the_bus(box):
            many = [
                CallerPlan(id=f"many{n}", caller=f"0139000001{n:02d}", called=OPEN, at_s=0.3 * n, stays_s=10.0)
                for n in range(SLOTS + 2)
            ]
            box.call(*many)
            await box.until(lambda: {c.id for c in many} <= box.through().keys())
            lines = [box.through()[c.id] for c in many]
            refused = [line for line in lines if line["answered_at"] is None]
            assert 2 <= len(refused) < len(many)
            assert {(line["status"], line["retry_after"]) for line in refused} == {(503, "5")}
            taken = [line["caller"] for line in lines if line["answered_at"] is not None]
            await box.until(lambda: all(box.state("+86" + n[1:]) == "abandoned_in_queue" for n in taken))
            await box.until(lambda: len(control.idle_workers(box.home)) >= IDLE)
            box.call(CallerPlan(id="after", caller="013900000199", called=OPEN, stays_s=2.0))
            await box.until(lambda: box.state("+8613900000199") == "abandoned_in_queue")

    asyncio.run(story())
