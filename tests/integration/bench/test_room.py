"""Bench phones at the real edge: registration, auto-answer, sound, and the ways a phone can fail."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator

import msgspec
import pytest

from appliance.bench.baresip import modules_folder
from appliance.bench.phones import Room
from appliance.bench.plan import DialPlan, GatewayPlan
from appliance.bench.players import Playlist
from appliance.bench.provide import provide
from appliance.bench.room import PhoneSpec, RoomPlan, load_room
from appliance.bench.rtp import Pacer
from appliance.bench.sip.dialog import Call, UserAgent
from appliance.bench.sip.endpoint import Endpoint
from appliance.bench.sounds import SoundLibrary, make_sounds
from appliance.settings import Home, Settings, load_settings
from appliance.telephony.edge import subscribers
from tests.databases import new_store

pytestmark = pytest.mark.integration

AUTO_ANSWER = {"X-Callbox-Leg": "seat", "Call-Info": "<sip:callbox>;answer-after=0"}


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Home, Settings]]:
    """A home with five seats and its edge running."""
    home = Home(tmp_path_factory.mktemp("home"))
    home.make()
    settings = load_settings(home)
    store = new_store(home, settings)
    provide(home, settings, store, plan=DialPlan(gateways=[GatewayPlan()]), seats=5)
    store.close()
    with (home.logs / "edge.log").open("wb") as log:
        edge = subprocess.Popen(
            [sys.executable, "-m", "appliance.services", "edge"],
            env={**os.environ, "CALLBOX_HOME": str(home.root)}, cwd=home.root, stdout=log, stderr=log,
        )  # fmt: skip
    try:
        wait_open(settings.sip.seat_address, settings.sip.seat_port)
        yield home, settings
    finally:
        edge.terminate()
        edge.wait(10)


def wait_open(address: str, port: int) -> None:
    deadline = time.monotonic() + 20
    while True:
        with socket.socket() as probe:
            if probe.connect_ex((address, port)) == 0:
                return
        assert time.monotonic() < deadline, f"nothing listens on {address}:{port}"
        time.sleep(0.05)


@pytest.fixture(scope="module")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> SoundLibrary:
    return make_sounds(tmp_path_factory.mktemp("sounds") / "made")


class Scene:
    """The room, and a caller where a worker stands (behind the edge's inner socket)."""

    def __init__(self, home: Home, settings: Settings, room: Room, caller: UserAgent) -> None:
        self.home, self.settings, self.room, self.caller = home, settings, room, caller

    def ring(self, seat_id: str, headers: dict[str, str] = AUTO_ANSWER) -> Call:
        sip = self.settings.sip
        return self.caller.dial(
            f"sip:{seat_id}@{sip.realm}", (sip.worker_address, sip.edge_worker_port), headers=headers
        )

    async def registered(self, count: int) -> set[str]:
        async with asyncio.timeout(20):
            while True:
                seats = {r.seat_id for r in subscribers.registrations(self.home)}
                if len(seats) == count:
                    return seats
                await asyncio.sleep(0.05)


def play(
    box: tuple[Home, Settings], sounds: SoundLibrary, plan: RoomPlan, story: Callable[[Scene], Awaitable[None]]
) -> None:
    home, settings = box

    async def run() -> None:
        room = Room(home, settings, sounds)
        endpoint = Endpoint()
        await endpoint.open(settings.sip.worker_address, settings.sip.worker_port_base)
        pacer = Pacer(first_port=settings.sip.rtp_port_base)
        caller = UserAgent(endpoint, pacer, nobody)
        try:
            await room.follow(plan)
            async with asyncio.timeout(40):
                await story(Scene(home, settings, room, caller))
        finally:
            await caller.close()
            await room.close()
            pacer.close()

    asyncio.run(run())


async def nobody(call: Call) -> None:
    call.reject(486)


def broken(plan: RoomPlan, fault: str, *, seat_id: str) -> RoomPlan:
    phones = [msgspec.structs.replace(p, fault=fault) if p.seat_id == seat_id else p for p in plan.phones]
    return msgspec.structs.replace(plan, phones=phones)


def test_phones_register_answer_speak_and_fail(box: tuple[Home, Settings], sounds: SoundLibrary) -> None:
    plan = load_room(box[0])
    assert [p.kind for p in plan.phones[:2]] == (["baresip"] * 2 if modules_folder() else ["sip"] * 2)

    async def story(scene: Scene) -> None:
        assert await scene.registered(5) == {p.seat_id for p in plan.phones}
        for seat_id in ("s01", "s04"):  # baresip, and the bench's own
            call = scene.ring(seat_id)
            assert await call.wait_status(200, 5) == 200
            assert call.rtp is not None
            call.rtp.kept = bytearray()
            call.rtp.play(Playlist([]))
            await call.pause(1.5)
            heard = bytes(call.rtp.kept)
            assert len(heard) > 0.8 * 1.5 * 8000
            assert len(set(heard)) > 20, "the agent's voice, not silence"
            call.hang_up()
        await scene.room.follow(broken(plan, "refuse", seat_id="s04"))
        refused = scene.ring("s04")
        assert await refused.wait_status(200, 5) == 603
        await scene.room.follow(broken(plan, "silent", seat_id="s04"))
        silent = scene.ring("s04")
        assert await silent.wait_status(180, 5) == 180
        assert await silent.wait_status(200, 1.0) == 0
        silent.hang_up()
        assert await silent.wait_status(200, 5) == 487
        await scene.room.follow(broken(plan, "dead", seat_id="s04"))
        dead = scene.ring("s04")
        assert await dead.wait_status(200, 15) in (408, 480, 500)
        await scene.room.follow(plan)
        mended = scene.ring("s04")
        assert await mended.wait_status(200, 5) == 200
        mended.hang_up()

    play(box, sounds, plan, story)


def test_unplugged_phone_and_wrong_password_are_not_reachable(
    box: tuple[Home, Settings], sounds: SoundLibrary
) -> None:
    plan = load_room(box[0])
    guesser = msgspec.structs.replace(plan.phones[4], password="not-the-password", kind="sip")
    good = msgspec.structs.replace(plan.phones[3], kind="sip")

    async def story(scene: Scene) -> None:
        assert await scene.registered(1) == {good.seat_id}
        registration = scene.room.phones[guesser.seat_id].registration
        assert registration is not None
        async with asyncio.timeout(10):
            while not registration.last_status:
                await asyncio.sleep(0.02)
        assert registration.last_status == 401
        absent = scene.ring(guesser.seat_id)
        assert await absent.wait_status(200, 5) == 480
        await scene.room.follow(RoomPlan(phones=[]))
        assert await scene.registered(0) == set()

    play(box, sounds, RoomPlan(phones=[good, guesser]), story)


def test_address_in_use_is_said_and_the_others_work(box: tuple[Home, Settings], sounds: SoundLibrary) -> None:
    plan = load_room(box[0])
    first, second = (msgspec.structs.replace(p, kind="sip") for p in plan.phones[2:4])
    clash = PhoneSpec(seat_id="s05", password=plan.phones[4].password, address=first.address)

    async def story(scene: Scene) -> None:
        assert await scene.registered(2) == {first.seat_id, second.seat_id}
        assert "s05" not in scene.room.phones

    play(box, sounds, RoomPlan(phones=[first, second, clash]), story)
