"""Whether the box knows what time it is: chrony's word (`chronyc -c tracking`)."""

from __future__ import annotations

import csv
import io
import math
from dataclasses import dataclass

from drivers.lines import ReaderError
from drivers.programs import Programs

TIMEOUT_S = 5.0
_FIELDS = 14
_LOCAL_REFERENCES = frozenset({"7F7F0101", "00000000", ""})
"""The box's own clock posing as a source (`local stratum`), or none at all."""


@dataclass(frozen=True, slots=True)
class ClockStatus:
    """`error_bound_s`: the clock is not wronger than that, by chrony's own reckoning (it grows without a source)."""

    synchronised: bool
    source: str
    stratum: int
    offset_s: float
    error_bound_s: float
    leap: str


def parse_tracking(output: str) -> ClockStatus:
    """Read the 14 comma-separated fields. Raises ReaderError `clock.protocol`."""
    try:
        rows = [row for row in csv.reader(io.StringIO(output)) if row]
    except csv.Error:
        rows = []
    row = rows[0] if rows else []
    if len(row) != _FIELDS:
        raise ReaderError("clock.protocol", f"chronyc gave an answer that cannot be understood: {output.strip()[:80]}")
    try:
        stratum, offset = int(row[2]), float(row[4])
        delay, dispersion = float(row[10]), float(row[11])
    except ValueError as error:
        raise ReaderError("clock.protocol", f"chronyc gave figures that are none: {output.strip()[:80]}") from error
    if not all(math.isfinite(value) for value in (offset, delay, dispersion)):
        raise ReaderError("clock.protocol", "chronyc gave figures without an end.")
    local = row[0].upper() in _LOCAL_REFERENCES
    return ClockStatus(
        synchronised=row[13] in ("Normal", "Insert second", "Delete second") and 1 <= stratum < 16 and not local,
        source=row[1] or row[0], stratum=stratum, offset_s=offset,
        error_bound_s=abs(offset) + delay / 2 + dispersion, leap=row[13],
    )  # fmt: skip


def read_clock(programs: Programs) -> ClockStatus:
    """Ask chrony. Raises ReaderError: `program.missing` when it is not installed, `clock.away` when it does not run."""
    ran = programs.run(("chronyc", "-c", "-n", "tracking"), TIMEOUT_S)
    if ran.status != 0:
        raise ReaderError("clock.away", f"chrony does not answer: {ran.output.strip()[:120]}. Start chronyd.")
    return parse_tracking(ran.output)
