"""Temperatures and fans from the kernel's hwmon (Documentation/hwmon/sysfs-interface.rst)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from drivers import sysfs

_INPUT = re.compile(r"(temp|fan)(\d+)_input")


class Kind(StrEnum):
    TEMPERATURE = "temperature"  # degrees Celsius
    FAN = "fan"  # revolutions a minute


@dataclass(frozen=True, slots=True)
class Sensor:
    """One sensor. Limits are those that the chip itself names; None where it names none."""

    key: str
    """Stays the same over restarts: chip, its place, the sensor's label."""
    kind: Kind
    chip: str
    label: str
    value: float
    low: float | None = None
    high: float | None = None
    critical: float | None = None
    alarm: bool = False


def read_hwmon(root: Path = Path("/")) -> tuple[Sensor, ...]:
    """All sensors that answer now; one that cannot be read is left out."""
    found = []
    for folder in sysfs.folders(root / "sys/class/hwmon"):
        chip = sysfs.text(folder / "name") or folder.name
        device = folder / "device"
        place = device.resolve().name if device.exists() else ""
        for path in sysfs.folders(folder):
            matched = _INPUT.fullmatch(path.name)
            value = sysfs.number(path) if matched else None
            if matched is not None and value is not None:
                found.append(_sensor(folder, chip, place, matched[1], matched[2], value))
    return tuple(found)


def _sensor(folder: Path, chip: str, place: str, what: str, number: str, value: int) -> Sensor:
    def limit(name: str) -> float | None:
        found = sysfs.number(folder / f"{what}{number}_{name}")
        # zero and the chip's highest number mean "never set"
        return None if found is None or found <= 0 or found >= 1_000_000 else found / scale

    scale = 1000.0 if what == "temp" else 1.0
    label = sysfs.text(folder / f"{what}{number}_label") or f"{what}{number}"
    alarms = (f"{what}{number}_alarm", f"{what}{number}_crit_alarm", f"{what}{number}_fault")
    return Sensor(
        key="/".join(part for part in (chip, place, label) if part),
        kind=Kind.TEMPERATURE if what == "temp" else Kind.FAN, chip=chip, label=label, value=value / scale,
        low=limit("min"), high=limit("max"), critical=limit("crit"),
        alarm=any(sysfs.text(folder / name) == "1" for name in alarms),
    )  # fmt: skip
