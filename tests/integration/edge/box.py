"""A box with only its edge: home, store with trunks, seats, and the service run as supervisor runs it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from appliance.settings import Home, Settings, save_settings
from appliance.store.models import Trunk
from appliance.telephony.edge.subscribers import Registration, registrations, set_seat
from tests.databases import new_store
from tests.integration.edge.sipkit import Line, Message, UdpLine, authorization, request

ROOT = Path(__file__).parents[3]
SEATS = ("127.0.2.2", 5060)
TRUNKS = ("127.0.2.1", 5060)
WORKERS = ("127.0.0.1", 5062)
SETTINGS: dict[str, Any] = {
    "sip": {"slots": 6, "ban_s": 10, "auth_failures_max": 3, "options_ping_s": 2},
}


class Service:
    """One `python -m appliance.services NAME` in a process group of its own."""

    def __init__(self, home: Home, name: str) -> None:
        self.home = home
        self.name = name
        self.log = home.logs / f"{name}.log"
        self.start()

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "appliance.services", self.name], cwd=ROOT, stdout=log,
                stderr=subprocess.STDOUT, env={**os.environ, "CALLBOX_HOME": str(self.home.root)},
                start_new_session=True,
            )  # fmt: skip

    def stop(self) -> int:
        """SIGTERM, as supervisor does; returns the exit code. Whatever is left of the group is killed."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(30)
        finally:
            self.kill_group()

    def kill_group(self) -> None:
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            return
        self.process.wait(5)


def make_home(folder: Path, trunks: dict[str, dict[str, Any]], seats: dict[str, str]) -> tuple[Home, Settings]:
    home = Home(folder)
    home.make()
    settings = save_settings(home, SETTINGS)
    store = new_store(home, settings)
    with store.write() as session:
        for trunk_id, config in trunks.items():
            session.add(Trunk(id=trunk_id, config=config))
    store.close()
    for seat_id, password in seats.items():
        set_seat(home, settings.sip.realm, seat_id, password)
    return home, settings


def alive(timeout_s: float = 30.0, remote: tuple[str, int] = SEATS, source: str = "127.0.3.250") -> bool:
    """Does the edge answer an OPTIONS at its seats' door?"""
    line = UdpLine((source, 0), remote)
    try:
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            line.send(request("OPTIONS", "sip:callbox", local=line.local, sender="sip:probe@callbox"))
            answer = line.final(0.3)
            if answer is not None and answer.status == 200:
                return True
        return False
    finally:
        line.close()


def registered(home: Home, seat_id: str, timeout_s: float = 30.0) -> Registration:
    """The registration of a seat, as soon as it stands in the edge's file."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        for found in registrations(home):
            if found.seat_id == seat_id:
                return found
        time.sleep(0.05)
    raise AssertionError(f"{seat_id} does not stand registered")


def register(line: Line, seat: str, password: str, *, expires: int = 60, transport: str = "UDP") -> Message | None:
    """REGISTER with digest over any line; returns the final answer to the second try (None: none came)."""
    uri = "sip:callbox"
    local = ("x7k2.invalid", 5060) if transport == "WSS" else line.contact or line.local

    def ask(cseq: int, *headers: str) -> Message | None:
        line.send(
            request(
                "REGISTER", uri, local=local, sender=f"sip:{seat}@callbox", to=f"sip:{seat}@callbox", cseq=cseq,
                transport=transport, headers=(f"Expires: {expires}", *headers),
            )
        )  # fmt: skip
        return line.final(1.5)

    challenge = ask(1)
    if challenge is None or challenge.status != 401:
        return challenge
    return ask(2, authorization(challenge, user=seat, password=password, method="REGISTER", uri=uri))
