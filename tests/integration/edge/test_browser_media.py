"""Calls to and from browser phones: the real rtpengine stands between, and only there."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from appliance.settings import Home, Settings
from appliance.telephony.edge import control
from tests.integration.edge.box import WORKERS, Service, register, registered
from tests.integration.edge.sipkit import (
    Answerer,
    Message,
    UdpLine,
    WebSocketLine,
    authorization,
    reply,
    request,
    sdp,
    waited,
)  # fmt: skip

pytestmark = pytest.mark.integration

BROWSER_SDP = (
    "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n"
    "m=audio 50001 UDP/TLS/RTP/SAVPF 111 0 8\r\nc=IN IP4 127.0.3.60\r\n"
    "a=candidate:1 1 udp 2113937151 127.0.3.60 50001 typ host\r\n"
    "a=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuvwx\r\n"
    "a=fingerprint:sha-256 " + ":".join(["AB"] * 32) + "\r\n"
    "a=setup:{setup}\r\na=mid:0\r\na=sendrecv\r\na=rtcp-mux\r\n"
    "a=rtpmap:111 opus/48000/2\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n"
)


@pytest.fixture(scope="module")
def relay(box: tuple[Home, Settings]) -> Iterator[Service]:
    service = Service(box[0], "rtpengine")
    port = box[1].sip.rtpengine_port
    assert waited(lambda: _taken(port), 20.0), service.log.read_text()
    yield service
    service.stop()


def _taken(port: int) -> bool:
    return f":{port:04X} " in Path("/proc/thread-self/net/udp").read_text("ascii")


@pytest.fixture
def browser(relay: Service, edge: Service, box: tuple[Home, Settings]) -> Iterator[WebSocketLine]:
    """A browser phone (seat02) that stands registered. It talks to the edge's WebSocket door itself, as nginx does."""
    door = ("127.0.0.1", box[1].sip.websocket_port)
    with closing(WebSocketLine(door, source="127.0.0.1", headers=("X-Forwarded-For: 127.0.3.60",))) as line:
        assert line.open, line.handshake
        answer = register(line, "seat02", "pw02", transport="WSS")
        assert answer is not None
        assert answer.status == 200
        registered(box[0], "seat02")
        yield line


def media_address(text: str) -> set[str]:
    return set(re.findall(r"c=IN IP4 (\S+)", text))


def test_worker_to_browser(browser: WebSocketLine, edge: Service) -> None:
    with closing(UdpLine(("127.0.0.1", 20000), WORKERS)) as worker:
        worker.send(
            request(
                "INVITE", "sip:seat02@callbox", local=worker.local, sender="sip:worker@callbox",
                headers=("X-Callbox-Leg: seat",), body=sdp("127.0.2.2", 22000),
            )
        )  # fmt: skip
        invite = browser.wait(lambda m: m.method == "INVITE")
        assert invite is not None, edge.log.read_text()[-1500:]
        assert "UDP/TLS/RTP/SAVPF" in invite.body
        assert "a=fingerprint:" in invite.body
        assert "a=ice-ufrag:" in invite.body
        assert "a=rtcp-mux" in invite.body
        assert media_address(invite.body) == {"127.0.2.2"}
        contact = "sip:seat02@x7k2.invalid;transport=ws"
        browser.send(reply(invite, "200 OK", contact=contact, body=BROWSER_SDP.format(setup="active")))
        answer = worker.final()
        assert answer is not None
        assert answer.status == 200
        assert re.search(r"m=audio \d+ RTP/AVP .*8", answer.body)
        assert "ice-ufrag" not in answer.body
        assert "fingerprint" not in answer.body
        assert media_address(answer.body) == {"127.0.2.2"}
        # in the dialog: the worker's BYE finds the browser's connection again
        routes = [route.strip() for route in ",".join(answer.all("Record-Route")).split(",")]
        target = re.search(r"<([^>]+)>", answer.get("Contact"))
        tag = re.search(r"tag=([^;>]+)", answer.get("To"))
        assert target
        assert tag
        common = {
            "local": worker.local, "sender": "sip:worker@callbox", "to": "sip:seat02@callbox",
            "call_id": answer.get("Call-ID"), "to_tag": tag.group(1),
            "headers": tuple(f"Route: {route}" for route in reversed(routes)),
        }  # fmt: skip
        worker.send(request("ACK", target.group(1), cseq=1, **common))
        assert browser.wait(lambda m: m.method == "ACK") is not None
        worker.send(request("BYE", target.group(1), cseq=2, **common))
        assert browser.wait(lambda m: m.method == "BYE") is not None


def test_browser_to_worker(browser: WebSocketLine, box: tuple[Home, Settings]) -> None:
    def takes(message: Message) -> list[bytes]:
        if message.method == "INVITE":
            contact = "sip:worker@127.0.0.1:20001"
            return [reply(message, "200 OK", contact=contact, body=sdp("127.0.2.2", 22032))]
        return [] if message.method == "ACK" else [reply(message, "200 OK")]

    with closing(Answerer(("127.0.0.1", 20001), takes)) as worker:
        control.set_idle_workers(*box, {20001})
        common = {
            "local": ("x7k2.invalid", 5060), "sender": "sip:seat02@callbox", "transport": "WSS",
            "body": BROWSER_SDP.format(setup="actpass"),
        }  # fmt: skip
        browser.send(request("INVITE", "sip:9000@callbox", **common))
        challenge = browser.final()
        assert challenge is not None
        digest = authorization(challenge, user="seat02", password="pw02", method="INVITE", uri="sip:9000@callbox")
        browser.send(request("INVITE", "sip:9000@callbox", **common, cseq=2, headers=(digest,)))
        answer = browser.wait(lambda m: m.status == 200 and "INVITE" in m.get("CSeq"))
        assert answer is not None
        offer = worker.of("INVITE")[-1]
        assert "opus" not in offer.body
        assert "RTP/AVP" in offer.body
        assert "SAVPF" not in offer.body
        assert media_address(offer.body) == {"127.0.2.2"}
        assert "UDP/TLS/RTP/SAVPF" in answer.body
        assert "a=setup:active" in answer.body  # with passive the handshake never ends
        assert "a=rtcp-mux" in answer.body


def test_without_the_relay_desk_phones_do_not_care(
    relay: Service, edge: Service, box: tuple[Home, Settings]
) -> None:
    """A dead rtpengine costs browser phones only: it is not asked for a desk phone."""
    assert relay.stop() == 0
    with closing(UdpLine(("127.0.3.1", 5060), ("127.0.2.2", 5060))) as phone:
        answer = register(phone, "seat01", "pw01")
        assert answer is not None
        with closing(UdpLine(("127.0.0.1", 20000), WORKERS)) as worker:
            began = time.monotonic()
            worker.send(
                request(
                    "INVITE", "sip:seat01@callbox", local=worker.local, sender="sip:worker@callbox",
                    headers=("X-Callbox-Leg: seat",), body=sdp("127.0.2.2", 22000),
                )
            )  # fmt: skip
            assert phone.wait(lambda m: m.method == "INVITE") is not None
            assert time.monotonic() - began < 2.0
