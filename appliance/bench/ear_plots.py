"""Plots of `callbox bench ear`: reliability of confidences, accuracy by noise, the trade-off curve."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

_SIZE = (5.6, 4.0)


def draw_all(figures: Mapping[str, Any], folder: Path) -> None:
    """Write ear_reliability.png, ear_snr.png and, when measured, ear_trade_off.png into a folder."""
    _save(_reliability(figures["calibration"]), folder / "ear_reliability.png")
    _save(_noise(figures["split"]["snr_db"]), folder / "ear_snr.png")
    if "trade_off" in figures:
        _save(_trade_off(figures["trade_off"]), folder / "ear_trade_off.png")


def _page() -> tuple[Figure, Axes]:
    figure = Figure(figsize=_SIZE, layout="constrained")
    axes = figure.subplots()
    axes.grid(visible=True, alpha=0.3)
    return figure, axes


def _save(figure: Figure, path: Path) -> None:
    figure.savefig(path, format="png", dpi=80, metadata={"Software": None})


def _whiskers(rows: list[Mapping[str, Any]]) -> tuple[list[float], tuple[list[float], list[float]]]:
    """Percentages and how far their intervals reach below and above."""
    shares = [row["percent"] for row in rows]
    below = [row["percent"] - row["low"] for row in rows]
    return shares, (below, [row["high"] - row["percent"] for row in rows])


def _reliability(calibration: Mapping[str, Any]) -> Figure:
    figure, axes = _page()
    rows = calibration["table"]
    shares, reach = _whiskers(rows)
    axes.plot([0, 100], [0, 100], "--", color="grey", linewidth=1)
    axes.errorbar([100 * row["confidence"] for row in rows], shares, yerr=reach, fmt="o", capsize=3)
    axes.set_xlabel("confidence of the word, %")
    axes.set_ylabel("right, %")
    axes.set_title(f"reliability; expected error {calibration['expected_error_percent']} %")
    return figure


def _noise(bands: Mapping[str, Any]) -> Figure:
    figure, axes = _page()
    names = [name for name in bands if name != "none"]
    for key, title, shift in (("all", "all labels", -0.06), ("human_machine", "people and machines", 0.06)):
        some = [(place, bands[name][key]) for place, name in enumerate(names) if bands[name][key]["n"]]
        shares, reach = _whiskers([row for _, row in some])
        axes.errorbar([place + shift for place, _ in some], shares, yerr=reach, fmt="o-", capsize=3, label=title)
    axes.set_xticks(range(len(names)), [name[2:] for name in names])
    axes.set_ylim(50, 100)
    axes.set_xlabel("signal to noise, dB")
    axes.set_ylabel("right, %")
    axes.legend(loc="lower right")
    return figure


def _trade_off(curve: list[Mapping[str, Any]]) -> Figure:
    figure, axes = _page()
    lost = [row["people_called_machine"] for row in curve]
    axes.plot(lost, [100 - row["machines_right"] for row in curve], "o-", label="machines passed to agents")
    axes.plot(lost, [row["machines_called_human"] for row in curve], "s--", label="of these, called people")
    for row in curve:
        at = (row["people_called_machine"], 100 - row["machines_right"])
        axes.annotate(f"{row['machine_probability']:g}", at, xytext=(4, 4), textcoords="offset points", fontsize=8)
    axes.set_xlabel("people called machine, %")
    axes.set_ylabel("of all machines, %")
    axes.legend()
    return figure
