"""Calls through the real edge: worker to gateway, worker to seat, in from a gateway; addresses, numbers, causes."""

from __future__ import annotations

import re
import time

import pytest

from appliance.settings import Home, Settings
from tests.integration.edge.box import SEATS as SEAT_DOOR
from tests.integration.edge.box import TRUNKS as TRUNK_DOOR
from tests.integration.edge.box import WORKERS, Service, registered
from tests.integration.edge.sipkit import Answerer, Message, UdpLine, authorization, reply, request, sdp

pytestmark = pytest.mark.integration

WORKER = ("127.0.0.1", 20000)
GATEWAY = ("127.0.1.1", 5060)
SECOND_GATEWAY = ("127.0.1.2", 5060)


def dial(line: UdpLine, number: str, *, trunk: str = "bench", caller: str = "+861088886666") -> bytes:
    return request(
        "INVITE", f"sip:{number}@callbox", local=line.local, sender=f"sip:{caller}@callbox",
        headers=(f"X-Callbox-Trunk: {trunk}", "X-Callbox-Attempt: a1"), body=sdp("127.0.2.1", 22000),
    )  # fmt: skip


def acknowledge(line: UdpLine, invite: bytes, answer: Message) -> None:
    """ACK of a final negative answer (same branch)."""
    sent = invite.decode().split("\r\n")
    via = next(text for text in sent if text.startswith("Via:"))
    line.send(
        "\r\n".join(
            [
                sent[0].replace("INVITE", "ACK"), via, "Max-Forwards: 70", f"From: {answer.get('From')}",
                f"To: {answer.get('To')}", f"Call-ID: {answer.get('Call-ID')}", "CSeq: 1 ACK", "Content-Length: 0",
                "", "",
            ]
        ).encode()
    )  # fmt: skip


def answers(status: str, *headers: str) -> object:
    def rule(message: Message) -> list[bytes]:
        if message.method != "INVITE":
            return [] if message.method == "ACK" else [reply(message, "200 OK")]
        return [reply(message, "100 Trying"), reply(message, status, headers=headers)]

    return rule


def picks_up(contact: str, media: tuple[str, int]) -> object:
    def rule(message: Message) -> list[bytes]:
        if message.method == "INVITE":
            return [reply(message, "180 Ringing", contact=contact),
                    reply(message, "200 OK", contact=contact, body=sdp(*media))]  # fmt: skip
        return [] if message.method == "ACK" else [reply(message, "200 OK")]

    return rule


def test_worker_reaches_the_gateway_and_addresses_are_right(edge: Service) -> None:
    gateway = Answerer(GATEWAY, picks_up("sip:gw@127.0.1.1:5060", ("127.0.1.1", 40000)))
    worker = UdpLine(WORKER, WORKERS)
    try:
        worker.send(dial(worker, "+8613800138000"))
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
        routes = ", ".join(invite.all("Record-Route"))
        assert routes.index("127.0.2.1") < routes.index("127.0.0.1:5062"), routes
        # the worker sees its own numbers again, and no address of the trunk side in its route set's top
        assert "+861088886666@callbox" in answer.get("From")
        assert "+8613800138000@callbox" in answer.get("To")
        assert "c=IN IP4 127.0.1.1" in answer.body
        # in the dialog: ACK and BYE from the worker, BYE from the gateway would go the same way back
        route = [r.strip() for r in ",".join(answer.all("Record-Route")).split(",")]
        to_tag = re.search(r"tag=([^;>]+)", answer.get("To"))
        assert to_tag
        worker.send(
            request(
                "BYE", "sip:gw@127.0.1.1:5060", local=worker.local, sender="sip:+861088886666@callbox",
                to="sip:+8613800138000@callbox", call_id=answer.get("Call-ID"), cseq=2, to_tag=to_tag.group(1),
                headers=tuple(f"Route: {r}" for r in reversed(route)),
            )
        )  # fmt: skip
        ended = worker.wait(lambda m: m.status == 200 and "BYE" in m.get("CSeq"))
        assert ended is not None
        bye = gateway.of("BYE")[0]
        assert bye.source == TRUNK_DOOR
        assert bye.get("From").startswith("<sip:1088886666@127.0.2.1>")
    finally:
        worker.close()
        gateway.close()


def register(line: UdpLine, seat: str, password: str, *, expires: int = 60) -> Message | None:
    """REGISTER with digest; returns the final answer to the second try."""
    uri = "sip:callbox"
    expiry = f"Expires: {expires}"
    common = {"local": line.local, "sender": f"sip:{seat}@callbox", "to": f"sip:{seat}@callbox"}
    line.send(request("REGISTER", uri, **common, headers=(expiry,)))
    challenge = line.final()
    assert challenge is not None
    assert challenge.status == 401
    digest = authorization(challenge, user=seat, password=password, method="REGISTER", uri=uri)
    line.send(request("REGISTER", uri, **common, cseq=2, headers=(expiry, digest)))
    return line.final()


def test_worker_reaches_a_registered_seat(edge: Service, box: tuple[Home, Settings]) -> None:
    phone = UdpLine(("127.0.3.1", 5060), SEAT_DOOR)
    answer = register(phone, "seat01", "pw01", expires=3600)
    assert answer is not None
    assert answer.status == 200
    assert "expires=120" in answer.get("Contact")
    found = registered(box[0], "seat01")
    assert "127.0.3.1" in found.contact
    assert 100 <= found.expires_at.timestamp() - time.time() <= 121
    phone.close()
    seat = Answerer(("127.0.3.1", 5060), picks_up("sip:seat01@127.0.3.1:5060", ("127.0.3.1", 50000)))
    worker = UdpLine(WORKER, WORKERS)
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
        worker.close()
        seat.close()
