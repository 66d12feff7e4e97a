"""The technician's console over a real pty against a small box: supervisor, bus, office, a home with hardware."""

from __future__ import annotations

import json
import os
import sys
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pytest

from appliance.bench.switch_rig import free_port
from appliance.bench.technician import PROMPT, TASKS, Scene, Session, write_hardware, write_log
from appliance.commands import SaveUser
from appliance.console import code
from appliance.services.office_client import client
from appliance.settings import Home, load_secrets, save_settings
from appliance.types import LOCAL_ACTOR, Role
from appliance.watch.supervision import Program, RunningBox, start_supervisor, status
from tests.databases import new_store

pytestmark = pytest.mark.sim

LOGIN, PASSWORD = "technician", "a-serial-line-at-night"
WITHOUT_SWITCH = ("lines", "disks", "network", "logs", "restart a service", "reset a password", "alarms", "line test")


def make_home(folder: Path) -> Home:
    home = Home(folder)
    home.make()
    load_secrets(home)
    ports = {"bus": {"port": free_port("127.0.0.1")},
             "web": {"port": free_port("127.0.0.1"), "app_port": free_port("127.0.0.1")}}  # fmt: skip
    settings = save_settings(home, dict(ports))
    store = new_store(home, settings)
    store.close()
    return home


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """A home with an administrator, hardware, a log, and supervisor over bus and jobs."""
    made = make_home(tmp_path_factory.mktemp("box"))
    with client(made) as box:
        box.ask(SaveUser(actor_id=LOCAL_ACTOR, login=LOGIN, role=Role.ADMINISTRATOR, password=PASSWORD))
    write_log(made)
    running: RunningBox = start_supervisor(made, [Program(name="bus", priority=1), Program(name="jobs", priority=2)])
    try:
        running.wait_ready(lambda: _down(made), timeout_s=120)
        yield made
    finally:
        running.stop()


def _down(home: Home) -> list[str]:
    from appliance.errors import BoxError

    try:
        return [service.name for service in status(home) if service.state != "RUNNING"]
    except BoxError:
        return ["supervisor"]


@pytest.fixture
def empty(tmp_path: Path) -> Home:
    """A box of which nothing is left but its folder."""
    found = Home(tmp_path / "nothing")
    found.logs.mkdir(parents=True)
    return found


@pytest.mark.parametrize("task", WITHOUT_SWITCH)
def test_a_technicians_task(home: Home, tmp_path: Path, task: str) -> None:
    write_hardware(home)
    scene = Scene(login=LOGIN, password=PASSWORD, number="+8613800138000", stick=tmp_path, restart="jobs")
    session = Session(home)
    script, sign = TASKS[task]
    shown = script(session, scene)
    assert sign in shown
    assert PASSWORD not in shown
    assert session.close() == 0


def test_the_first_screen_is_small_and_says_what_is_wrong_first(home: Home) -> None:
    write_hardware(home)
    alerts = [
        {"key": f"k{n}", "severity": "critical", "title": f"Service “s{n}” is stopped, 服务 " + "x" * 90, "text": "",
         "since_unix_s": time.time(), "caused_by": "k0" if n == 5 else ""} for n in range(6)
    ]  # fmt: skip
    home.alerts_file.write_text(json.dumps({"standing": alerts, "recent": []}), "utf-8")
    for number in range(4):
        home.console_entries.mkdir(exist_ok=True)
        entry = {"name": f"later{number}", "title": f"A later service {number}", "command": ["true"], "changes": True}
        (home.console_entries / f"{number}.json").write_text(json.dumps(entry), "utf-8")
    try:
        session = Session(home)
        assert session.first_paint_bytes <= 600
        lines = session.screen.splitlines()
        assert lines[0].startswith("Callbox ")
        assert lines[2].startswith('!! Service "s0" is stopped')
        assert "and 3 more" in lines[4]  # the one that another explains does not count
        assert len(lines) <= 24
        assert all(len(line) < 80 for line in lines)
        session.close()
    finally:
        home.alerts_file.unlink()
        for path in home.console_entries.glob("*.json"):
            path.unlink()


def test_entries_appear_when_their_service_registers(home: Home) -> None:
    session = Session(home)
    assert "No such entry" in session.ask("backup")
    home.console_entries.mkdir(exist_ok=True)
    (home.console_entries / "x.json").write_text("{", "utf-8")
    (home.console_entries / "backup.json").write_text(
        json.dumps({"name": "backup", "title": "Backup", "changes": False,
                    "command": [sys.executable, "-c", "print('all of it is written')"]}), "utf-8")  # fmt: skip
    assert "Backup" in session.ask("")
    assert "all of it is written" in session.ask("backup")
    session.close()
    (home.console_entries / "backup.json").unlink()


def test_nothing_changes_without_a_password(home: Home) -> None:
    session = Session(home)
    session.ask("services restart jobs", "code): ")
    session.ask(LOGIN, "Password: ")
    assert "wrong" in session.ask("not the password")
    session.ask("passwords code", "code): ")
    assert "was restarted" not in session.ask("")
    assert not code.exists(home.console_code)
    session.close()


def test_the_service_code_opens_once(home: Home) -> None:
    made = code.make(home.console_code)
    session = Session(home)
    session.ask("services restart jobs", "code): ")
    session.ask("code", "Service code: ")
    shown = session.ask(made)
    assert "The code is spent. The new one" in shown
    assert "jobs was restarted" in shown
    session.close()
    session = Session(home)
    session.ask("services restart jobs", "code): ")
    session.ask("code", "Service code: ")
    assert "not the code" in session.ask(made)
    session.close()


def test_noise_half_lines_and_breaks_never_break_it(home: Home) -> None:
    session = Session(home)
    session.send(b"\xff\xfe\x00\x9b\x80\x1b[\x1b[999;999H\x1bO")
    session.expect("")
    session.send(b"\x15netw\x00or\xc3\xa9k\x1b[A\r")
    assert "web: port" in session.expect(PROMPT)
    session.send(b"servi\x03")
    session.expect(PROMPT)
    for wrong in ("999", "-1", "0", "; reboot", "$(id)", "x" * 500):
        assert "No such entry" in session.ask(wrong)
    assert "web: port" in session.ask("network")
    session.close()


def test_a_dropped_line_ends_the_visit_and_the_next_one_begins_anew(home: Home) -> None:
    for typed in (b"", b"half a li", b"logs jobs follow\r", b"services restart jobs\r"):
        session = Session(home)
        session.send(typed)
        assert session.close() == 0


def test_it_stands_when_nothing_else_does(empty: Home) -> None:
    session = Session(empty)
    assert "!! The services do not run" in session.screen
    assert "callbox run" in session.ask("services")
    empty.database.write_bytes(b"this is no database at all" * 100)
    empty.hardware_file.parent.mkdir(exist_ok=True)
    empty.hardware_file.write_bytes(b"{\xff")
    empty.alerts_file.write_bytes(b"[1]")
    shown = session.ask("alarms")
    assert "The database cannot be read" in shown
    assert "supervisor does not answer" in shown
    session.ask("reboot")
    shown = session.ask("call", "code): ")  # the database cannot say who is who: only the code opens
    assert "broke" not in shown
    assert "no service code" in session.ask("code")
    session.close()


def test_subcommands_print_plain_text_without_a_terminal(home: Home) -> None:
    write_hardware(home)
    environment = {**os.environ, "CALLBOX_HOME": str(home.root)}
    shown, status_ = pexpect.run(
        f"{sys.executable} -P -m appliance.services.console lines watch", withexitstatus=True, env=environment,
        events={"Watching; any key ends.": "q"}, timeout=60,
    )  # fmt: skip
    assert b"span-2       LOS" in shown
    assert status_ == 1  # a line is down
    shown, status_ = pexpect.run(
        f"{sys.executable} -P -m appliance.services.console nonsense", withexitstatus=True, env=environment, timeout=60
    )
    assert status_ == 2
    assert b"One of: lines, alarms" in shown


def test_nothing_personal_is_in_a_bundle(home: Home, tmp_path: Path) -> None:
    from appliance.services.bundle import write_bundle

    with client(home) as box:
        user = SaveUser(actor_id=LOCAL_ACTOR, login="lidia", display_name="Lidia Sorokina", role=Role.AGENT,
                        password=PASSWORD)  # fmt: skip
        box.ask(user)
    secrets = (home.secrets_file.read_text("utf-8"), "sip-secret-9876")
    save_settings(home, {"email": {"password": secrets[1], "recipients": "boss@example.org"}})
    with (home.logs / "engine.log").open("a", encoding="utf-8") as log:
        log.write('level=info event="dialled +8613912345678 for Lidia" pii_name="王小明"\n')
        log.write("Traceback: contact Анна Петрова, tel 8 (912) 345-67-89, mail anna@example.com\n")
    path = write_bundle(home, tmp_path, {"ok": True, "checks": [{"text": "call to +8613912345678 by Lidia"}]})
    assert path.stat().st_mode & 0o777 == 0o600
    with tarfile.open(path) as archive:
        names = archive.getnames()
        text = "\n".join(archive.extractfile(name).read().decode() for name in names)  # type: ignore[union-attr]
    wanted = {"check.json", "settings.json", "versions.json", "log/engine.log"}
    assert wanted <= {name.partition("/")[2] for name in names}
    for personal in ("13912345678", "345-67-89", "3456789", "Lidia", "Sorokina", "王小明", "Анна", "Петрова", "anna@",
                     "boss@", secrets[1]):  # fmt: skip
        assert personal not in text, personal
    for line in secrets[0].splitlines():
        value = line.partition(" = ")[2].strip('"')
        assert not value or value not in text
    assert "level=info event=" in text
