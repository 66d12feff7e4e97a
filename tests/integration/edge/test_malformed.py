"""Malformed SIP from the network: RFC 4475's torture messages and plain rubbish at every door; the edge lives on."""

from __future__ import annotations

import random
import tomllib
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from appliance.settings import Home, Settings
from appliance.telephony.edge import control
from tests.integration.edge.box import SEATS as SEAT_DOOR
from tests.integration.edge.box import TRUNKS as TRUNK_DOOR
from tests.integration.edge.box import WORKERS, Service, alive
from tests.integration.edge.sipkit import Answerer, StreamLine, UdpLine, waited

pytestmark = pytest.mark.integration

MESSAGES = tomllib.loads((Path(__file__).parents[2] / "data" / "torture" / "messages.toml").read_text("utf-8"))


def wire(text: str) -> bytes:
    return text.lstrip("\n").replace("\n", "\r\n").encode("latin-1")


def processes(edge: Service) -> set[int]:
    return {child.pid for child in psutil.Process(edge.process.pid).children()}


def test_the_whole_set_is_there() -> None:
    assert len(MESSAGES) == 49
    assert len({entry["section"] for entry in MESSAGES.values()}) == 49


@pytest.mark.parametrize("name", list(MESSAGES))
def test_torture(edge: Service, name: str) -> None:
    before = processes(edge)
    data = wire(MESSAGES[name]["bytes"])
    source = f"127.0.3.{100 + list(MESSAGES).index(name)}"  # each from its own address: no flood
    doors = (((source, 5060), SEAT_DOOR), (("127.0.1.1", 5060), TRUNK_DOOR), (("127.0.0.1", 20005), WORKERS))
    for local, door in doors:
        with closing(UdpLine(local, door)) as line:
            line.send(data)
            assert alive(30.0, door, local[0]) if door == TRUNK_DOOR else alive(30.0, source=source)
    assert before <= processes(edge), edge.log.read_text("latin-1")[-2000:]  # nobody died


def test_a_valid_odd_message_is_understood(edge: Service) -> None:
    """Not only survived: an OPTIONS with odd spelling is answered to where it came from."""
    data = wire(MESSAGES["lwsdisp"]["bytes"]).replace(b"funky.example.com;branch", b"127.0.3.90:5060;branch")
    with closing(UdpLine(("127.0.3.90", 5060), SEAT_DOOR)) as line:
        line.send(data)
        answer = line.final()
        assert answer is not None
        assert answer.status == 200


def test_rubbish_over_udp_and_tcp(edge: Service) -> None:
    dice = random.Random(4475)
    before = processes(edge)
    with closing(UdpLine(("127.0.3.91", 5060), SEAT_DOOR)) as line:
        for size in (0, 1, 4, 40, 400, 4000, 65000):
            line.send(bytes(dice.randrange(256) for _ in range(size)))
    for start in (b"\r\n\r\n\r\n", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\x16\x03\x01\x00\x05", b"A" * 70000):
        with closing(StreamLine(SEAT_DOOR, source="127.0.3.92")) as stream:
            stream.send(start)
            stream.receive(0.2)
    assert alive()
    assert before <= processes(edge)
    assert edge.log.read_text("latin-1").count("client=127.0.3.91 sends what is no SIP") == 1


def test_an_address_that_goes_on_is_banned(edge: Service, box: tuple[Home, Settings]) -> None:
    with closing(UdpLine(("127.0.3.94", 5060), SEAT_DOOR)) as line:
        for _ in range(12):
            line.send(b"INVITE sip:x SIP/2.0\r\nVia: rubbish\r\n\r\n")
    assert waited(lambda: control.Ban("127.0.3.94", "malformed") in control.bans(box[0]), 3.0)
    assert not alive(0.5, source="127.0.3.94")
    assert alive()


def test_nothing_of_it_reached_a_gateway(edge: Service) -> None:
    with closing(Answerer(("127.0.1.1", 5060), lambda _: [])) as gateway:
        for name in ("wsinv", "esc01", "inv2543"):
            with closing(UdpLine(("127.0.3.93", 5060), SEAT_DOOR)) as line:
                line.send(wire(MESSAGES[name]["bytes"]))
        assert alive()
        assert not gateway.of("INVITE")
