"""Memory and disk pressure: how long work stood still for want of them (Documentation/accounting/psi.rst)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from drivers import sysfs

_LINE = re.compile(r"(some|full) avg10=([\d.]+) avg60=([\d.]+) avg300=([\d.]+) total=(\d+)")
_MEMORY = re.compile(r"(MemTotal|MemAvailable):\s+(\d+) kB")


@dataclass(frozen=True, slots=True)
class Pressure:
    """Fractions of the last 10 and 60 s in which some, or all, work waited."""

    some_10: float
    some_60: float
    full_10: float
    full_60: float


@dataclass(frozen=True, slots=True)
class Resources:
    """None where the kernel does not say (no PSI)."""

    memory: Pressure | None
    disk: Pressure | None
    memory_total_mb: int | None
    memory_free_mb: int | None
    """What could be had without swapping."""


def parse_pressure(text: str) -> Pressure | None:
    """One file of /proc/pressure; None when it holds nothing of the kind."""
    found = {m[1]: (_fraction(m[2]), _fraction(m[3])) for m in _LINE.finditer(text)}
    if "some" not in found:
        return None
    some, full = found["some"], found.get("full", (0.0, 0.0))
    return Pressure(some[0], some[1], full[0], full[1])


def _fraction(per_cent: str) -> float:
    try:
        return min(1.0, float(per_cent) / 100)
    except ValueError:
        return 0.0


def read_resources(root: Path = Path("/")) -> Resources:
    """Never raises."""
    memory = {m[1]: int(m[2]) // 1024 for m in _MEMORY.finditer(sysfs.text(root / "proc/meminfo"))}
    return Resources(
        memory=parse_pressure(sysfs.text(root / "proc/pressure/memory")),
        disk=parse_pressure(sysfs.text(root / "proc/pressure/io")),
        memory_total_mb=memory.get("MemTotal"), memory_free_mb=memory.get("MemAvailable"),
    )  # fmt: skip
