"""When should a disk be replaced? A robust line through what was measured, and the day on which it meets its limit.

Theil-Sen (median of the slopes of all pairs): three wrong samples in ten do not turn it. Pure; days are floats.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations
from statistics import median

from drivers.raid.smart import SmartReport, Trouble

MIN_SAMPLES = 8
MIN_SPAN_DAYS = 7.0
_MOST_SAMPLES = 120
_HORIZON_DAYS = 3650.0


@dataclass(frozen=True, slots=True)
class Line:
    """value = at_start + slope_per_day * (day - start_day); `low` and `high`: the middle 80 % of the pairs' slopes."""

    start_day: float
    at_start: float
    slope_per_day: float
    low_per_day: float
    high_per_day: float

    def at(self, day: float) -> float:
        return self.at_start + self.slope_per_day * (day - self.start_day)


def fit(samples: Sequence[tuple[float, float]]) -> Line | None:
    """Line through (day, value); None when there are too few samples or they cover too little time."""
    points = _thinned(sorted(samples))
    if len(points) < MIN_SAMPLES or points[-1][0] - points[0][0] < MIN_SPAN_DAYS:
        return None
    slopes = sorted((y2 - y1) / (x2 - x1) for (x1, y1), (x2, y2) in combinations(points, 2) if x2 > x1)
    slope = median(slopes)
    start = points[0][0]
    return Line(
        start_day=start, at_start=median(y - slope * (x - start) for x, y in points), slope_per_day=slope,
        low_per_day=slopes[len(slopes) // 10], high_per_day=slopes[-1 - len(slopes) // 10],
    )  # fmt: skip


def _thinned(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """At most so many, spread evenly, the first and the last among them."""
    if len(points) <= _MOST_SAMPLES:
        return points
    step = (len(points) - 1) / (_MOST_SAMPLES - 1)
    return [points[round(number * step)] for number in range(_MOST_SAMPLES)]


def day_of(line: Line, limit: float, *, after_day: float) -> float | None:
    """Day on which the rising line meets the limit (not before `after_day`); None within ten years."""
    if line.at(after_day) >= limit:
        return after_day
    if line.slope_per_day <= 0:
        return None
    day = line.start_day + (limit - line.at_start) / line.slope_per_day
    return day if day - after_day <= _HORIZON_DAYS else None


class Reason(StrEnum):
    """Why a disk should go."""

    FAILING = "failing"
    PENDING_SECTORS = "pending_sectors"
    UNCORRECTABLE = "uncorrectable"
    SELF_TEST = "self_test"
    REALLOCATING = "reallocating"
    SPARE_LOW = "spare_low"
    WEAR = "wear"


@dataclass(frozen=True, slots=True)
class Sample:
    """One day's figures of one disk."""

    day: float
    wear: float | None = None
    reallocated: int | None = None
    temperature_c: int | None = None


@dataclass(frozen=True, slots=True)
class Health:
    """What counts of a disk's present state (see smart.SmartReport)."""

    failing: bool = False
    self_test_failed: bool = False
    pending: int = 0
    uncorrectable: int = 0
    media_errors: int = 0
    spare_left: float | None = None
    """How far the spare is above its threshold (fractions); 0 or less: used up."""


_NVME_PAST_HELP = 0b1100
"""Critical warning bits of the NVMe base specification: 2 reliability degraded, 3 read-only (1 is only heat)."""


def health_of(report: SmartReport) -> Health:
    """Pick what counts out of a report."""
    spare_left = None
    if report.spare is not None and report.spare_threshold is not None:
        spare_left = report.spare - report.spare_threshold
    return Health(
        failing=report.passed is False
        or bool(report.troubles & {Trouble.FAILING, Trouble.PREFAIL})
        or bool((report.critical_warning or 0) & _NVME_PAST_HELP),
        self_test_failed=report.self_test.passed is False, pending=report.pending or 0,
        uncorrectable=report.uncorrectable or 0, media_errors=report.media_errors or 0, spare_left=spare_left,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Advice:
    """Replace it by `by_day` (today: now), and why; `by_day` None: nothing speaks for it."""

    by_day: float | None
    reason: Reason | None = None
    wear_per_year: float | None = None


WEAR_LIMIT = 0.9
REALLOCATED_LIMIT = 50
_SOON_DAYS = 14.0


def advise(health: Health, samples: Sequence[Sample], today: float) -> Advice:
    """When to replace a disk: at once when it is past help, in two weeks for first signs, else by trend."""
    wear = fit([(s.day, s.wear) for s in samples if s.wear is not None])
    per_year = wear.slope_per_day * 365.25 if wear else None
    now = [
        (health.failing, Reason.FAILING),
        (health.spare_left is not None and health.spare_left <= 0, Reason.SPARE_LOW),
        (health.self_test_failed, Reason.SELF_TEST),
        (health.uncorrectable > 0 or health.media_errors > 0, Reason.UNCORRECTABLE),
    ]
    for holds, reason in now:
        if holds:
            return Advice(today, reason, per_year)
    if health.pending > 0:
        return Advice(today + _SOON_DAYS, Reason.PENDING_SECTORS, per_year)
    trends = []
    latest_wear = next((s.wear for s in reversed(samples) if s.wear is not None), None)
    if latest_wear is not None and latest_wear >= WEAR_LIMIT:
        trends.append((today, Reason.WEAR))
    elif wear is not None and (day := day_of(wear, WEAR_LIMIT, after_day=today)) is not None:
        trends.append((day, Reason.WEAR))
    moved = fit([(s.day, float(s.reallocated)) for s in samples if s.reallocated is not None])
    if moved is not None and (day := day_of(moved, REALLOCATED_LIMIT, after_day=today)) is not None:
        trends.append((day, Reason.REALLOCATING))
    if not trends:
        return Advice(None, None, per_year)
    by_day, reason = min(trends)
    return Advice(by_day, reason, per_year)
