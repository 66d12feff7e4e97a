"""A technician at the serial console: his tasks as pexpect scripts over a real pty, each byte counted.

A pty does not slow anybody down, so the time on the wire is reckoned: ten bits a byte (8N1) at 9600 baud.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pexpect

from appliance.settings import Home

PROMPT = "\r\n> "
BAUD, BITS_A_BYTE = 9600, 10
_TIMEOUT_S = 90.0
_QUESTIONS = 60


class Session:
    """One visit at the console."""

    def __init__(self, home: Home) -> None:
        self.received = self.sent = 0
        environment = {**os.environ, "CALLBOX_HOME": str(home.root), "TERM": "vt100"}
        self._child = pexpect.spawn(
            sys.executable, ["-P", "-m", "appliance.services.console"], env=environment, dimensions=(24, 80),
            timeout=_TIMEOUT_S, echo=False,
        )  # fmt: skip
        self._child.delaybeforesend = None
        self.screen = self.expect(PROMPT)
        self.first_paint_bytes = self.received

    def expect(self, text: str) -> str:
        """Wait for a text; returns what came up to and with it. Raises pexpect.ExceptionPexpect."""
        self._child.expect_exact(text)
        seen: bytes = self._child.before + self._child.after
        self.received += len(seen)
        return seen.decode("ascii")

    def type(self, line: str) -> None:
        """Type a line and Enter."""
        self.sent += self._child.send(line + "\r")

    def send(self, data: bytes) -> None:
        """Send bytes as they are (noise)."""
        self.sent += self._child.send(data)

    def ask(self, line: str, until: str = PROMPT) -> str:
        """Type a line; returns the screen up to `until`."""
        self.type(line)
        return self.expect(until)

    def close(self) -> int | None:
        """Drop the line; returns the console's exit status (None: a signal ended it, or it did not end)."""
        self._child.ptyproc.fileobj.close()  # the master end: a hang-up for the console
        self._child.closed = True
        deadline = time.monotonic() + _TIMEOUT_S
        while self._child.isalive() and time.monotonic() < deadline:
            time.sleep(0.02)
        status: int | None = self._child.exitstatus
        return status


@dataclass(frozen=True)
class Scene:
    """What the tasks need to know of the box."""

    login: str
    password: str
    number: str
    stick: Path
    restart: str


def _unlock(session: Session, scene: Scene, line: str, until: str = PROMPT) -> str:
    """An entry that asks who is there first."""
    session.ask(line, "code): ")
    session.ask(scene.login, "Password: ")
    return session.ask(scene.password, until)


def read_lines(session: Session, _scene: Scene) -> str:
    shown = session.ask("lines", "menu ")
    session.send(b"\r")
    return shown + session.expect(PROMPT)


def read_alarms(session: Session, _scene: Scene) -> str:
    return session.ask("alarms")


def read_disks(session: Session, _scene: Scene) -> str:
    return session.ask("disks")


def read_network(session: Session, _scene: Scene) -> str:
    return session.ask("network")


def test_call(session: Session, scene: Scene) -> str:
    return _unlock(session, scene, f"call {scene.number}")


def line_test(session: Session, scene: Scene) -> str:
    """A simulated pair from the first picture to the signed report; each question is read before it is answered."""
    shown = screen = _unlock(session, scene, "linetest MDF-7 simulate", "> ")
    for _ in range(_QUESTIONS):
        if screen.endswith(PROMPT):
            break
        screen = session.ask("yes" if "yes: " in screen.rsplit("\n", 1)[-1] else "", "> ")
        shown += screen
    return shown


def full_check(session: Session, _scene: Scene) -> str:
    return session.ask("check")


def search_log(session: Session, _scene: Scene) -> str:
    return session.ask("logs console wire")


def restart_service(session: Session, scene: Scene) -> str:
    return _unlock(session, scene, f"services restart {scene.restart}")


def reset_password(session: Session, scene: Scene) -> str:
    _unlock(session, scene, f"passwords reset {scene.login}", "New password: ")
    session.ask(scene.password, "Again: ")
    return session.ask(scene.password)


def write_bundle(session: Session, scene: Scene) -> str:
    return session.ask(f"bundle {scene.stick}")


TASKS: dict[str, tuple[Callable[[Session, Scene], str], str]] = {
    "lines": (read_lines, "D++"),
    "alarms": (read_alarms, "\r\n"),
    "disks": (read_disks, "array md0"),
    "network": (read_network, "web: port"),
    "test call": (test_call, "Verdict: "),
    "line test": (line_test, "Signed report: "),
    "full check": (full_check, "licences"),
    "logs": (search_log, "wire cut"),
    "restart a service": (restart_service, "was restarted"),
    "reset a password": (reset_password, "has a new password"),
    "support bundle": (write_bundle, ".tar.gz"),
}
"""Name -> script, and what must stand on the screen at its end."""


def wire_s(count: int) -> float:
    """Time of so many bytes at 9600 baud, s."""
    return count * BITS_A_BYTE / BAUD


def write_hardware(home: Home) -> None:
    """Two spans, one of them down, an FXO port and a mirror as `watch` would have read them just now."""
    now = time.time()
    spans = [
        {
            "line_id": f"span-{number}", "kind": "e1", "name": f"Span {number}", "up": number == 1,
            "alarms": [] if number == 1 else ["los"], "d_channel_l1": number == 1, "d_channel_l2": number == 1,
            "channels": ["idle"] * 12 + ["busy"] * 3 + ["signalling"] + ["idle"] * 15 if number == 1
            else ["alarm"] * 31, "in_use": 3 if number == 1 else None, "counters": None, "fxo": None,
            "source": "dahdi", "taken_at_unix_s": now, "stale": False, "error": "",
        }
        for number in (1, 2)
    ]  # fmt: skip
    port = {
        "line_id": "fxo-1", "kind": "fxo", "name": "Port 1", "up": True, "alarms": [], "channels": ["idle"],
        "in_use": 0, "fxo": {"volts": 48.2, "milliamps": 0.0}, "source": "console", "taken_at_unix_s": now,
        "stale": False, "error": "",
    }  # fmt: skip
    disks = {
        "arrays": [{"name": "md0", "state": "clean", "missing": 0, "progress": None}],
        "disks": [{"bay": str(bay), "model": "Example 960G", "serial": f"S00{bay}", "size_bytes": 960_000_000_000,
                   "health": {"report": {"temperature_c": 34, "troubles": []}}} for bay in (1, 2)],
    }  # fmt: skip
    sections = {
        name: {"section": name, "data": data, "taken_at_unix_s": now, "error": ""}
        for name, data in (("lines", {"lines": [*spans, port]}), ("disks", disks), ("clock", {"trusted": True}))
    }
    home.run.mkdir(parents=True, exist_ok=True)
    fresh = home.hardware_file.with_suffix(".new")
    fresh.write_bytes(msgspec.json.encode({"written_at_unix_s": now, "sections": sections}))
    fresh.replace(home.hardware_file)


def write_log(home: Home) -> None:
    """A line to be found in a log."""
    with (home.logs / "console.log").open("a", encoding="utf-8") as handle:
        handle.write("timestamp=2026-01-02T03:04:05Z level=warning service=console event=\"wire cut\"\n")
