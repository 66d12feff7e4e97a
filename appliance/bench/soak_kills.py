"""Kills processes of a private box at random, and measures how soon a new engine knows its room again.

Only ever by a process id that the box's own supervisor or a conversation's own file names.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from appliance.bench.sound_sources import generator_for
from appliance.commands import LiveView
from appliance.errors import BoxError, BusError, CallerError
from appliance.logs import get_logger
from appliance.settings import Home, Settings
from appliance.store.db import Store
from appliance.store.repositories import agents as agent_rows
from appliance.telephony.control import life_files, process_start_ticks
from appliance.thread_bus import ThreadBus
from appliance.watch.supervision import status

WORKER = "worker"
SERVICES = ("engine", "switch", WORKER, "jobs", "bus", "edge", "rtpengine", "web", "watch")
_LIKELIER = {"engine": 3.0, WORKER: 3.0}
_SIGKILL_SHARE = 0.7
_LOOK_S = 0.05
_REBUILT_WITHIN_S = 120.0  # then the measurement is given up, and says so


def parse_services(wanted: str) -> tuple[str, ...]:
    """Read `random` (all of them) or names with commas between. Raises CallerError `soak.unknown_service`."""
    names = SERVICES if wanted == "random" else tuple(wanted.split(","))
    for name in names:
        if name not in SERVICES:
            raise CallerError(
                "soak.unknown_service", f"'{name}' is not killed; use random or some of {', '.join(SERVICES)}."
            )
    return names


@dataclass
class Kills:
    """What was killed: how often each service, and when (unix time) the workers of which conversations."""

    by_service: Counter[str] = field(default_factory=Counter)
    conversations: dict[str, float] = field(default_factory=dict)


class Killer:
    """Chooses a living process and kills it, most often with SIGKILL."""

    def __init__(self, home: Home, services: Sequence[str], seed: int) -> None:
        self._home, self._services = home, services
        self._random = generator_for("soak", seed)
        self.kills = Kills()
        self._log = get_logger(bench="soak")

    def pause_s(self, limits: tuple[float, float]) -> float:
        """Draw the seconds until the next one."""
        return float(self._random.uniform(*limits))

    def strike(self, spared: frozenset[str]) -> tuple[str, int] | None:
        """Kill one process that lives and is not spared; returns its service and id."""
        pids = self._pids(spared)
        if not pids:
            return None
        names = sorted(pids)
        weights = [_LIKELIER.get(name, 1.0) for name in names]
        name = names[int(self._random.choice(len(names), p=[w / sum(weights) for w in weights]))]
        pid, conversation_id = pids[name]
        number = signal.SIGKILL if self._random.random() < _SIGKILL_SHARE else signal.SIGTERM
        try:
            os.kill(pid, number)
        except ProcessLookupError:  # it ended by itself in this moment
            return None
        self.kills.by_service[name] += 1
        if conversation_id:
            self.kills.conversations[conversation_id] = time.time()
        self._log.info("killed", service=name, pid=pid, signal=number.name, conversation=conversation_id)
        return name, pid

    def _pids(self, spared: frozenset[str]) -> dict[str, tuple[int, str]]:
        """Return process and conversation (of a worker) by service."""
        found = {
            one.name: (one.pid, "") for one in status(self._home)
            if one.pid and one.name in self._services and one.name not in spared
        }  # fmt: skip
        living = [life for life in life_files(self._home.run) if life.alive] if WORKER in self._services else []
        if living:
            life = living[int(self._random.integers(len(living)))]
            found[WORKER] = (life.pid, life.conversation_id)
        return found


class RebuildWatch:
    """After the engine was killed: seconds from the new process's start until its live room has all agents again."""

    def __init__(self, home: Home, settings: Settings, store: Store) -> None:
        self._home, self._store = home, store
        self._bus = ThreadBus(settings.bus, name="soak-rebuild")
        self._bus.connect()
        self._thread: threading.Thread | None = None
        self.measured_s: list[float] = []
        self.starts: list[dict[str, float]] = []
        """What each engine said of its own start: `LiveRoom.started`."""

    @property
    def busy(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def begin(self, old_pid: int) -> None:
        """Watch for the successor of a killed engine."""
        self._thread = threading.Thread(target=self._measure, args=(old_pid,), daemon=True)
        self._thread.start()

    def finish(self) -> None:
        """Wait for a measurement that runs, and let go of the bus."""
        if self._thread is not None:
            self._thread.join(_REBUILT_WITHIN_S + 5)
        self._bus.close()

    def _measure(self, old_pid: int) -> None:
        given_up = time.monotonic() + _REBUILT_WITHIN_S
        pid = 0
        while pid in (0, old_pid) and time.monotonic() < given_up:
            time.sleep(_LOOK_S)
            pid = self._engine_pid()
        while not self._matches() and time.monotonic() < given_up:
            time.sleep(_LOOK_S)
        age_s = process_age_s(pid)  # of the first successor, even if it has died itself meanwhile
        self.measured_s.append(age_s if age_s is not None else _REBUILT_WITHIN_S)

    def _engine_pid(self) -> int:
        with contextlib.suppress(BoxError):
            return next(one.pid for one in status(self._home) if one.name == "engine")
        return 0

    def _matches(self) -> bool:
        try:
            room = self._bus.request(LiveView(), timeout_s=1.0).data
        except BusError:
            return False
        with self._store.read() as session:
            signed_in = {user.id for _, user in agent_rows.open_sessions(session)}
        # an engine answers before its start is over, and says then what the start took
        matches = "cpu_s" in room["started"] and {agent["agent_id"] for agent in room["agents"]} == signed_in
        if matches:
            self.starts.append(room["started"])
        return matches


def process_age_s(pid: int) -> float | None:
    """Return how long a process has lived; None when it is gone."""
    ticks = process_start_ticks(pid)
    if not ticks:
        return None
    uptime_s = float(Path("/proc/uptime").read_text("ascii").split()[0])
    return uptime_s - ticks / os.sysconf("SC_CLK_TCK")
