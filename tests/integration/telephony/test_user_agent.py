"""What the switch puts on the wire and takes from it, against a far end that looks at every message."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from appliance.bench.players import Playlist
from appliance.bench.rtp import Pacer
from appliance.bench.sip.dialog import Call, UserAgent
from appliance.bench.sip.endpoint import Endpoint
from appliance.bench.switch_rig import SwitchRig
from appliance.commands import ConnectSeat, HandOver, Hangup, SendDtmf
from appliance.events import (
    Bridged,
    ConversationEnded,
    DtmfReceived,
    HandedOver,
    LegAnswered,
    LegEnded,
    RecordingClosed,
    RecordingStarted,
)
from appliance.telephony.control import process_start_ticks
from appliance.telephony.recording import read_sidecar, read_spool
from appliance.types import LegRole
from audio import g711, synth

pytestmark = pytest.mark.integration

EDGE_PORT = 5062


class Gateway:
    """A user agent in a thread of its own that answers everything and keeps its calls."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.calls: list[Call] = []
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()
        self.pacer = Pacer()
        self.agent: UserAgent = self.run(self._open())

    async def _open(self) -> UserAgent:
        endpoint = Endpoint()
        await endpoint.open("127.0.0.1", EDGE_PORT)
        return UserAgent(endpoint, self.pacer, self._on_call)

    async def _on_call(self, call: Call) -> None:
        self.calls.append(call)
        call.progress(180)
        call.answer()
        await call.wait_ended()

    def run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(20)

    def do(self, action: Callable[[], Any]) -> Any:
        async def body() -> Any:
            return action()

        return self.run(body())

    def close(self) -> None:
        self.run(self.agent.close())
        self.pacer.close()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(5)
        self.loop.close()


@pytest.fixture(scope="module")
def gateway() -> Iterator[Gateway]:
    one = Gateway()
    yield one
    one.close()


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory, gateway: Gateway) -> Iterator[SwitchRig]:
    assert gateway.agent is not None
    with SwitchRig(tmp_path_factory.mktemp("box"), edge_port=EDGE_PORT, slots=16, idle_workers=2) as running:
        yield running


def _answered(rig: SwitchRig, gateway: Gateway) -> tuple[str, Call]:
    before = len(gateway.calls)
    call = rig.dial("+8613800138000", caller_id="+861012345678")
    rig.wait_for(call, LegAnswered)
    return call, gateway.calls[before]


def _end(rig: SwitchRig, call: str) -> None:
    rig.command(Hangup(conversation_id=call))
    rig.wait_for(call, ConversationEnded)


def test_the_invite_says_what_the_edge_needs(rig: SwitchRig, gateway: Gateway) -> None:
    call, trunk = _answered(rig, gateway)
    rig.command(ConnectSeat(conversation_id=call, seat_id="seat1", agent_id="a1"))
    rig.wait_for(call, Bridged)
    seat = gateway.calls[-1]
    assert trunk.invite.uri.startswith("sip:+8613800138000@callbox")
    assert trunk.invite.get("x-callbox-trunk") == "bench"
    assert "sip:+861012345678@callbox" in trunk.invite.get("from")
    assert seat.invite.get("x-callbox-leg") == "seat"
    assert "answer-after=0" in seat.invite.get("call-info")
    for leg, address in ((trunk, "127.0.2.1"), (seat, "127.0.2.2")):
        assert f"c=IN IP4 {address}".encode() in leg.invite.body, "SDP carries the side's own address"
        assert b"telephone-event" in leg.invite.body
        assert "127.0.0.1:" in leg.invite.get("contact"), "signalling stays inside"
        assert leg.invite.get("via").count("127.0.0.1")
    _end(rig, call)


def test_digits_go_and_come_as_events(rig: SwitchRig, gateway: Gateway) -> None:
    call, trunk = _answered(rig, gateway)
    port = trunk.rtp
    assert port is not None
    assert rig.until(lambda: port.received > 5, 5)
    rig.command(SendDtmf(conversation_id=call, digits="19#"))
    rig.until(lambda: len(port.digits) == 3, 3)
    assert port.digits == "19#"
    gateway.do(lambda: port.press("5*"))
    assert rig.until(lambda: "".join(e.digit for e in rig.events(call, DtmfReceived)) == "5*", 5)
    _end(rig, call)


def test_a_caller_from_outside_hears_the_prompt_and_a_busy_worker_refuses(rig: SwitchRig, gateway: Gateway) -> None:
    assert rig.until(lambda: len(_idle_ports(rig)) == rig.settings.sip.idle_workers, 10), "the last call's worker goes"
    idle = min(_idle_ports(rig))
    caller: Call = gateway.do(
        lambda: gateway.agent.dial(
            "sip:1000@callbox", ("127.0.0.1", idle), headers={"X-Callbox-Leg": "seat", "X-Callbox-Seat": "seat4"}
        )
    )
    assert gateway.run(caller.wait_status(200, 3)) == 200
    assert caller.final is not None
    assert b"c=IN IP4 127.0.2.2" in caller.final.body, "a phone is answered from the seats' side"
    assert caller.rtp is not None
    caller.rtp.kept = bytearray()
    answered = [e for e in rig.events(kind=LegAnswered) if e.seat_id == "seat4"]
    assert rig.until(lambda: bool([e for e in rig.events(kind=LegAnswered) if e.seat_id == "seat4"]), 3)
    answered = [e for e in rig.events(kind=LegAnswered) if e.seat_id == "seat4"]
    began_s = time.monotonic()
    second: Call = gateway.do(lambda: gateway.agent.dial("sip:1000@callbox", ("127.0.0.1", idle)))
    assert gateway.run(second.wait_status(400, 3)) == 486
    assert time.monotonic() - began_s < 2.0
    kept = caller.rtp.kept
    assert rig.until(lambda: len(kept) > 8000, 5)
    assert np.abs(g711.decode_alaw(bytes(kept))).max() > 500, "the closed prompt is heard"
    gateway.do(caller.hang_up)
    end = rig.wait_for(answered[0].conversation_id, ConversationEnded)
    assert not end.lost
    leg = rig.wait_for(end.conversation_id, LegEnded)
    assert not leg.by_us


def _idle_ports(rig: SwitchRig) -> list[int]:
    """SIP ports of workers that have no conversation."""
    base, slots = rig.settings.sip.worker_port_base, rig.settings.sip.slots
    bound = {int(line.split()[1].split(":")[1], 16) for line in _udp_lines()}
    taken = {int(path.read_text().split('"slot":')[1].split(",")[0]) for path in rig.home.run.glob("conversation-*")}
    return [base + slot for slot in range(slots) if base + slot in bound and slot not in taken]


def _udp_lines() -> list[str]:
    return Path("/proc/thread-self/net/udp").read_text().splitlines()[1:]


def test_customer_and_agent_hear_each_other(rig: SwitchRig, gateway: Gateway) -> None:
    call, trunk = _answered(rig, gateway)
    rig.command(ConnectSeat(conversation_id=call, seat_id="seat1", agent_id="a1"))
    rig.wait_for(call, Bridged)
    seat = gateway.calls[-1]
    assert trunk.rtp is not None
    assert seat.rtp is not None
    for rtp, hz in ((trunk.rtp, 400.0), (seat.rtp, 1000.0)):
        sound = bytes(g711.encode_alaw(synth.to_int16(synth.tone([hz], 1.0))))
        rtp.play(Playlist([sound], repeat=True))
        rtp.kept = bytearray()
    assert rig.until(lambda: all(len(leg.rtp.kept or b"") > 12000 for leg in (trunk, seat) if leg.rtp), 6)
    for rtp, hz in ((trunk.rtp, 1000), (seat.rtp, 400)):
        heard = g711.decode_alaw(bytes(rtp.kept or b"")[-8000:]).astype(float)
        spectrum = np.abs(np.fft.rfft(heard * np.hanning(heard.size)))
        assert abs(int(np.argmax(spectrum)) - hz) <= 2
    _end(rig, call)


def test_events_survive_a_bus_that_goes_and_comes(rig: SwitchRig, gateway: Gateway) -> None:
    call, trunk = _answered(rig, gateway)
    rig.stop_bus()
    gateway.do(trunk.hang_up)
    time.sleep(0.5)  # the call ends while nobody listens
    rig.start_bus()
    end = rig.wait_for(call, ConversationEnded, timeout_s=20)
    assert not end.lost
    assert [e.seq for e in rig.events(call)] == list(range(1, end.seq + 1))
    assert rig.until(lambda: not (rig.home.run / f"conversation-{call}.json").exists(), 10)


def test_a_frozen_worker_is_never_dialled_with_twice(rig: SwitchRig, gateway: Gateway) -> None:
    """An idle worker that does not answer its parent is ended, and the attempt goes to another one, once."""
    assert rig.until(lambda: len(_idle_ports(rig)) == rig.settings.sip.idle_workers, 10), "the last call's worker goes"
    lowest = min(_idle_ports(rig)) - rig.settings.sip.worker_port_base
    pid = next(p for p, port in _children(rig) if port == rig.settings.sip.worker_port_base + lowest)
    assert rig.until(lambda: _answers(rig.settings.sip.worker_port_base + lowest), 30), "it is up, not only begun"
    before = len(gateway.calls)
    os.kill(pid, signal.SIGSTOP)
    call = rig.dial("+8613800138000")
    rig.wait_for(call, LegAnswered)
    assert len(gateway.calls) - before == 1
    assert rig.until(lambda: process_start_ticks(pid) is None, 10), "the frozen one is ended"
    _end(rig, call)


def _answers(port: int) -> bool:
    """Whether a worker answers an OPTIONS."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        probe.settimeout(0.5)
        own = probe.getsockname()[1]
        lines = (
            f"OPTIONS sip:127.0.0.1:{port} SIP/2.0", f"Via: SIP/2.0/UDP 127.0.0.1:{own};branch=z9hG4bK{own}",
            f"From: <sip:test@127.0.0.1>;tag={own}", f"To: <sip:127.0.0.1:{port}>", f"Call-ID: {own}-{time.time()}",
            "CSeq: 1 OPTIONS", "Max-Forwards: 1", "Content-Length: 0", "", "",
        )  # fmt: skip
        probe.sendto("\r\n".join(lines).encode(), ("127.0.0.1", port))
        try:
            return probe.recv(4096).startswith(b"SIP/2.0")
        except (TimeoutError, ConnectionRefusedError):
            return False


def _children(rig: SwitchRig) -> list[tuple[int, int]]:
    """(pid, SIP port) of the parent's workers."""
    assert rig.switch is not None
    found = []
    for pid in Path(f"/proc/{rig.switch.pid}/task/{rig.switch.pid}/children").read_text().split():
        try:
            inodes = {str(fd.readlink()) for fd in Path(f"/proc/{pid}/fd").iterdir()}
        except FileNotFoundError:
            continue  # it has just ended
        for line in _udp_lines():
            fields = line.split()
            if f"socket:[{fields[9]}]" in inodes:
                found.append((int(pid), int(fields[1].split(":")[1], 16)))
    return found


@pytest.mark.skipif(os.geteuid() != 0, reason="a small disk needs mount")
def test_a_full_disk_stops_the_recording_not_the_call(rig: SwitchRig, gateway: Gateway) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(rig.home.spool)], check=True)
    try:
        call, _ = _answered(rig, gateway)
        started = rig.wait_for(call, RecordingStarted)
        spool = Path(started.spool_path)
        marked = rig.until(lambda: bool((side := read_sidecar(spool)) and side.error_id), 8)
        assert marked, "the sidecar says why"
        assert not rig.events(call, LegEnded), "the call goes on"
        _end(rig, call)
        closed = rig.wait_for(call, RecordingClosed)
        assert closed.error_id == "recording.disk_full"
        assert read_spool(spool).shape[0] == closed.frames > 8000
    finally:
        subprocess.run(["umount", "-l", str(rig.home.spool)], check=True)
    call, _ = _answered(rig, gateway)
    _end(rig, call)
    assert rig.wait_for(call, RecordingClosed).error_id == ""


def test_a_third_party_takes_the_customer_over(rig: SwitchRig, gateway: Gateway) -> None:
    """The leg changes its name in the stack: digits for the seat reach the new one, and its end ends the call."""
    call, _ = _answered(rig, gateway)
    rig.command(ConnectSeat(conversation_id=call, seat_id="seat1", agent_id="a1"))
    rig.wait_for(call, Bridged)
    rig.command(
        ConnectSeat(conversation_id=call, seat_id="seat2", agent_id="a2", role=LegRole.TRANSFER, answer_timeout_s=20.0)
    )
    rig.wait_for(call, LegAnswered, where=lambda event: event.role == "transfer")
    new = gateway.calls[-1]
    rig.command(HandOver(conversation_id=call))
    over = rig.wait_for(call, HandedOver)
    assert (over.joined, over.agent_id, over.seat_id) == (True, "a2", "seat2")
    gateway.do(new.hang_up)
    rig.wait_for(call, ConversationEnded)
    ended = [event.role for event in rig.events(call, LegEnded)]
    assert ended.count("seat") == 2


def test_a_browser_phone_that_is_loaded_anew_keeps_its_call(rig: SwitchRig, gateway: Gateway) -> None:
    """What the page sends when it goes is no hang-up: the customer stays, and the phone is called in again."""
    call, _ = _answered(rig, gateway)
    seat = ConnectSeat(conversation_id=call, seat_id="seat1", agent_id="a1", answer_timeout_s=20.0)
    rig.command(seat)
    rig.wait_for(call, Bridged)
    old = gateway.calls[-1]
    gateway.do(lambda: old.hang_up(reason='X-Callbox;text="reload"'))
    left = rig.wait_for(call, LegEnded, where=lambda event: event.role == "seat")
    assert (left.reason, left.by_us) == ("reload", False)
    rig.command(msgspec.structs.replace(seat, again=True))
    rig.until(lambda: len(rig.events(call, Bridged)) == 2, 30)
    assert gateway.calls[-1] is not old
    assert not rig.events(call, ConversationEnded)
    assert len(rig.events(call, RecordingStarted)) == 1, "one recording, from the answer to the end"
    gateway.do(gateway.calls[-1].hang_up)
    rig.wait_for(call, ConversationEnded)
