"""A disk's wear or temperature over the days as figures for an SVG of the template, with the way it is going."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 480, 150, 46, 8, 10, 22
_DAYS_PER_YEAR = 365.25
_AHEAD = 0.5  # the forecast reaches as far as half of what was measured
_MIN_POINTS = 2


@dataclass(frozen=True)
class Trend:
    """`points`: polyline of what was measured; `forecast`: of what is to come, empty when nothing is known of it.

    `scale` are (y, value) of the axis, `days` (x, ISO day) of its ends.
    """

    points: str
    forecast: str
    scale: tuple[tuple[float, float], ...]
    days: tuple[tuple[float, str], ...]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT


def trend(samples: Sequence[tuple[float, float]], top: float, *, per_year: float | None = None) -> Trend | None:
    """Draw (day since 1970, value) from 0 to at least `top`; None with fewer than two days."""
    samples = sorted(samples)
    if len(samples) < _MIN_POINTS or samples[-1][0] <= samples[0][0]:
        return None
    first, last = samples[0][0], samples[-1][0]
    ahead = (last - first) * _AHEAD if per_year and per_year > 0 else 0.0
    end = last + ahead
    value_then = samples[-1][1] + (per_year or 0.0) * ahead / _DAYS_PER_YEAR
    top = max(top, *(value for _day, value in samples))

    def place(day: float, value: float) -> str:
        x = LEFT + (WIDTH - LEFT - RIGHT) * (day - first) / (end - first)
        y = TOP + (HEIGHT - TOP - BOTTOM) * (1 - min(value, top) / top)
        return f"{x:.1f},{y:.1f}"

    coming = f"{place(last, samples[-1][1])} {place(end, value_then)}" if ahead else ""
    scale = tuple((TOP + (HEIGHT - TOP - BOTTOM) * (1 - share), top * share) for share in (0.0, 0.5, 1.0))
    days = ((float(LEFT), _day(first)), (float(WIDTH - RIGHT), _day(end)))
    return Trend(" ".join(place(day, value) for day, value in samples), coming, scale, days)


def _day(number: float) -> str:
    return (date(1970, 1, 1) + timedelta(days=int(number))).isoformat()
