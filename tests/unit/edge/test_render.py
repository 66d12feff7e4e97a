"""What is written for Kamailio, nginx, rtpengine and the bus."""

from __future__ import annotations

import json
import stat
import time
from datetime import datetime
from pathlib import Path

import pytest

from appliance.errors import BoxError, CallerError
from appliance.services import bus, rtpengine
from appliance.settings import Home, Settings
from appliance.telephony.edge import subscribers
from appliance.telephony.edge.places import control_socket
from appliance.telephony.edge.render import render_files, resolve, write_edge
from appliance.telephony.trunks import TrunkConfig, parse_trunk

pytestmark = pytest.mark.unit


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path)
    home.make()
    return home


def trunk(address: str = "192.0.2.1", **more: object) -> TrunkConfig:
    return parse_trunk({"gateways": [{"address": address}], **more})


def test_the_same_input_gives_the_same_text(home: Home) -> None:
    trunks = {"b-two": trunk("192.0.2.2"), "a": trunk()}
    again = dict(reversed(trunks.items()))
    assert render_files(home, Settings(), trunks) == render_files(home, Settings(), again)


def test_nobody_s_words_become_configuration(home: Home) -> None:
    password = 'a"b\\c$var(x)'
    config = trunk(provider={"user": "u", "password": password})
    text = render_files(home, Settings(), {"t": config})["kamailio.cfg"]
    assert '"a\\"b\\\\c$var(x)"' in text


def test_gateways_keep_their_order(home: Home) -> None:
    config = parse_trunk({"gateways": [{"address": f"192.0.2.{n}"} for n in (9, 3, 7)]})
    lines = [
        line.split() for line in render_files(home, Settings(), {"t": config})["dispatcher.list"].splitlines()
        if line.startswith("101 ")
    ]  # fmt: skip
    by_priority = sorted(lines, key=lambda fields: -int(fields[3]))
    assert [fields[1] for fields in by_priority] == ["sip:192.0.2.9:5060", "sip:192.0.2.3:5060", "sip:192.0.2.7:5060"]


def test_every_slot_has_a_worker(home: Home) -> None:
    settings = Settings.model_validate({"sip": {"slots": 5, "worker_port_base": 21000}})
    text = render_files(home, settings, {})["dispatcher.list"]
    assert [f"sip:127.0.0.1:{21000 + n}" in text for n in range(6)] == [True] * 5 + [False]


def test_what_holds_passwords_is_private(home: Home) -> None:
    write_edge(home, Settings(), {"t": trunk(provider={"user": "u", "password": "p", "registers": True})})
    for path in (home.edge / "kamailio.cfg", home.edge / "dispatcher.list", subscribers.database(home)):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


def test_a_name_without_an_address_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise OSError("Name or service not known")

    monkeypatch.setattr("socket.getaddrinfo", fails)
    with pytest.raises(CallerError) as caught:
        resolve(trunk("gw.example.net"))
    assert caught.value.error_id == "trunk.unknown_host"


def test_a_path_too_long_for_a_socket_is_said(tmp_path: Path) -> None:
    with pytest.raises(BoxError, match="too long"):
        control_socket(Home(tmp_path / ("x" * 120)))


def test_seats(home: Home) -> None:
    subscribers.set_seat(home, "callbox", "seat01", "one")
    subscribers.set_seat(home, "callbox", "seat01", "two")
    subscribers.set_seat(home, "callbox", "seat02", "x")
    assert subscribers.seats(home, "callbox") == ["seat01", "seat02"]
    subscribers.remove_seat(home, "callbox", "seat02")
    assert subscribers.seats(home, "callbox") == ["seat01"]
    assert b"two" not in subscribers.database(home).read_bytes()  # only the digest is kept
    with pytest.raises(CallerError):
        subscribers.set_seat(home, "callbox", "Seat 1", "x")


def test_the_digest_is_rfc_2617() -> None:
    assert subscribers.digest("Mufasa", "testrealm@host.com", "Circle Of Life") == "939e7578ed9e3c518a452acee763bce9"


def test_registrations_end(home: Home) -> None:
    path = subscribers.create(home)
    import sqlite3

    with sqlite3.connect(path) as connection:
        for seat, offset in (("in", 60), ("out", -60)):
            expires = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(time.time() + offset))
            connection.execute(
                "INSERT INTO location (ruid, username, contact, expires, user_agent) VALUES (?, ?, ?, ?, 'phone')",
                (seat, seat, f"sip:{seat}@192.0.2.5", expires),
            )
    connection.close()
    found = subscribers.registrations(home)
    assert [registration.seat_id for registration in found] == ["in"]
    assert isinstance(found[0].expires_at, datetime)


def test_rtpengine_listens_for_commands_on_loopback_only() -> None:
    command = rtpengine.command(Settings())
    assert "--listen-ng=127.0.0.1:22222" in command
    assert "--interface=127.0.2.2" in command
    assert "--table=-1" in command


def test_the_bus_has_a_password_and_a_private_config(home: Home) -> None:
    settings = Settings.model_validate({"bus": {"password": 'x"y'}})
    path = bus.write_config(home, settings)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    config = json.loads(path.read_text())
    assert config["authorization"]["password"] == 'x"y'
    assert config["host"] == "127.0.0.1"
