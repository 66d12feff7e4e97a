"""Small charts as figures: bars stay in their plot, the trade-off's dot lies on its line."""

from __future__ import annotations

import pytest

from webui.supervisor.chart import BOTTOM, LEFT, histogram, tradeoff

pytestmark = pytest.mark.unit

POINTS = [
    {"setting": s, "people_dropped": p, "machines_passed": m}
    for s, p, m in ((0.9, 0.03, 0.02), (0.99, 0.008, 0.05), (0.999, 0.002, 0.14))
]


@pytest.mark.parametrize("counts", [[0, 0, 0], [1, 7, 3], [1000, 0, 12345]])
def test_bars_stay_in_the_plot(counts: list[int]) -> None:
    chart = histogram(counts, ticks=[(0, "0"), (2, "1")], titles=["a", "b", "c"])
    assert [bar.title for bar in chart.bars] == [f"{name}: {n}" for name, n in zip("abc", counts, strict=True)]
    assert all(bar.y >= 0 and bar.y + bar.height == pytest.approx(chart.height - BOTTOM) for bar in chart.bars)
    assert all(bar.x >= LEFT and bar.x + bar.width <= chart.width for bar in chart.bars)


@pytest.mark.parametrize(("setting", "place"), [(0.9, 0), (0.985, 1), (1.0, 2)])
def test_the_dot_is_the_nearest_point_of_the_line(setting: float, place: int) -> None:
    curve = tradeoff(POINTS[::-1], setting)
    assert curve is not None
    places = [tuple(float(part) for part in point.split(",")) for point in curve.points.split()]
    assert curve.dot == places[place]
    assert [x for x, _ in places] == sorted((x for x, _ in places), reverse=True), "surer drops fewer people"


def test_without_measured_points_there_is_no_curve() -> None:
    assert tradeoff([], 0.99) is None
    assert tradeoff(POINTS[:1], 0.99) is None
