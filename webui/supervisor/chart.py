"""Small charts as plain figures for an SVG of the template: no script, no library."""

from __future__ import annotations

from dataclasses import dataclass

WIDTH, HEIGHT, LEFT, BOTTOM = 720, 180, 34, 20


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
