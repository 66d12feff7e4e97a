"""A card's console on a real pty: read, changed, and every way it can fail."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from drivers import profiles
from drivers.base import StateError
from drivers.console.actuator import ConsoleActuator
from drivers.console.reader import ConsoleReader
from drivers.console.session import Session, Timing
from drivers.control import GuardedControl
from drivers.lines import Alarm, LineStatus, ReaderError, Verb
from drivers.releases import Releases
from drivers.resources import Console, SerialPort, TcpPort
from drivers.simkit.card import ConsoleCard, load_card
from drivers.simkit.faults import Fault
from drivers.transports.serial_port import SerialTransport

pytestmark = pytest.mark.sim
PATIENT = Timing(login_s=60.0, command_s=60.0, wake_s=20.0)
HASTY = Timing(login_s=1.0, command_s=1.0, wake_s=20.0)
"""For cards that are expected to say nothing."""
UP, DOWN = "gw:0/0/0", "gw:0/0/1"


@dataclass
class Rig:
    """A simulated card and those who talk to it."""

    card: ConsoleCard
    session: Session
    reader: ConsoleReader
    control: GuardedControl
    folder: Path
    now_s: float = 0.0

    def read(self) -> dict[str, LineStatus]:
        return {line.line_id: line for line in self.reader.lines()}


def make(card: ConsoleCard, folder: Path, timing: Timing = PATIENT, **access: str) -> Rig:
    profile = profiles.find("cisco_e1")
    given = {"user": "admin", "password": "secret"} | access
    port = SerialPort(str(card.path))
    session = Session(Console(port, lock_dir=folder, transcript=folder / "raw.txt", **given), profile, timing)
    rig: Rig
    reader = ConsoleReader("gw", session, profile, monotonic=lambda: rig.now_s)
    actuator = ConsoleActuator("gw", session, profile, reader)
    rig = Rig(card, session, reader, GuardedControl(actuator, Releases(folder / "releases.json")), folder)
    return rig


@pytest.fixture
def card(tmp_path: Path) -> Iterator[ConsoleCard]:
    simulated = ConsoleCard(tmp_path, load_card("cisco_e1"))
    simulated.start()
    yield simulated
    simulated.stop()


@pytest.fixture
def rig(card: ConsoleCard, tmp_path: Path) -> Iterator[Rig]:
    made = make(card, tmp_path)
    yield made
    made.reader.close()


def test_lines_are_read_through_login_echo_pager_and_log_lines(rig: Rig) -> None:
    rig.card.faults = {Fault.LOG_LINES}
    rig.card.alarms["0/0/1"] = {Alarm.LOS}
    rig.card.busy["0/0/0"] = {1, 17}
    for _ in range(5):
        lines = rig.read()
        assert (lines[UP].up, lines[UP].in_use, lines[UP].error) == (True, 2, "")
        assert (lines[DOWN].up, lines[DOWN].alarms) == (False, {Alarm.LOS})


def test_the_pager_is_answered_where_it_cannot_be_turned_off(rig: Rig) -> None:
    rig.session.open()
    rig.session.run("show isdn status")
    rig.card.paging = True
    assert rig.read()[UP].up is True


def test_the_firmware_is_named(rig: Rig) -> None:
    assert rig.reader.firmware() == "15.1(4)M"


def test_passwords_are_not_in_the_transcript(rig: Rig) -> None:
    rig.read()
    text = (rig.folder / "raw.txt").read_text(encoding="utf-8")
    assert "admin" in text
    assert "secret" not in text


def test_one_owner_per_port(rig: Rig, tmp_path: Path) -> None:
    rig.read()
    second = make(rig.card, tmp_path)
    with pytest.raises(ReaderError, match="used by process") as caught:
        second.session.open()
    assert caught.value.error_id == "line.port_taken"
    rig.reader.close()
    second.session.open()
    second.reader.close()


def test_a_closed_console_says_so(rig: Rig) -> None:
    rig.read()
    rig.reader.close()
    rig.reader.close()
    with pytest.raises(StateError, match="closed for good"):
        rig.read()


def test_many_askers_are_served_one_after_the_other(rig: Rig) -> None:
    rig.read()
    answers: list[bool | None] = []
    threads = [threading.Thread(target=lambda: answers.append(rig.read()[UP].up)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert answers == [True] * 6


def test_a_wrong_password_says_so(card: ConsoleCard, tmp_path: Path) -> None:
    rig = make(card, tmp_path, password="wrong")
    with pytest.raises(ReaderError) as caught:
        rig.read()
    assert caught.value.error_id == "line.login_refused"
    rig.reader.close()


@pytest.mark.parametrize("fault", [Fault.HANG, Fault.WRONG_PROMPT])
def test_a_silent_card_is_given_up_in_time_and_comes_back(card: ConsoleCard, tmp_path: Path, fault: Fault) -> None:
    rig = make(card, tmp_path, HASTY)
    card.faults = {fault}
    with pytest.raises(ReaderError) as caught:
        rig.read()
    assert caught.value.error_id == "line.no_answer"
    rig.reader.close()
    card.faults = set()
    again = make(card, tmp_path)
    assert again.read()[UP].up is True
    again.reader.close()


@pytest.mark.parametrize(("fault", "error_id"), [(Fault.NOISE, "line.noise"), (Fault.OTHER_CARD, "line.other_card")])
def test_a_spoilt_dialogue_is_named_and_ends(rig: Rig, fault: Fault, error_id: str) -> None:
    rig.read()
    rig.card.faults = {fault}
    with pytest.raises(ReaderError) as caught:
        rig.read()
    assert caught.value.error_id == error_id
    rig.card.faults = set()
    assert rig.read()[UP].up is True


def test_half_lines_are_never_up(rig: Rig) -> None:
    rig.read()
    rig.card.faults = {Fault.HALF_LINES}
    with pytest.raises(ReaderError):
        rig.read()


def test_a_restart_in_the_middle_of_an_answer_is_survived(rig: Rig) -> None:
    rig.read()
    for _ in range(5):
        rig.card.faults = {Fault.REBOOT}
        assert rig.read()[UP].up is True


def test_new_words_keep_the_last_value_and_mark_it_stale(rig: Rig) -> None:
    assert rig.read()[UP].up is True
    rig.card.faults = {Fault.NEW_WORDS}
    line = rig.read()[UP]
    assert (line.stale, line.up, line.d_channel_l2) == (True, None, True)
    assert "no alarm" in line.error
    rig.card.faults = set()
    assert rig.read()[UP].up is True


def test_figures_that_stand_still_are_stale_after_a_minute(rig: Rig) -> None:
    rig.card.faults = {Fault.STUCK}
    assert rig.read()[UP].up is True
    rig.now_s = 50.0
    assert rig.read()[UP].up is True
    rig.now_s = 70.0
    line = rig.read()[UP]
    assert (line.stale, line.up) == (True, None)
    assert "stood still" in line.error


def test_a_module_taken_out_is_named(rig: Rig) -> None:
    rig.read()
    for known in (rig.card.alarms, rig.card.busy, rig.card.values):
        known.pop("0/0/1")
    rig.card.data = load_card("cisco_e1").__class__(
        **{name: getattr(rig.card.data, name) for name in rig.card.data.__struct_fields__} | {"ports": ("0/0/0",)}
    )
    line = rig.read()[DOWN]
    assert (line.stale, line.up) == (True, None)
    assert "no longer names" in line.error


def test_the_cable_is_pulled_and_put_back(rig: Rig) -> None:
    rig.read()
    rig.card.unplug()
    errors = set()
    for _ in range(3):
        with pytest.raises(ReaderError) as caught:
            rig.read()
        errors.add(caught.value.error_id)
    assert errors <= {"line.port_gone", "line.no_port"}
    rig.card.plug()
    assert rig.read()[UP].up is True


@pytest.mark.parametrize(
    ("verb", "value", "after"),
    [
        (Verb.SET_FRAMING, "no-crc4", "NO-CRC4"),
        (Verb.SET_CODING, "ami", "AMI"),
        (Verb.SET_CLOCK, "internal", "Internal"),
        (Verb.SET_D_CHANNEL, "network", "network"),
        (Verb.SET_D_CHANNEL, "user", "user"),
    ],
)
def test_a_setting_is_changed_and_read_back(rig: Rig, verb: Verb, value: str, after: str) -> None:
    change = rig.control.do(UP, verb, value=value)
    assert (change.after, change.verified) == (after, True)
    assert rig.card.values["0/0/0"]["framing"] == ("NO-CRC4" if verb is Verb.SET_FRAMING else "CRC4")
    assert not rig.card.in_config


def test_a_change_that_the_card_ignores_is_an_error(rig: Rig) -> None:
    rig.card.faults = {Fault.DEAF}
    with pytest.raises(ReaderError, match="did not take") as caught:
        rig.control.do(UP, Verb.SET_FRAMING, value="no-crc4")
    assert caught.value.error_id == "line.change_not_taken"
    assert not rig.card.in_config


def test_calls_are_not_cut_unless_forced(rig: Rig) -> None:
    rig.card.busy["0/0/0"] = {5}
    with pytest.raises(ReaderError, match="1 channels carry calls"):
        rig.control.do(UP, Verb.LOOP_LINE)
    assert rig.control.do(UP, Verb.LOOP_LINE, force=True, seconds=5).verified


def test_a_loop_is_noted_before_it_begins_and_ends_after_a_crash(rig: Rig) -> None:
    assert rig.control.do(UP, Verb.LOOP_PAYLOAD, seconds=1).after == "loopback local payload"
    [note] = Releases(rig.folder / "releases.json").open()
    later = GuardedControl(rig.control.actuator, Releases(rig.folder / "releases.json"), wall=lambda: note.at_unix_s)
    assert later.release_due() == (UP,)
    assert rig.card.values["0/0/0"]["loop"] == ""


def test_configuration_mode_is_left_when_a_command_is_refused(rig: Rig) -> None:
    rig.session.open()
    with pytest.raises(ReaderError) as caught:
        rig.session.configure(["controller E1 0/0/0", "rubbish"])
    assert caught.value.error_id == "line.refused"
    assert not rig.card.in_config


def test_configuration_mode_that_someone_left_open_is_left(rig: Rig) -> None:
    rig.card.asked = len(rig.card.data.login)
    rig.card.in_config = True
    assert rig.read()[UP].up is True
    assert not rig.card.in_config


@pytest.mark.parametrize("value", ["crc4\nend\nreload", "", "; rm -rf /"])
def test_nothing_but_known_values_reaches_the_card(rig: Rig, value: str) -> None:
    with pytest.raises(ReaderError) as caught:
        rig.control.do(UP, Verb.SET_FRAMING, value=value)
    assert caught.value.error_id == "line.bad_argument"
    assert not any("reload" in said for said in rig.card.said)


def test_a_console_behind_a_terminal_server(rig: Rig, tmp_path: Path) -> None:
    """The same card through a socket: a bridge carries bytes between the pty and a TCP port."""
    serial = SerialTransport(SerialPort(str(rig.card.path)), tmp_path)
    serial.open()
    server = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=_bridge, args=(server, serial.fileno()), daemon=True).start()
    profile = profiles.find("cisco_e1")
    port = TcpPort("127.0.0.1", server.getsockname()[1])
    session = Session(Console(port, user="admin", password="secret", lock_dir=tmp_path), profile, PATIENT)
    reader = ConsoleReader("gw", session, profile)
    try:
        assert {line.up for line in reader.lines()} == {True}
    finally:
        reader.close()
        server.close()
        serial.close()


def _bridge(server: socket.socket, serial: int) -> None:
    client, _address = server.accept()
    with client, contextlib.suppress(OSError):  # whoever closes first ends it
        while True:
            ready, _, _ = select.select([client, serial], [], [], 60)
            if client in ready:
                if not (data := client.recv(512)):
                    return
                os.write(serial, data)
            if serial in ready:
                client.sendall(os.read(serial, 512))


def test_a_terminal_server_that_is_off(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = TcpPort("127.0.0.1", server.getsockname()[1])
    session = Session(Console(port, lock_dir=tmp_path), profiles.find("cisco_e1"), HASTY)
    with pytest.raises(ReaderError, match="terminal server") as caught:
        session.open()
    assert caught.value.error_id == "line.no_port"
