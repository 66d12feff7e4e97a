"""The simulated exchange against a small SIP client: messages, causes, sound, faults, truth."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from appliance.bench.behaviours import BEHAVIOURS
from appliance.bench.exchange import Exchange, TruthLog, read_truth
from appliance.bench.plan import DialPlan, GatewayPlan, NumberPlan
from appliance.bench.players import Playlist
from appliance.bench.rtp import Pacer
from appliance.bench.sip.dialog import Call, UserAgent
from appliance.bench.sip.endpoint import Endpoint
from appliance.bench.sounds import SoundLibrary, make_sounds
from audio.g711 import decode_alaw

pytestmark = pytest.mark.sim

GATEWAY, CLIENT = "127.0.1.9", "127.0.2.9"


@pytest.fixture(scope="module")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> SoundLibrary:
    return make_sounds(tmp_path_factory.mktemp("sounds") / "made")


def free_port(address: str) -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((address, 0))
        return int(probe.getsockname()[1])


class Bench:
    """An exchange with one gateway, and a client that dials it."""

    def __init__(self, exchange: Exchange, client: UserAgent, gateway: tuple[str, int]) -> None:
        self.exchange, self.client, self.gateway = exchange, client, gateway

    def dial(self, number: str) -> Call:
        return self.client.dial(f"sip:{number}@{self.gateway[0]}:{self.gateway[1]}", self.gateway)


Story = Callable[[Bench], Awaitable[Any]]


def play(
    sounds: SoundLibrary, tmp_path: Path, story: Story, *, gateway: dict[str, Any] | None = None
) -> list[dict[str, Any]]:
    """Run a story; each number 1380000nnnn behaves as the n-th behaviour. Returns the truth log."""
    names = list(BEHAVIOURS)

    async def run() -> None:
        port = free_port(GATEWAY)
        plan = DialPlan(
            numbers={number_of(n): fast(n) for n in names},
            gateways=[GatewayPlan(address=GATEWAY, port=port, **(gateway or {}))],
        )
        exchange = Exchange(plan, sounds, TruthLog(tmp_path / "truth.jsonl"))
        await exchange.start()
        endpoint = Endpoint()
        await endpoint.open(CLIENT, 0)
        pacer = Pacer(first_port=46000)
        client = UserAgent(endpoint, pacer, unexpected)
        try:
            async with asyncio.timeout(30):
                await story(Bench(exchange, client, (GATEWAY, port)))
        finally:
            await client.close()
            await exchange.stop()
            pacer.close()

    asyncio.run(run())
    return read_truth(tmp_path / "truth.jsonl")


async def unexpected(call: Call) -> None:
    raise AssertionError("nobody calls the client")


def fast(behaviour: str) -> NumberPlan:
    return NumberPlan(behaviour=behaviour, post_dial_delay_s=0.02, ring_s=0.1, pick_up_s=0.2, talk_s=3.0)


def number_of(behaviour: str) -> str:
    return f"1380000{1000 + list(BEHAVIOURS).index(behaviour)}"


def spectrum_peak_hz(alaw: bytes) -> float:
    samples = decode_alaw(alaw).astype(float)
    power = np.abs(np.fft.rfft(samples * np.hanning(samples.size)))
    return float(np.argmax(power) * 8000 / samples.size)


@pytest.mark.parametrize(
    ("behaviour", "status", "q850"),
    [
        ("vacant", 404, 1), ("busy", 486, 17), ("congestion", 503, 34), ("rejected", 603, 21),
        ("unavailable", 503, None),
    ],
)  # fmt: skip
def test_release_without_sound(
    sounds: SoundLibrary, tmp_path: Path, behaviour: str, status: int, q850: int | None
) -> None:
    async def story(bench: Bench) -> None:
        call = bench.dial("+86" + number_of(behaviour))
        assert await call.wait_status(200, 5) == status
        assert call.final is not None
        assert call.final.q850 == q850
        assert call.final.get("retry-after") == ("5" if behaviour == "unavailable" else "")
        assert call.rtp is not None
        assert call.rtp.received == 0

    truth = play(sounds, tmp_path, story)
    assert [(t["number"], t["behaviour"], t["truth"]) for t in truth] == [
        (number_of(behaviour), behaviour, BEHAVIOURS[behaviour].truth)
    ]
    assert truth[0]["answered_at"] is None


def test_early_sound_then_release(sounds: SoundLibrary, tmp_path: Path) -> None:
    expected = {
        "busy_tone": (486, 17, 450.0), "congestion_tone": (503, 34, 450.0), "vacant_sit": (404, 1, 985.2),
        "powered_off": (480, 20, None),
    }  # fmt: skip

    async def one(bench: Bench, behaviour: str, status: int, q850: int, hz: float | None) -> None:
        call = bench.dial("0" + number_of(behaviour))
        assert call.rtp is not None
        kept = call.rtp.kept = bytearray()
        assert await call.wait_status(183, 5) == 183
        assert await call.wait_status(200, 20) == status
        assert call.final is not None
        assert call.final.q850 == q850
        if hz is None:
            announcement = sounds.announcement(behaviour, "zh")
            assert abs(len(kept) - len(announcement)) < 0.2 * 8000, "heard whole, then released"
            assert bytes(kept[:1600]) == announcement[:1600]
        else:
            assert abs(spectrum_peak_hz(bytes(kept[:2400])) - hz) < 15

    async def story(bench: Bench) -> None:
        await asyncio.gather(*(one(bench, behaviour, *row) for behaviour, row in expected.items()))

    truth = play(sounds, tmp_path, story)
    assert {t["behaviour"]: t["truth"] for t in truth} == {name: BEHAVIOURS[name].truth for name in expected}


def test_person_says_hello_again_then_listens_and_takes_turns(sounds: SoundLibrary, tmp_path: Path) -> None:
    async def story(bench: Bench) -> None:
        call = bench.dial(number_of("human"))
        assert await call.wait_status(200, 5) == 200
        assert call.rtp is not None
        call.rtp.kept = bytearray()
        call.rtp.play(Playlist([sounds.sound("agents/a0/line_0")]))
        await call.wait_ended()
        assert call.ended_by == "remote_bye"
        assert 2.5 < len(call.rtp.kept) / 8000 < 3.5  # talk_s
        person = sounds.people[0]
        first = person.hello[0][800:1600]
        assert first in bytes(call.rtp.kept)

    truth = play(sounds, tmp_path, story)
    assert truth[0]["truth"] == "human"
    assert truth[0]["speech_onset_s"] == 0.2
    assert truth[0]["ended_by"] == "local"
    assert truth[0]["answered_at"] > truth[0]["invite_at"]


def test_voicemail_greets_and_fax_whistles(sounds: SoundLibrary, tmp_path: Path) -> None:
    async def story(bench: Bench) -> None:
        machine, fax = bench.dial(number_of("voicemail")), bench.dial(number_of("fax"))
        for call in (machine, fax):
            assert call.rtp is not None
            call.rtp.kept = bytearray()
            assert await call.wait_status(200, 5) == 200
        await machine.pause(2.5)
        assert machine.rtp is not None
        assert fax.rtp is not None
        assert abs(spectrum_peak_hz(bytes((fax.rtp.kept or b"")[8000:12000])) - 2100) < 5
        assert sounds.greetings[0][1600:3200] in bytes(machine.rtp.kept or b"")
        fax.hang_up()
        while bench.exchange.calls > 1:
            await asyncio.sleep(0.01)

    truth = play(sounds, tmp_path, story)
    assert {t["truth"] for t in truth} == {"machine", "fax"}
    assert next(t for t in truth if t["truth"] == "fax")["ended_by"] == "remote_bye"


def test_cancel_while_it_rings(sounds: SoundLibrary, tmp_path: Path) -> None:
    async def story(bench: Bench) -> None:
        call = bench.dial(number_of("no_answer"))
        assert await call.wait_status(180, 5) == 180
        call.hang_up()
        assert await call.wait_status(200, 5) == 487
        assert bench.exchange.calls == 0

    truth = play(sounds, tmp_path, story)
    assert (truth[0]["ended_by"], truth[0]["truth"], truth[0]["answered_at"]) == ("cancel", "no_answer", None)


def test_answer_then_drop(sounds: SoundLibrary, tmp_path: Path) -> None:
    async def story(bench: Bench) -> None:
        call = bench.dial(number_of("drop"))
        await call.wait_ended()
        assert call.answered
        assert call.ended_by == "remote_bye"

    assert play(sounds, tmp_path, story)[0]["truth"] == "silence"


def test_answer_without_description_is_hung_up(sounds: SoundLibrary, tmp_path: Path) -> None:
    async def story(bench: Bench) -> None:
        call = bench.dial(number_of("no_sdp"))
        await call.wait_ended()
        assert call.final is not None
        assert (call.final.status, call.final.body) == (200, b"")

    assert play(sounds, tmp_path, story)[0]["truth"] == "trunk_failed"


def test_garbage_and_silence_answer_nothing(sounds: SoundLibrary, tmp_path: Path) -> None:
    async def story(bench: Bench) -> None:
        for behaviour in ("malformed", "silent"):
            call = bench.dial(number_of(behaviour))
            assert await call.wait_status(100, 1.0) == 0

    play(sounds, tmp_path, story)


def test_lost_datagrams_are_sent_again(sounds: SoundLibrary, tmp_path: Path) -> None:
    async def story(bench: Bench) -> None:
        calls = [bench.dial(number_of("busy")) for _ in range(10)]
        assert [await call.wait_status(200, 20) for call in calls] == [486] * 10

    truth = play(sounds, tmp_path, story, gateway={"sip_loss": 0.3})
    assert len(truth) == 10, "a retransmitted INVITE is one call"


def test_gateway_that_refuses_and_reboots(sounds: SoundLibrary, tmp_path: Path) -> None:
    async def story(bench: Bench) -> None:
        gateway = bench.exchange.plan.gateways[0]
        talking = bench.dial(number_of("silence"))
        assert await talking.wait_status(200, 5) == 200
        bench.exchange.change(changed(bench.exchange.plan, gateway, refuse=503))
        refused = bench.dial(number_of("human"))
        assert await refused.wait_status(200, 5) == 503
        assert refused.final is not None
        assert refused.final.get("retry-after") == "5"
        bench.exchange.change(changed(bench.exchange.plan, gateway, reboots=1, reboot_s=0.3))
        after = bench.dial(number_of("busy"))
        assert await after.wait_status(200, 10) == 486, "the retransmitted INVITE finds the gateway up again"
        assert not talking.over, "a rebooted gateway says no BYE"

    truth = play(sounds, tmp_path, story)
    assert {t["behaviour"]: t["ended_by"] for t in truth} == {
        "silence": "reboot", "refused_503": "local", "busy": "local",
    }  # fmt: skip


def changed(plan: DialPlan, gateway: GatewayPlan, **fields: Any) -> DialPlan:
    same = {name: getattr(gateway, name) for name in ("address", "port")}
    return DialPlan(seed=plan.seed, mix=plan.mix, numbers=plan.numbers, gateways=[GatewayPlan(**same, **fields)])


def test_digits_go_both_ways(sounds: SoundLibrary, tmp_path: Path) -> None:
    async def story(bench: Bench) -> None:
        call = bench.dial(number_of("silence"))
        assert await call.wait_status(200, 5) == 200
        assert call.rtp is not None
        call.rtp.press("12#")
        await call.pause(1.0)
        call.hang_up()

    assert play(sounds, tmp_path, story)[0]["digits"] == "12#"


def test_many_calls_at_once_keep_their_pace(sounds: SoundLibrary, tmp_path: Path) -> None:
    received: list[int] = []

    async def story(bench: Bench) -> None:
        calls = [bench.dial(number_of("silence")) for _ in range(120)]
        for call in calls:
            assert await call.wait_status(200, 10) == 200
        assert bench.exchange.calls == 120
        before = [call.rtp.received if call.rtp else 0 for call in calls]
        await asyncio.sleep(2.0)  # the span over which packets are counted
        received.extend(c.rtp.received - b for c, b in zip(calls, before, strict=True) if c.rtp)
        assert sum(c.rtp.lost for c in calls if c.rtp) == 0

    truth = play(sounds, tmp_path, story)
    assert len(truth) == 120
    assert min(received) > 0
    assert max(received) - min(received) <= 5, "no call starves beside the others"
