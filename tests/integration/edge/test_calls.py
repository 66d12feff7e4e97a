"""Calls through the real edge: worker to gateway and to seat; addresses, numbers, causes, failover."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import pytest

from appliance.settings import Home, Settings
from appliance.telephony.edge import control
from appliance.telephony.trunks import parse_trunk, preview
from tests.integration.edge.box import SEATS as SEAT_DOOR
from tests.integration.edge.box import TRUNKS as TRUNK_DOOR
from tests.integration.edge.box import WORKERS, Service, register, registered
from tests.integration.edge.conftest import TRUNKS
from tests.integration.edge.sipkit import Answerer, Message, Rule, UdpLine, acknowledge, reply, request, sdp, waited

pytestmark = pytest.mark.integration

WORKER = ("127.0.0.1", 20000)
GATEWAYS = (("127.0.1.1", 5060), ("127.0.1.2", 5060))


@pytest.fixture(scope="module")
def gateways(edge: Service, box: tuple[Home, Settings]) -> Iterator[tuple[Answerer, Answerer]]:
    """Both gateways of the trunk, alive; each test sets their rules."""
    first, second = (Answerer(local, refuses("500 No rule set")) for local in GATEWAYS)
    yield first, second
    first.close()
    second.close()


@pytest.fixture
def worker() -> Iterator[UdpLine]:
    line = UdpLine(WORKER, WORKERS)
    yield line
    line.close()


def dial(line: UdpLine, number: str, *, trunk: str = "bench", caller: str = "+861088886666") -> bytes:
    """Send a worker's INVITE; returns it."""
    invite = request(
        "INVITE", f"sip:{number}@callbox", local=line.local, sender=f"sip:{caller}@callbox",
        headers=(f"X-Callbox-Trunk: {trunk}", "X-Callbox-Attempt: a1"), body=sdp("127.0.2.1", 22000),
    )  # fmt: skip
    line.send(invite)
    return invite


def outcome(line: UdpLine, number: str, **how: str) -> Message:
    """Dial, wait for the final answer, acknowledge it."""
    invite = dial(line, number, **how)
    answer = line.final(6.0)
    assert answer is not None, "no final answer"
    line.send(acknowledge(invite, answer))
    return answer


def refuses(status: str, *headers: str) -> Rule:
    def rule(message: Message) -> list[bytes]:
        if message.method == "INVITE":
            return [reply(message, "100 Trying"), reply(message, status, headers=headers)]
        return [] if message.method == "ACK" else [reply(message, "200 OK")]

    return rule


def picks_up(address: str, media_port: int, *, with_sdp: bool = True) -> Rule:
    contact = f"sip:far@{address}:5060"

    def rule(message: Message) -> list[bytes]:
        if message.method == "INVITE":
            body = sdp(address, media_port) if with_sdp else ""
            ringing = reply(message, "180 Ringing", contact=contact)
            return [ringing, reply(message, "200 OK", contact=contact, body=body)]
        return [] if message.method == "ACK" else [reply(message, "200 OK")]

    return rule


def silent(message: Message) -> list[bytes]:
    return []


def test_worker_reaches_the_gateway_and_addresses_are_right(
    edge: Service, gateways: tuple[Answerer, Answerer], worker: UdpLine
) -> None:
    gateway, _ = gateways
    gateway.rule = picks_up("127.0.1.1", 40000)
    dial(worker, "+8613800138000")
    answer = worker.final()
    assert answer is not None
    assert answer.status == 200, edge.log.read_text()[-2000:]
    invite = gateway.of("INVITE")[0]
    assert invite.source == TRUNK_DOOR
    assert invite.uri == "sip:013800138000@127.0.1.1:5060"
    assert invite.get("To").startswith("<sip:013800138000@127.0.1.1")
    assert invite.get("From").startswith("<sip:1088886666@127.0.2.1>")
    assert invite.all("Via")[0].startswith("SIP/2.0/UDP 127.0.2.1;")
    assert not [name for name, _ in invite.headers if name.lower().startswith("x-callbox")]
    assert "c=IN IP4 127.0.2.1" in invite.body
    assert invite.get("Contact") == "<sip:+861088886666@127.0.2.1:5060;alias=127.0.0.1~20000~1>"
    routes = ", ".join(invite.all("Record-Route"))
    assert routes.index("127.0.2.1") < routes.index("127.0.0.1:5062"), routes
    # the worker sees its own numbers again
    assert "+861088886666@callbox" in answer.get("From")
    assert "+8613800138000@callbox" in answer.get("To")
    assert "c=IN IP4 127.0.1.1" in answer.body
    # in the dialog: BYE goes the way the route set says, with the numbers that the gateway knows
    route = [r.strip() for r in ",".join(answer.all("Record-Route")).split(",")]
    to_tag = re.search(r"tag=([^;>]+)", answer.get("To"))
    assert to_tag
    worker.send(
        request(
            "BYE", "sip:far@127.0.1.1:5060", local=worker.local, sender="sip:+861088886666@callbox",
            to="sip:+8613800138000@callbox", call_id=answer.get("Call-ID"), cseq=2, to_tag=to_tag.group(1),
            headers=tuple(f"Route: {r}" for r in reversed(route)),
        )
    )  # fmt: skip
    ended = worker.wait(lambda m: m.status == 200 and "BYE" in m.get("CSeq"))
    assert ended is not None
    bye = gateway.of("BYE")[-1]
    assert bye.source == TRUNK_DOOR
    assert bye.get("From").startswith("<sip:1088886666@127.0.2.1>")


@pytest.mark.parametrize("routes", ["with the route set", "without"])
def test_the_gateway_hangs_up(
    gateways: tuple[Answerer, Answerer], worker: UdpLine, box: tuple[Home, Settings], routes: str
) -> None:
    """Also a gateway that takes no notice of Record-Route finds the worker; a made-up target leads nowhere."""
    gateway, _ = gateways
    gateway.rule = picks_up("127.0.1.1", 40000)
    answer = outcome(worker, "+8613800138009")
    invite = gateway.of("INVITE")[-1]
    contact = invite.get("Contact").strip("<>")
    tag = answer.get("To").rpartition("tag=")[2]
    routed = ",".join(invite.all("Record-Route")).split(",") if routes == "with the route set" else []

    def hang_up(target: str, cseq: int) -> bytes:
        return request(
            "BYE", target, local=GATEWAYS[0], sender="sip:013800138009@127.0.1.1", from_tag=tag,
            to="sip:1088886666@127.0.2.1", to_tag="tester", call_id=answer.get("Call-ID"), cseq=cseq,
            headers=tuple(f"Route: {route.strip()}" for route in routed),
        )  # fmt: skip

    before = control.refusals(box[0]).get("dialog", 0)
    gateway.line.socket.sendto(hang_up(contact.replace("~20000~", "~4222~"), 1), TRUNK_DOOR)
    assert waited(lambda: control.refusals(box[0]).get("dialog", 0) == before + 1, 3.0)
    gateway.line.socket.sendto(hang_up(contact, 2), TRUNK_DOOR)
    bye = worker.wait(lambda m: m.method == "BYE")
    assert bye is not None
    assert bye.source == WORKERS
    worker.send(reply(bye, "200 OK"))
    assert waited(lambda: any(m.status == 200 and m.get("CSeq") == "2 BYE" for m in gateway.seen), 3.0)


def test_worker_reaches_a_registered_seat(edge: Service, box: tuple[Home, Settings], worker: UdpLine) -> None:
    phone = UdpLine(("127.0.3.1", 5060), SEAT_DOOR)
    answer = register(phone, "seat01", "pw01", expires=3600)
    assert answer is not None
    assert answer.status == 200
    assert "expires=120" in answer.get("Contact")
    found = registered(box[0], "seat01")
    assert "127.0.3.1" in found.contact
    assert 100 <= found.expires_at.timestamp() - time.time() <= 121
    phone.close()
    seat = Answerer(("127.0.3.1", 5060), picks_up("127.0.3.1", 50000))
    try:
        call_info = "Call-Info: <sip:callbox>;answer-after=0"
        worker.send(
            request(
                "INVITE", "sip:seat01@callbox", local=worker.local, sender="sip:worker@callbox",
                headers=("X-Callbox-Leg: seat", call_info), body=sdp("127.0.2.2", 22000),
            )
        )  # fmt: skip
        answer = worker.final()
        assert answer is not None
        assert answer.status == 200, edge.log.read_text()[-2000:]
        invite = seat.of("INVITE")[0]
        assert invite.source == SEAT_DOOR
        assert invite.get("Call-Info") == "<sip:callbox>;answer-after=0"
        assert not [name for name, _ in invite.headers if name.lower().startswith("x-callbox")]
        assert "c=IN IP4 127.0.2.2" in invite.body  # desk phones: media goes straight to the worker
        assert "c=IN IP4 127.0.3.1" in answer.body
        worker.send(
            request(
                "INVITE", "sip:seat05@callbox", local=worker.local, sender="sip:worker@callbox",
                headers=("X-Callbox-Leg: seat",), body=sdp("127.0.2.2", 22000),
            )
        )  # fmt: skip
        away = worker.wait(lambda m: m.status == 480)
        assert away is not None
        assert "not registered" in away.get("Reason")
    finally:
        seat.close()


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        ("404 Not Found", "Q.850;cause=1;text=\"Unallocated number\""),
        ("486 Busy Here", "Q.850;cause=17;text=\"User busy\""),
        ("480 Temporarily Unavailable", "Q.850;cause=20"),
        ("603 Decline", "Q.850;cause=21"),
    ],
)
def test_a_cause_comes_back_as_it_is_and_the_next_gateway_is_not_asked(
    gateways: tuple[Answerer, Answerer], worker: UdpLine, status: str, reason: str
) -> None:
    first, second = gateways
    first.rule = refuses(status, f"Reason: {reason}")
    asked = len(second.of("INVITE"))
    answer = outcome(worker, "+8613800138001")
    assert answer.start == f"SIP/2.0 {status}"
    assert answer.get("Reason") == reason
    assert len(second.of("INVITE")) == asked


def test_congestion_everywhere_comes_back_with_retry_after(
    gateways: tuple[Answerer, Answerer], worker: UdpLine
) -> None:
    for gateway in gateways:
        gateway.rule = refuses("503 Service Unavailable", "Reason: Q.850;cause=34", "Retry-After: 5")
    asked = [len(gateway.of("INVITE")) for gateway in gateways]
    answer = outcome(worker, "+8613800138002")
    assert answer.status == 503
    assert answer.get("Reason") == "Q.850;cause=34"
    assert answer.get("Retry-After") == "5"
    assert [len(gateway.of("INVITE")) for gateway in gateways] == [count + 1 for count in asked]


def test_a_number_that_rang_is_not_dialled_again_through_the_next_gateway(
    gateways: tuple[Answerer, Answerer], worker: UdpLine
) -> None:
    first, second = gateways

    def rings_then_fails(message: Message) -> list[bytes]:
        answers = refuses("503 Service Unavailable")(message)
        return [*answers[:1], reply(message, "180 Ringing"), *answers[1:]] if message.method == "INVITE" else answers

    first.rule, second.rule = rings_then_fails, picks_up("127.0.1.2", 40000)
    before = len(second.of("INVITE"))
    assert outcome(worker, "+8613800138000").status == 503
    assert len(second.of("INVITE")) == before


def test_a_silent_gateway_is_left_for_the_next_and_marked(
    gateways: tuple[Answerer, Answerer], worker: UdpLine, box: tuple[Home, Settings]
) -> None:
    first, second = gateways
    first.rule, first.answers_options = silent, False
    second.rule = picks_up("127.0.1.2", 41000)
    before = len(second.of("INVITE"))
    answer = outcome(worker, "+8613800138003")
    assert answer.status == 200
    assert "c=IN IP4 127.0.1.2" in answer.body
    invite = second.of("INVITE")[before]
    assert invite.uri == "sip:013800138003@127.0.1.2:5060"
    assert not [name for name, _ in invite.headers if name.lower().startswith("x-callbox")]
    states = {state.uri: state.alive for state in control.gateways(box[0])}
    assert states["sip:127.0.1.1:5060"] is False
    began = time.monotonic()
    assert outcome(worker, "+8613800138004").status == 200
    assert time.monotonic() - began < 1.5  # the dead one is not asked again
    first.answers_options = True
    assert waited(lambda: all(s.alive for s in control.gateways(box[0]) if "127.0.1.1" in s.uri), 6.0)


def test_early_media_and_cancel(gateways: tuple[Answerer, Answerer], worker: UdpLine) -> None:
    first, _ = gateways
    asked: list[Message] = []

    def rings(message: Message) -> list[bytes]:
        if message.method == "INVITE":
            asked.append(message)
            return [reply(message, "183 Session Progress", contact="sip:far@127.0.1.1", body=sdp("127.0.1.1", 40002))]
        if message.method == "CANCEL":
            return [reply(message, "200 OK"), reply(asked[-1], "487 Request Terminated")]
        return []

    first.rule = rings
    invite = dial(worker, "+8613800138005")
    early = worker.wait(lambda m: m.status == 183)
    assert early is not None
    assert "m=audio 40002" in early.body
    worker.send(acknowledge(invite, early, method="CANCEL"))
    ended = worker.wait(lambda m: m.status == 487)
    assert ended is not None
    worker.send(acknowledge(invite, ended))
    assert first.of("CANCEL")


def test_an_answer_without_sdp_reaches_the_worker(gateways: tuple[Answerer, Answerer], worker: UdpLine) -> None:
    gateways[0].rule = picks_up("127.0.1.1", 0, with_sdp=False)
    answer = outcome(worker, "+8613800138006")
    assert answer.status == 200
    assert answer.body == ""


def test_unknown_trunk(edge: Service, worker: UdpLine) -> None:
    answer = outcome(worker, "+8613800138007", trunk="nowhere")
    assert answer.status == 404
    assert answer.get("Reason") == 'X-Callbox;text="unknown trunk"'


@pytest.mark.parametrize(
    "number", ["+8613800138000", "+861088886666", "+442079460000", "12345", "+86", "*43#", "+8619"]
)
def test_the_edge_sends_numbers_as_the_preview_says(
    gateways: tuple[Answerer, Answerer], worker: UdpLine, number: str
) -> None:
    config = parse_trunk(TRUNKS["bench"])
    gateways[0].rule = refuses("404 Not Found")
    before = len(gateways[0].of("INVITE"))
    outcome(worker, number.replace("#", "%23"), caller=number.replace("#", "%23"))
    invite = gateways[0].of("INVITE")[before]
    called = preview(config, number).sent.replace("#", "%23")
    calling = preview(config, number, which="calling").sent.replace("#", "%23")
    assert invite.uri == f"sip:{called}@127.0.1.1:5060"
    assert invite.get("From").startswith(f"<sip:{calling}@127.0.2.1>")
