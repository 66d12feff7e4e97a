"""Sensors of the management controller (BMC), where the board has one: `ipmitool -c sdr`."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path

TIMEOUT_S = 30.0
_BAD = {"nc": False, "cr": True, "nr": True}


@dataclass(frozen=True, slots=True)
class BmcSensor:
    """One record. `critical` is the board's own word."""

    name: str
    value: float
    unit: str
    ok: bool
    critical: bool


def has_bmc(root: Path = Path("/")) -> bool:
    """Whether the kernel drives one."""
    return any((root / "dev" / name).exists() for name in ("ipmi0", "ipmi/0", "ipmidev/0"))


def parse_sdr(output: str) -> tuple[BmcSensor, ...]:
    """Read `name,value,unit,status` lines; lines that are none are left out. Status: ok, nc, cr, nr; ns: no reading."""
    found = []
    try:
        rows = list(csv.reader(io.StringIO(output.replace("\0", ""))))
    except csv.Error:
        return ()
    for row in rows:
        if len(row) < 4 or row[3] not in ("ok", *_BAD):
            continue
        try:
            value = float(row[1])
        except ValueError:
            continue
        ok = row[3] == "ok"
        found.append(BmcSensor(row[0].strip(), value, row[2].strip(), ok, _BAD.get(row[3], False)))
    return tuple(found)
