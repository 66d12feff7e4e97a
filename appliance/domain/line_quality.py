"""Quality of a span after ITU-T G.826, from errored seconds in intervals of 15 minutes, and its clock slips. Pure.

Ratios are over *available* time: seconds less unavailable ones (G.826, 3). Objectives are the end-to-end ones of its
table 1 for 1.5 to 5 Mbit/s (ESR 0.04, SESR 0.002, BBER 0.0002 over a month): an access line that misses them over a
day is bad by any share of the path. A block is a CRC-4 sub-multiframe, 1000 a second; background block errors are
known only of intervals without severely errored seconds, since a source counts all CRC errors together. Slips are
graded by ITU-T G.822 (a: up to 5 in 24 h; b: up to 30 in an hour; c: more).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

INTERVAL_S, DAY_S = 900, 86_400
ESR_LIMIT, SESR_LIMIT, BBER_LIMIT = 0.04, 0.002, 2e-4
BLOCKS_PER_S = 1000
_SLIPS_A_DAY, _SLIPS_AN_HOUR, _HOUR_S = 5, 30, 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """What was counted in one interval; None where the source does not say. `seconds`: how much of it was seen."""

    began_unix_s: float
    seconds: int
    es: int | None = None
    ses: int | None = None
    uas: int | None = None
    css: int | None = None
    pcv: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """Sums and ratios; None where nothing is known of it."""

    seconds: int
    available_s: int
    es: int | None
    ses: int | None
    bbe: int | None
    uas: int | None
    esr: float | None
    sesr: float | None
    bber: float | None
    within: bool | None
    """All known ratios keep the objectives; None: none is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slips:
    """Controlled slips: when the two ends run on different clocks. `grade` a, b, c as G.822, or empty."""

    day: int | None
    worst_hour: int | None
    grade: str


def _sum(values: Sequence[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def quality(intervals: Sequence[Interval]) -> Quality:
    """All of `intervals` together; one interval gives the 15-minute report, the last 96 the one of a day."""
    seconds = sum(i.seconds for i in intervals)
    uas = _sum([i.uas for i in intervals])
    available = max(0, seconds - (uas or 0))
    es, ses = _sum([i.es for i in intervals]), _sum([i.ses for i in intervals])
    clean = [i for i in intervals if i.pcv is not None and not i.ses]
    bbe = _sum([i.pcv for i in clean])
    blocks = BLOCKS_PER_S * sum(i.seconds - (i.uas or 0) for i in clean)
    esr, sesr = _ratio(es, available), _ratio(ses, available)
    bber = _ratio(bbe, blocks)
    judged = [r <= limit for r, limit in ((esr, ESR_LIMIT), (sesr, SESR_LIMIT), (bber, BBER_LIMIT)) if r is not None]
    return Quality(
        seconds=seconds, available_s=available, es=es, ses=ses, bbe=bbe, uas=uas, esr=esr, sesr=sesr, bber=bber,
        within=all(judged) if judged else None,
    )  # fmt: skip


def _ratio(count: int | None, base: int) -> float | None:
    return None if count is None or base <= 0 else count / base


def last_day(intervals: Sequence[Interval], now_unix_s: float) -> list[Interval]:
    """Those that began within 24 hours, the oldest first."""
    return sorted(
        (i for i in intervals if 0 <= now_unix_s - i.began_unix_s < DAY_S), key=lambda interval: interval.began_unix_s
    )


def slips(intervals: Sequence[Interval], now_unix_s: float) -> Slips:
    """Slips of the last 24 hours and of the worst hour in it."""
    day = last_day(intervals, now_unix_s)
    total = _sum([i.css for i in day])
    if total is None:
        return Slips(day=None, worst_hour=None, grade="")
    worst = max(
        sum(other.css or 0 for other in day if 0 <= other.began_unix_s - one.began_unix_s < _HOUR_S) for one in day
    )
    grade = "a" if total <= _SLIPS_A_DAY else "b" if worst <= _SLIPS_AN_HOUR else "c"
    return Slips(day=total, worst_hour=worst, grade=grade)
