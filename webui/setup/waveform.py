"""A recording's peaks as the path of an SVG: no script is needed to see them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

WIDTH, HEIGHT = 720, 96
_POINTS = 360


@dataclass(frozen=True)
class Waveform:
    """Two paths, the far end above the middle and the near end below it (SVG units)."""

    above: str
    below: str
    seconds: float
    width: int = WIDTH
    height: int = HEIGHT


def waveform(peaks: dict[str, Any]) -> Waveform | None:
    """The picture of {"left", "right", "per_s"}; None while there are no peaks."""
    left, right = list(peaks.get("left") or ()), list(peaks.get("right") or ())
    if not left:
        return None
    highest = max([1e-6, *map(float, left), *map(float, right)])
    return Waveform(
        _path(left, highest, -1), _path(right, highest, 1), len(left) / float(peaks.get("per_s") or 1.0)
    )  # fmt: skip


def _path(values: list[float], highest: float, side: int) -> str:
    """Closed path from the middle line outwards."""
    middle, size = HEIGHT / 2, max(1, -(-len(values) // _POINTS))
    tops = [max(map(float, values[at : at + size])) for at in range(0, len(values), size)]
    step = WIDTH / max(1, len(tops) - 1)
    points = [f"L{at * step:.1f} {middle + side * top / highest * (middle - 2):.1f}" for at, top in enumerate(tops)]
    return f"M0 {middle}" + "".join(points) + f"L{WIDTH} {middle}Z"
