"""Calls that come in, from gateways and seats, to idle workers; and what nobody outside may do."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import pytest

from appliance.events import InboundUnserved
from appliance.settings import Home, Settings
from appliance.telephony.edge import control
from appliance.telephony.trunks import parse_trunk, preview
from appliance.telephony.unserved import Unserved
from tests.integration.edge.box import SEATS as SEAT_DOOR
from tests.integration.edge.box import TRUNKS as TRUNK_DOOR
from tests.integration.edge.box import WORKERS, Service, alive
from tests.integration.edge.conftest import TRUNKS
from tests.integration.edge.sipkit import (
    Answerer,
    Message,
    UdpLine,
    acknowledge,
    authorization,
    reply,
    request,
    sdp,
    waited,
)  # fmt: skip

pytestmark = pytest.mark.integration

PORTS = (20000, 20001, 20002)


def busy(message: Message) -> list[bytes]:
    return [reply(message, "486 Busy Here")] if message.method == "INVITE" else []


def takes(message: Message) -> list[bytes]:
    if message.method == "INVITE":
        contact = "sip:worker@127.0.0.1:20002"
        return [reply(message, "200 OK", contact=contact, body=sdp("127.0.2.1", 22000))]
    return [] if message.method == "ACK" else [reply(message, "200 OK")]


@pytest.fixture(scope="module")
def workers(edge: Service, box: tuple[Home, Settings]) -> Iterator[list[Answerer]]:
    """Three workers; the switch names them idle."""
    found = [Answerer(("127.0.0.1", port), takes) for port in PORTS]
    control.set_idle_workers(*box, set(PORTS))
    yield found
    for worker in found:
        worker.close()


@pytest.fixture
def gateway() -> Iterator[UdpLine]:
    line = UdpLine(("127.0.1.1", 5060), TRUNK_DOOR)
    yield line
    line.close()


def ring_in(line: UdpLine, called: str = "88886666", caller: str = "013800138000") -> Message | None:
    invite = request(
        "INVITE", f"sip:{called}@127.0.2.1", local=line.local, sender=f"sip:{caller}@127.0.1.1",
        headers=("X-Callbox-Trunk: forged", "X-Callbox-Leg: seat"), body=sdp("127.0.1.1", 40000),
    )  # fmt: skip
    line.send(invite)
    answer = line.final(4.0)
    if answer is not None and answer.status >= 300:
        line.send(acknowledge(invite, answer))
    return answer


def test_a_gateway_reaches_an_idle_worker_with_the_box_s_numbers(
    workers: list[Answerer], gateway: UdpLine, box: tuple[Home, Settings]
) -> None:
    control.set_idle_workers(*box, {20001})
    for worker in workers:
        worker.rule = takes
    answer = ring_in(gateway)
    assert answer is not None
    assert answer.status == 200
    assert answer.get("Contact") == "<sip:worker@127.0.2.1:5060;alias=127.0.0.1~20001~1>"
    invite = workers[1].of("INVITE")[-1]
    config = parse_trunk(TRUNKS["bench"])
    assert invite.uri.startswith(f"sip:{preview(config, '88886666', direction='inbound').sent}@")
    caller = preview(config, "013800138000", direction="inbound", which="calling").sent
    assert invite.all("X-Callbox-Calling") == [caller] == ["+8613800138000"]
    assert invite.all("X-Callbox-Trunk") == ["bench"]  # the forged one is gone
    assert invite.all("X-Callbox-Leg") == ["trunk"]
    assert invite.source == WORKERS
    assert not workers[0].of("INVITE")


def test_a_worker_taken_a_moment_ago_says_busy_and_the_next_gets_the_call(
    workers: list[Answerer], gateway: UdpLine, box: tuple[Home, Settings]
) -> None:
    control.set_idle_workers(*box, set(PORTS))
    workers[0].rule = workers[1].rule = busy
    workers[2].rule = takes
    for _ in range(3):  # round robin: at least two of these meet a busy one first
        answer = ring_in(gateway)
        assert answer is not None
        assert answer.status == 200
    assert control.idle_workers(box[0]) == set(PORTS)  # busy is not dead
    workers[2].rule = busy
    answer = ring_in(gateway)
    assert answer is not None
    assert answer.status == 503
    told = unserved_of(box[0])
    assert (told.trunk_id, told.caller, told.called[-8:]) == ("bench", "+8613800138000", "88886666")


def unserved_of(home: Home) -> InboundUnserved:
    """Ask as the switch does until the edge's list has told of somebody."""

    async def ask() -> InboundUnserved:
        found: asyncio.Queue[InboundUnserved] = asyncio.Queue()
        asker = Unserved(home, found.put_nowait)
        try:
            asker.ask()
            async with asyncio.timeout(60):
                return await found.get()
        finally:
            asker.close()

    return asyncio.run(ask())


def test_a_dead_worker_is_left_within_half_a_second_and_marked(
    workers: list[Answerer], gateway: UdpLine, box: tuple[Home, Settings]
) -> None:
    control.set_idle_workers(*box, {20000, 20002})
    workers[0].rule, workers[0].answers_options = (lambda _: []), False
    workers[2].rule = takes
    began = time.monotonic()
    for _ in range(2):
        answer = ring_in(gateway)
        assert answer is not None
        assert answer.status == 200
    assert time.monotonic() - began < 3.0
    assert control.idle_workers(box[0]) == {20002}
    workers[0].answers_options = True


def test_a_seat_is_challenged_and_its_call_names_it(workers: list[Answerer], box: tuple[Home, Settings]) -> None:
    control.set_idle_workers(*box, {20001})
    workers[1].rule = takes
    seat = UdpLine(("127.0.3.4", 5060), SEAT_DOOR)
    common = {"local": seat.local, "sender": "sip:seat04@callbox", "body": sdp("127.0.3.4", 50000)}
    invite = request("INVITE", "sip:9000@callbox", **common)
    seat.send(invite)
    challenge = seat.final()
    assert challenge is not None
    assert challenge.status in (401, 407)
    seat.send(acknowledge(invite, challenge))
    digest = authorization(challenge, user="seat04", password="pw04", method="INVITE", uri="sip:9000@callbox")
    seat.send(request("INVITE", "sip:9000@callbox", **common, cseq=2, headers=(digest, "X-Callbox-Seat: seat01")))
    answer = seat.final()
    assert answer is not None
    assert answer.status == 200
    invite_seen = workers[1].of("INVITE")[-1]
    assert invite_seen.all("X-Callbox-Seat") == ["seat04"]
    assert not invite_seen.all("Authorization")
    assert not invite_seen.all("Proxy-Authorization")
    seat.close()


def test_strangers_at_the_trunk_door(edge: Service, workers: list[Answerer], box: tuple[Home, Settings]) -> None:
    before = control.refusals(box[0]).get("trunk", 0)
    asked = [len(worker.of("INVITE")) for worker in workers]
    stranger = UdpLine(("127.0.3.99", 5060), TRUNK_DOOR)
    answer = ring_in(stranger)
    stranger.close()
    assert answer is not None
    assert answer.status == 403
    assert control.refusals(box[0])["trunk"] == before + 1
    assert "refused at the trunk door" in edge.log.read_text()
    assert [len(worker.of("INVITE")) for worker in workers] == asked


def test_the_workers_door_is_shut_for_seats(edge: Service, box: tuple[Home, Settings]) -> None:
    gateway = Answerer(("127.0.1.1", 5060), busy)
    seat = UdpLine(("127.0.3.5", 20000), WORKERS)
    here = UdpLine(("127.0.0.1", 40000), WORKERS)  # on loopback, but no worker's port
    for line in (seat, here):
        line.send(
            request(
                "INVITE", "sip:+8613800138000@callbox", local=line.local, sender="sip:seat05@callbox",
                headers=("X-Callbox-Trunk: bench",), body=sdp("127.0.3.5", 50000),
            )
        )  # fmt: skip
        answer = line.final()
        assert answer is not None
        assert answer.status == 403
        line.close()
    assert control.refusals(box[0])["worker"] == 2
    assert not gateway.of("INVITE")
    gateway.close()


@pytest.mark.parametrize("target", ["sip:far@127.0.1.1:5060", "sip:x@127.0.0.1:5062", "sip:x@127.0.0.1:4222"])
def test_a_forged_dialog_leads_nowhere(edge: Service, box: tuple[Home, Settings], target: str) -> None:
    gateway = Answerer(("127.0.1.1", 5060), busy)
    forger = UdpLine(("127.0.3.6", 5060), SEAT_DOOR)
    forger.send(
        request(
            "INVITE", target, local=forger.local, sender="sip:seat06@callbox", to_tag="made-up",
            headers=("Route: <sip:127.0.2.2:5060;lr>",), body=sdp("127.0.3.6", 50000),
        )
    )  # fmt: skip
    answer = forger.final()
    assert answer is not None
    assert answer.status == 403
    assert not gateway.of("INVITE")
    forger.close()
    gateway.close()


def test_workers_that_nobody_named_are_found_by_their_answers(
    workers: list[Answerer], box: tuple[Home, Settings]
) -> None:
    """Without a switch that names its idle workers, the edge asks all slots; a restarted edge starts so."""
    control.reload_dispatcher(box[0])
    assert waited(lambda: control.idle_workers(box[0]) == set(PORTS), 8.0)
    assert alive()
