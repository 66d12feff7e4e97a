"""Phones at the edge: registration over UDP, TCP and TLS, wrong passwords, floods, and an edge that is killed."""

from __future__ import annotations

import os
import signal
import socket
import ssl
from contextlib import closing

import psutil
import pytest

from appliance.settings import Home, Settings
from appliance.telephony.edge import control
from appliance.telephony.edge.subscribers import remove_seat, set_seat
from tests.integration.edge.box import SEATS as SEAT_DOOR
from tests.integration.edge.box import WORKERS, Service, alive, register, registered
from tests.integration.edge.sipkit import Answerer, Message, StreamLine, UdpLine, reply, request, sdp, waited

pytestmark = pytest.mark.integration


def status(answer: Message | None) -> int:
    return answer.status if answer else 0


def udp(last: int) -> closing[UdpLine]:
    return closing(UdpLine((f"127.0.3.{last}", 5060), SEAT_DOOR))


def test_tcp_and_tls_phones_register(edge: Service, box: tuple[Home, Settings]) -> None:
    home, settings = box
    with closing(StreamLine(SEAT_DOOR, source="127.0.3.11")) as line:
        assert status(register(line, "seat02", "pw02", transport="TCP")) == 200
    trusting = ssl.create_default_context(cafile=home.front / "ca.crt")
    door = (settings.sip.seat_address, settings.sip.seat_tls_port)
    with closing(StreamLine(door, source="127.0.3.12", context=trusting)) as line:
        assert status(register(line, "seat03", "pw03", transport="TLS")) == 200
        assert "transport=tls" in registered(home, "seat03").contact


def test_wrong_passwords_are_refused_then_banned_and_others_not_disturbed(
    edge: Service, box: tuple[Home, Settings]
) -> None:
    home, settings = box
    with udp(21) as guesser:
        for _ in range(settings.sip.auth_failures_max):
            assert status(register(guesser, "seat04", "wrong")) == 401
        assert register(guesser, "seat04", "pw04") is None  # now even the right one gets no word
        assert control.Ban("127.0.3.21", "password") in control.bans(home)
        with udp(22) as other:
            assert status(register(other, "seat04", "pw04")) == 200
        control.unban(home, "127.0.3.21")
        assert status(register(guesser, "seat04", "pw04")) == 200
    assert "client=127.0.3.21 banned: wrong passwords" in edge.log.read_text()


def test_unknown_seat(edge: Service, box: tuple[Home, Settings]) -> None:
    with udp(23) as line:
        assert status(register(line, "seat99", "pw99")) == 401
        assert "unknown seat 'seat99'" in edge.log.read_text()


def test_a_seat_registers_only_itself(edge: Service) -> None:
    with udp(24) as line:
        answer = register(line, "seat05", "pw05")
        assert status(answer) == 200
        line.send(
            request(
                "REGISTER", "sip:callbox", local=line.local, sender="sip:seat05@callbox", to="sip:seat06@callbox",
            )
        )  # fmt: skip
        assert status(line.final()) == 401


def test_seats_come_and_go_without_a_restart(edge: Service, box: tuple[Home, Settings]) -> None:
    home, settings = box
    set_seat(home, settings.sip.realm, "new-seat", "first")
    with udp(25) as line:
        assert status(register(line, "new-seat", "first")) == 200
        set_seat(home, settings.sip.realm, "new-seat", "second")
        assert status(register(line, "new-seat", "second")) == 200
        remove_seat(home, settings.sip.realm, "new-seat")
        assert status(register(line, "new-seat", "second")) == 401


def test_a_flood_is_banned_and_others_register(edge: Service, box: tuple[Home, Settings]) -> None:
    home, _ = box
    with udp(31) as flooder:
        for _ in range(500):
            flooder.send(
                request("REGISTER", "sip:callbox", local=flooder.local, sender="sip:a@callbox", to="sip:a@callbox")
            )
        assert waited(lambda: control.Ban("127.0.3.31", "flood") in control.bans(home), 3.0)
        with udp(32) as other:
            assert status(register(other, "seat06", "pw06")) == 200
        assert control.refusals(home)["flood"] >= 1


def picks_up(message: Message) -> list[bytes]:
    if message.method == "INVITE":
        return [reply(message, "200 OK", contact="sip:seat01@127.0.3.41:5060", body=sdp("127.0.3.41", 50000))]
    return [] if message.method == "ACK" else [reply(message, "200 OK")]


def call_seat(line: UdpLine, seat: str) -> int:
    line.send(
        request(
            "INVITE", f"sip:{seat}@callbox", local=line.local, sender="sip:worker@callbox",
            headers=("X-Callbox-Leg: seat",), body=sdp("127.0.2.2", 22000),
        )
    )  # fmt: skip
    return status(line.final(0.5))


class LyingLine(UdpLine):
    """Its Contact names somebody else; its Via is honest."""

    def send(self, data: bytes) -> None:
        super().send(data.replace(b"@127.0.3.42:5060", b"@127.0.1.9:5060"))


def test_a_seat_is_called_where_it_registers_from_whatever_its_contact_says(
    edge: Service, box: tuple[Home, Settings]
) -> None:
    """A seat whose Contact names a gateway would have the box dial premium numbers."""
    home, _ = box
    with closing(Answerer(("127.0.1.9", 5060), picks_up)) as gateway:
        with closing(LyingLine(("127.0.3.42", 5060), SEAT_DOOR)) as line:
            assert status(register(line, "seat04", "pw04")) == 200
            assert "@127.0.1.9:5060" in registered(home, "seat04").contact
        phone = Answerer(("127.0.3.42", 5060), picks_up)
        with closing(phone), closing(UdpLine(("127.0.0.1", 20000), WORKERS)) as worker:
            assert call_seat(worker, "seat04") == 200
            assert len(phone.of("INVITE")) == 1
        assert gateway.of("INVITE") == []


@pytest.mark.parametrize("whom", ["main process", "whole group"])
def test_after_kill_9_a_desk_phone_is_callable_again(
    edge: Service, box: tuple[Home, Settings], whom: str
) -> None:
    """Without registering again. The aim is 5 s; the deadline here is wider, as tests share a busy machine."""
    home, _ = box
    with udp(41) as line:
        assert status(register(line, "seat01", "pw01")) == 200
    registered(home, "seat01")
    phone = closing(Answerer(("127.0.3.41", 5060), picks_up))
    with phone, closing(UdpLine(("127.0.0.1", 20000), WORKERS)) as worker:
        assert call_seat(worker, "seat01") == 200
        children = psutil.Process(edge.process.pid).children()
        assert children
        if whom == "main process":
            edge.process.kill()
        else:
            os.killpg(edge.process.pid, signal.SIGKILL)
        edge.process.wait(5)
        edge.start()  # as supervisor does
        assert waited(lambda: call_seat(worker, "seat01") == 200 and _started(edge), 20.0)
        _, left = psutil.wait_procs(children, timeout=1.0)
        assert not left  # no process of the killed start holds on
    assert alive()


def _started(edge: Service) -> bool:
    """The new Kamailio runs (not only what was left of the old one)."""
    return psutil.Process(edge.process.pid).name() == "kamailio" and bool(psutil.Process(edge.process.pid).children())


def test_after_a_restart_a_tcp_phone_is_called_at_its_own_port(edge: Service, box: tuple[Home, Settings]) -> None:
    """Its old connection died with the edge."""
    home, _ = box
    listener = socket.create_server(("127.0.3.51", 5070))
    with closing(listener), closing(UdpLine(("127.0.0.1", 20000), WORKERS)) as worker:
        with closing(StreamLine(SEAT_DOOR, source="127.0.3.51")) as line:
            line.contact = ("127.0.3.51", 5070)
            assert status(register(line, "seat03", "pw03", transport="TCP")) == 200
            registered(home, "seat03")
            edge.stop()
        edge.start()
        assert alive(60.0)
        listener.settimeout(5.0)
        call_seat(worker, "seat03")
        phone, _ = listener.accept()
        with closing(phone):
            phone.settimeout(2.0)
            assert phone.recv(65535).startswith(b"INVITE sip:seat03@127.0.3.51:5070")


def test_sigterm_ends_it_cleanly(edge: Service) -> None:
    assert edge.stop() == 0
    edge.start()
    assert alive(60.0)
