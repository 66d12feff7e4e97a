"""The service `jobs` as a process of its own beside a nats-server, for the tests of this folder."""

from __future__ import annotations

import json
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from appliance.commands import Command, Done
from appliance.errors import ValidationErrors
from appliance.jobs import runner
from appliance.jobs.context import Doors
from appliance.logs import configure
from appliance.settings import Home, Settings, load_settings, save_settings
from appliance.store.db import Store, open_store
from appliance.thread_bus import ThreadBus

RATE_HZ = 8000
PASSWORD = "correct horse 9"


class SeatFile:
    """A registrar that writes its seats into a file, since it lives in another process than the test."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def known(self) -> dict[str, str]:
        return json.loads(self._path.read_text()) if self._path.exists() else {}

    def set_password(self, seat_id: str, password: str) -> None:
        self._path.write_text(json.dumps({**self.known(), seat_id: password}))

    def remove(self, seat_id: str) -> None:
        self._path.write_text(json.dumps({k: v for k, v in self.known().items() if k != seat_id}))


def check_trunk(config: dict[str, Any]) -> dict[str, Any]:
    """As the trunks' own check: all mistakes, or the normal form."""
    if not config.get("gateways"):
        raise ValidationErrors([("gateways", "trunk.missing", "Field required")])
    return {"channels": 30, **config}


def doors(home: Home) -> Doors:
    return Doors(
        seats=SeatFile(home.root / "seats.json"), check_trunk=check_trunk,
        edge_changed=(home.root / "edge-changed").touch,
    )  # fmt: skip


@dataclass
class Service:
    """One home with its bus; `start` and `kill` the service as often as wanted."""

    home: Home
    settings: Settings
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start_bus(self) -> None:
        bus = self.settings.bus
        self.processes["bus"] = subprocess.Popen(
            ["nats-server", "-a", bus.host, "-p", str(bus.port), "-js", "-sd", str(self.home.bus), "--user", bus.user,
             "--pass", bus.password.get_secret_value(), "-l", str(self.home.logs / "nats.log")]
        )  # fmt: skip

    def start(self) -> None:
        with (self.home.logs / "jobs.log").open("ab") as log:
            self.processes["jobs"] = subprocess.Popen(
                [sys.executable, "-m", "tests.integration.jobs.service", str(self.home.root)], stderr=log
            )

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        process = self.processes.pop("jobs")
        process.send_signal(number)
        return process.wait(15)

    def close(self) -> None:
        for process in self.processes.values():
            process.kill()
            process.wait(5)

    def log(self) -> str:
        return (self.home.logs / "jobs.log").read_text()

    def store(self) -> Store:
        return open_store(self.home, self.settings)


def new_service(folder: Path) -> Service:
    home = Home(folder)
    home.make()
    return Service(home, save_settings(home, {"bus": {"port": 4923}, "recording": {"reserve_mb": 16}}))


def connected(service: Service) -> ThreadBus:
    """A bus on which the office answers."""
    bus = ThreadBus(service.settings.bus, name="test")
    bus.connect(timeout_s=20)
    until(lambda: "jobs ready" in service.log())
    return bus


def ask(bus: ThreadBus, command: Command) -> Done:
    return bus.request(command, timeout_s=15)


def until(condition: Callable[[], object], timeout_s: float = 40.0) -> None:
    """Wait for a condition; fails the test after the deadline."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "condition not met in time"
        time.sleep(0.02)


def tones(seconds: float, left_hz: float = 440.0, right_hz: float = 1000.0) -> npt.NDArray[np.int16]:
    """Stereo samples of shape (n, 2): one tone a side."""
    at = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    both = [8000 * np.sin(2 * np.pi * hz * at) for hz in (left_hz, right_hz)]
    return np.stack(both, axis=1).astype(np.int16)


def write_spool(home: Home, recording_id: str, samples: npt.NDArray[np.int16], **about: Any) -> Path:
    """A spool as the switch leaves it, with its sidecar when `about` says something."""
    path = home.spool / f"{recording_id}.au"
    if about:
        path.with_suffix(".json").write_text(json.dumps({"recording_id": recording_id, **about}).ljust(1024))
    header = struct.pack(">4sIIIII", b".snd", 24, 0xFFFFFFFF, 3, RATE_HZ, 2)
    path.write_bytes(header + samples.astype(">i2").tobytes())
    return path


def main(root: str) -> None:
    """The process: what `python -m appliance.services jobs` does, with the doors of the tests."""
    home = Home(Path(root))
    configure("jobs")
    runner.main(home, load_settings(home), doors(home))


if __name__ == "__main__":
    main(sys.argv[1])
