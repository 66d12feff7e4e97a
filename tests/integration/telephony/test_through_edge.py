"""The switch behind the real edge: out to a gateway and a seat, in from a gateway to an idle worker."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from appliance.bench.far_end import FarEnd
from appliance.bench.rtp import Pacer
from appliance.bench.sip.dialog import Call, UserAgent
from appliance.bench.sip.endpoint import Endpoint
from appliance.bench.switch_rig import SwitchRig
from appliance.commands import AnswerInbound, ConnectSeat, Hangup
from appliance.events import Bridged, ConversationEnded, InboundOffered, LegAnswered, LegEnded, SeatFailed
from appliance.telephony.edge import control

pytestmark = pytest.mark.integration

GATEWAY = ("127.0.1.1", 5060)


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SwitchRig]:
    with (
        FarEnd(*GATEWAY),
        SwitchRig(tmp_path_factory.mktemp("box"), edge_port=5062, slots=12, gateway=GATEWAY) as running,
    ):
        running.put_seat("seat1", f"sip:seat1@{GATEWAY[0]}:{GATEWAY[1]}")
        yield running


def _idle(rig: SwitchRig) -> set[int]:
    return control.idle_workers(rig.home)


def test_the_edge_knows_the_idle_workers_and_only_them(rig: SwitchRig) -> None:
    base = rig.settings.sip.worker_port_base
    assert rig.until(lambda: len(_idle(rig)) == rig.settings.sip.idle_workers, 10)
    call = rig.dial("+91001")
    rig.wait_for(call, LegAnswered)
    assert rig.until(lambda: len(_idle(rig)) == rig.settings.sip.idle_workers, 10), "one went, another came"
    assert all(base <= port < base + 12 for port in _idle(rig))
    rig.command(Hangup(conversation_id=call))
    rig.wait_for(call, ConversationEnded)


def test_out_to_gateway_and_seat(rig: SwitchRig) -> None:
    call = rig.dial("+91002")
    rig.wait_for(call, LegAnswered)
    rig.command(ConnectSeat(conversation_id=call, seat_id="nowhere", agent_id="a1"))
    failed = rig.wait_for(call, SeatFailed)
    assert (failed.sip_status, failed.reason) == (480, "seat not registered")
    rig.command(ConnectSeat(conversation_id=call, seat_id="seat1", agent_id="a1"))
    assert rig.wait_for(call, Bridged).seat_id == "seat1"
    rig.command(Hangup(conversation_id=call))
    end = rig.wait_for(call, ConversationEnded)
    assert end.rtp_lost == 0
    assert {(e.role, e.sip_status) for e in rig.events(call, LegEnded) if e.answered} == {("trunk", 200), ("seat", 200)}


def test_cause_and_cancel_pass_the_edge(rig: SwitchRig) -> None:
    refused = rig.dial("+94041")
    ringing = rig.dial("+96001", ring_timeout_s=1.0)
    leg = rig.wait_for(refused, LegEnded)
    assert (leg.sip_status, leg.q850) == (404, 1)
    leg = rig.wait_for(ringing, LegEnded)
    assert (leg.sip_status, leg.by_us, leg.reason) == (487, True, "ring_timeout")


def test_an_unknown_trunk_is_named(rig: SwitchRig) -> None:
    leg = rig.wait_for(rig.dial("+91003", trunk_id="none"), LegEnded)
    assert (leg.sip_status, leg.reason) == (404, "unknown trunk")


def test_a_call_from_a_gateway_reaches_an_idle_worker(rig: SwitchRig) -> None:
    assert rig.until(lambda: len(_idle(rig)) == rig.settings.sip.idle_workers, 10)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    pacer = Pacer()

    def run(coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, loop).result(20)

    async def nobody(_call: Call) -> None:
        """This side only calls."""

    async def dial() -> tuple[UserAgent, Call]:
        endpoint = Endpoint()
        await endpoint.open(GATEWAY[0], 5070)
        agent = UserAgent(endpoint, pacer, nobody)
        sip = rig.settings.sip
        call = agent.dial(f"sip:861012345678@{sip.trunk_address}", (sip.trunk_address, sip.trunk_port))
        await call.wait_status(180, 5)
        return agent, call

    async def close(agent: UserAgent, call: Call) -> None:
        call.hang_up()
        await agent.close()

    before = {event.conversation_id for event in rig.events()}
    agent, call = run(dial())
    assert call.status == 180, "he rings until it is decided about him"

    def offers() -> list[Any]:
        return [e for e in rig.events(kind=InboundOffered) if e.conversation_id not in before]

    assert rig.until(lambda: bool(offers()), 10)
    assert (offers()[0].trunk_id, offers()[0].called) == ("bench", "861012345678")
    rig.command(AnswerInbound(conversation_id=offers()[0].conversation_id))
    assert run(call.wait_status(200, 10)) == 200
    assert call.final is not None
    assert b"c=IN IP4 127.0.2.1" in call.final.body, "a gateway is answered from the trunks' side"

    def new() -> list[Any]:
        return [e for e in rig.events(kind=LegAnswered) if e.conversation_id not in before]

    assert rig.until(lambda: bool(new()), 5)
    assert new()[0].role == "trunk"
    run(close(agent, call))
    end = rig.wait_for(new()[0].conversation_id, ConversationEnded)
    assert not end.lost
    pacer.close()
    loop.call_soon_threadsafe(loop.stop)
    thread.join(5)
    loop.close()
