"""Small charts as plain figures for an SVG of the template: no script, no library."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

WIDTH, HEIGHT, LEFT, BOTTOM = 720, 180, 34, 20


class Week(Protocol):
    """A week of scores: its name, how many, their mean."""

    @property
    def key(self) -> str: ...
    @property
    def count(self) -> int: ...
    @property
    def mean(self) -> float: ...


@dataclass(frozen=True)
class Bar:
    """One hour: place and height of the bar of all attempts and of the live answers in it (SVG units)."""

    x: float
    width: float
    y: float
    height: float
    live_y: float
    live_height: float
    title: str


@dataclass(frozen=True)
class Chart:
    """A bar chart; `lines` are (y, text) of the scale, `hours` (x, text) of the axis."""

    bars: list[Bar]
    lines: list[tuple[float, str]]
    hours: list[tuple[float, str]]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT


def _nice(highest: int) -> int:
    """The smallest of 1, 2, 5 times a power of ten that is not below `highest`."""
    scale = 1
    while True:
        for step in (1, 2, 5):
            if step * scale >= highest:
                return step * scale
        scale *= 10


def hours_chart(by_hour: list[tuple[int, int, int]]) -> Chart:
    """Chart of (hour 0-23, attempts, live answers)."""
    top = _nice(max([1, *(attempts for _hour, attempts, _live in by_hour)]))
    plot = HEIGHT - BOTTOM - 6
    slot = (WIDTH - LEFT) / 24
    bars = []
    for hour, attempts, live in by_hour:
        high, low = plot * attempts / top, plot * live / top
        bars.append(
            Bar(LEFT + slot * hour + 2, slot - 4, HEIGHT - BOTTOM - high, high, HEIGHT - BOTTOM - low, low,
                f"{hour:02}:00 · {attempts} · {live}")
        )  # fmt: skip
    scale = sorted({0, top // 2, top})
    hours = [(LEFT + slot * (hour + 0.5), f"{hour:02}") for hour in range(0, 24, 2)]
    return Chart(bars, [(HEIGHT - BOTTOM - plot * value / top, str(value)) for value in scale], hours)


@dataclass(frozen=True)
class Curve:
    """A trade-off as a line: `points` for a polyline, the present setting's place, scales of both axes."""

    points: str
    dot: tuple[float, float] | None
    lines: list[tuple[float, str]]
    columns: list[tuple[float, str]]
    width: int = 480
    height: int = 220
    left: int = 46
    bottom: int = 34


def histogram(counts: list[int], *, ticks: list[tuple[int, str]], titles: list[str], width: int = 420) -> Chart:
    """Chart of counts in bins; `ticks` are (bin, text) at the left edge of a bin, `titles` the bins' own texts."""
    height = 150
    top, plot, slot = _nice(max([1, *counts])), height - BOTTOM - 6, (width - LEFT) / len(counts)
    bars = []
    for place, (count, title) in enumerate(zip(counts, titles, strict=True)):
        high = plot * count / top
        bars.append(Bar(LEFT + slot * place + 1, slot - 2, height - BOTTOM - high, high, 0.0, 0.0, f"{title}: {count}"))
    scale = sorted({0, top // 2, top})
    lines = [(height - BOTTOM - plot * value / top, str(value)) for value in scale]
    return Chart(bars, lines, [(LEFT + slot * place, text) for place, text in ticks], width, height)


def tradeoff(points: list[dict[str, float]], setting: float) -> Curve | None:
    """People dropped (across) against machines passed on (upwards), both fractions; None with fewer than two points."""
    if len(points) < 2:
        return None
    rows = sorted((p["setting"], p["people_dropped"], p["machines_passed"]) for p in points)
    most_x, most_y = (max(0.01, *(row[column] for row in rows)) for column in (1, 2))
    curve = Curve("", None, [], [])
    wide, high = curve.width - curve.left - 12, curve.height - curve.bottom - 10

    def place(people: float, machines: float) -> tuple[float, float]:
        return round(curve.left + wide * people / most_x, 1), round(10 + high * (1 - machines / most_y), 1)

    line = " ".join(f"{x},{y}" for x, y in (place(people, machines) for _setting, people, machines in rows))
    nearest = min(rows, key=lambda row: abs(row[0] - setting))
    return Curve(
        line, place(nearest[1], nearest[2]),
        [(place(0, share * most_y)[1], f"{share * most_y * 100:.1f}") for share in (0, 0.5, 1)],
        [(place(share * most_x, 0)[0], f"{share * most_x * 100:.1f}") for share in (0, 0.5, 1)],
    )  # fmt: skip


@dataclass(frozen=True)
class ScoreLine:
    """Mean scores by week: `points` for a polyline, `dots` (x, y, title), scales of both axes."""

    points: str
    dots: list[tuple[float, float, str]]
    lines: list[tuple[float, str]]
    columns: list[tuple[float, str]]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT


def score_line(weeks: Sequence[Week]) -> ScoreLine | None:
    """Chart of weeks with their mean, 0 to 1; None without any."""
    if not weeks:
        return None
    plot, slot = HEIGHT - BOTTOM - 12, (WIDTH - LEFT) / len(weeks)
    places = [(LEFT + slot * (n + 0.5), 8 + plot * (1 - week.mean), week) for n, week in enumerate(weeks)]
    step = -(-len(weeks) // 12)
    return ScoreLine(
        " ".join(f"{x:.1f},{y:.1f}" for x, y, _week in places),
        [(round(x, 1), round(y, 1), f"{week.key}: {week.mean:.0%} ({week.count})") for x, y, week in places],
        [(8 + plot * (1 - share), f"{share:.0%}") for share in (0, 0.5, 1)],
        [(round(x, 1), week.key[5:]) for n, (x, _y, week) in enumerate(places) if n % step == 0],
    )  # fmt: skip
