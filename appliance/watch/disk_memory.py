"""What is remembered of disks over restarts: figures by day, who was in which array, last tests, a running replacement.

One small JSON file (`home.disk_history`); when it is damaged it is begun anew, since nothing in it is worth a stop.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import msgspec

from appliance.logs import get_logger
from appliance.settings import write_private

DAYS_KEPT = 3 * 365


class DayFigures(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One disk on one day; `day` since 1970."""

    day: int
    wear: float | None = None
    reallocated: int | None = None
    temperature_c: int | None = None
    crc_errors: int | None = None


class KnownDisk(msgspec.Struct, kw_only=True):
    """A disk that was seen here, also when it is gone: whom to look for."""

    serial: str
    model: str = ""
    port: str = ""
    days: list[DayFigures] = []


class Running(msgspec.Struct, kw_only=True):
    """A replacement that was begun and has not ended."""

    array: str
    serial: str
    actor_id: str


class Memory(msgspec.Struct, kw_only=True):
    """`members`: array -> serials that held its data last; `chores`: see `upkeep.key`."""

    disks: dict[str, KnownDisk] = {}
    members: dict[str, list[str]] = {}
    chores: dict[str, datetime] = {}
    replacement: Running | None = None

    def note_day(self, serial: str, figures: DayFigures) -> bool:
        """Keep the last figures of a day; returns whether anything changed."""
        disk = self.disks.setdefault(serial, KnownDisk(serial=serial))
        if disk.days and disk.days[-1].day == figures.day:
            if disk.days[-1] == figures:
                return False
            disk.days[-1] = figures
        else:
            disk.days.append(figures)
            del disk.days[:-DAYS_KEPT]
        return True


def load(path: Path) -> Memory:
    """Read it; empty when there is none or it cannot be read (said once)."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Memory)
    except FileNotFoundError:
        return Memory()
    except (OSError, msgspec.MsgspecError) as error:
        get_logger().warning("history of the disks cannot be read, begun anew", path=str(path), error=str(error))
        return Memory()


def save(path: Path, memory: Memory) -> None:
    """Write it, whole or not at all; a full disk is logged and tried again with the next change."""
    try:
        write_private(path, msgspec.json.encode(memory))
    except OSError as error:
        get_logger().warning("history of the disks not written", path=str(path), error=str(error))
