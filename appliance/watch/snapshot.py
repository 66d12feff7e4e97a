"""The hardware as last read, by sections: for the bus, and as one file for those who come when the bus is dead.

Whoever reads hardware puts his section here (`put`, `fail`); `Snapshot.run` shows it: on change, and all of it every
ten seconds. The file (`home.hardware_file`) is what console, `callbox health` and diagnosis read.
"""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import msgspec

from appliance.bus import Bus
from appliance.clock import Clock, SystemClock
from appliance.events import LiveHardware
from appliance.logs import get_logger

SAY_AGAIN_S = 10.0
_LOOK_S = 0.25


class SnapshotFile(msgspec.Struct, frozen=True, kw_only=True):
    """What the file holds. A section whose `error` is not empty is stale: its data are the last good ones."""

    written_at_unix_s: float
    sections: dict[str, LiveHardware] = {}

    def stale(self, section: str, now_unix_s: float, limit_s: float) -> bool:
        """Whether a section must not be shown as live: missing, failed, or `watch` has stopped writing."""
        found = self.sections.get(section)
        return found is None or bool(found.error) or now_unix_s - self.written_at_unix_s > limit_s


class Snapshot:
    """Takes sections from any thread."""

    def __init__(self, path: Path, clock: Clock | None = None) -> None:
        self._path = path
        self._clock = clock or SystemClock()
        self._lock = threading.Lock()
        self._sections: dict[str, LiveHardware] = {}
        self._changed: set[str] = set()
        self._said_s = float("-inf")

    def put(self, section: str, data: dict[str, Any]) -> None:
        """A fresh reading of a section (plain JSON-able data)."""
        event = LiveHardware(section=section, data=data, taken_at_unix_s=self._clock.now().timestamp())
        with self._lock:
            before = self._sections.get(section)
            self._sections[section] = event
            if before is None or (before.data, before.error) != (data, ""):
                self._changed.add(section)

    def fail(self, section: str, error: str) -> None:
        """There is no fresh reading: the last good one stays, marked with the reason and its own time."""
        with self._lock:
            before = self._sections.get(section) or LiveHardware(section=section, data={}, taken_at_unix_s=0.0)
            if before.error != error:
                self._sections[section] = msgspec.structs.replace(before, error=error)
                self._changed.add(section)

    def due(self) -> list[LiveHardware]:
        """What is to be said now: what changed, and everything when it is time again."""
        with self._lock:
            if self._clock.monotonic_s() - self._said_s >= SAY_AGAIN_S:
                self._said_s = self._clock.monotonic_s()
                self._changed.update(self._sections)
            changed, self._changed = self._changed, set()
            return [self._sections[name] for name in sorted(changed)]

    def write(self) -> None:
        """Write the file, whole or not at all; not synced, it is worth nothing after a power cut. Raises OSError."""
        with self._lock:
            file = SnapshotFile(written_at_unix_s=self._clock.now().timestamp(), sections=dict(self._sections))
        new = self._path.with_suffix(".new")
        new.write_bytes(msgspec.json.encode(file))
        new.replace(self._path)

    async def run(self, bus: Bus) -> None:
        """Show and write for ever; a full disk or a dead bus is said once and waited for."""
        log, in_trouble = get_logger(), False
        while True:
            events = self.due()
            if events:
                try:
                    await asyncio.to_thread(self.write)
                    in_trouble = False
                except OSError as error:
                    if not in_trouble:
                        log.warning("hardware not written down", error=str(error))
                    in_trouble = True
                for event in events:
                    await bus.publish_live(f"hardware.{event.section}", event)
            await asyncio.sleep(_LOOK_S)


def read_snapshot(path: Path) -> SnapshotFile:
    """The file; empty and of 1970 when it is missing or damaged, so that nothing in it is taken for live."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=SnapshotFile)
    except (OSError, msgspec.MsgspecError):
        return SnapshotFile(written_at_unix_s=0.0)
