"""`callbox detect --plot`: a page that shows what the ear measured in a file and where each verdict fell."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from appliance.jobs.hear_files import Clip
from audio import wavio
from audio.analysis import CHUNK, LineAnalysis
from audio.features import BIN_HZ
from audio.hearing import Hearing

_MOST_S = 60
_HOP_S = 0.01
_TONAL_SHARE = 0.8
_LOWEST_DB = -100.0


@dataclass(frozen=True, slots=True)
class _Measured:
    """Rows per hop of 10 ms: columns of `Features` for one line, the voice floor and the voice decision."""

    features: dict[str, NDArray[np.floating]]
    floor_db: NDArray[np.float64]
    voiced: NDArray[np.bool_]


def draw(clip: Clip, heard: Hearing, page: Path) -> None:
    """Write a PNG of the file's first minute: level, spectrum, features, verdicts. Raises OSError, AudioFileError."""
    measured = _measure(clip)
    figure = Figure(figsize=(12, 9), layout="constrained")
    level, spectrum, features, words = figure.subplots(4, sharex=True, height_ratios=(2, 3, 2, 1.6))
    _level(level, measured)
    _spectrum(spectrum, measured)
    _features(features, measured)
    _verdicts((level, spectrum, features, words), heard)
    words.set_xlim(0, max(1.0, measured.voiced.size * _HOP_S))
    words.set_xlabel(f"seconds since {'early media began' if clip.phase == 'early' else 'answer'}")
    word = heard.word
    figure.suptitle(f"{heard.file}: {word.label} ({word.kind}, {word.reason}, {word.confidence:.2f})")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph")  # a file name in letters that the font lacks
        figure.savefig(page, format="png", dpi=90)


def _measure(clip: Clip) -> _Measured:
    samples = _first_minute(clip.path)
    line = LineAnalysis(early=clip.phase == "early")
    names = ("level_db", "first_hz", "first_share", "second_share", "flatness_db", "spectrum_db")
    rows: dict[str, list[Any]] = {name: [] for name in names}
    floors: list[float] = []
    voiced: list[bool] = []
    for start in range(0, samples.size - CHUNK + 1, CHUNK):
        for step in line.push(samples[start : start + CHUNK]):
            for name in names:
                rows[name].append(getattr(step.features, name)[0])
            floors += [line.speech.floor_db] * len(step.voiced)
            voiced += step.voiced
    features: dict[str, NDArray[np.floating]] = {name: np.concatenate(parts) for name, parts in rows.items()}
    return _Measured(features, np.array(floors), np.array(voiced, bool))


def _first_minute(path: Path) -> NDArray[np.int16]:
    pieces: list[NDArray[np.int16]] = []
    for block in wavio.blocks(path):
        pieces.append(block)
        if len(pieces) > _MOST_S:
            break
    samples = np.concatenate(pieces)[: _MOST_S * wavio.RATE_HZ]
    return np.pad(samples, (0, -samples.size % CHUNK))


def _times(count: int) -> NDArray[np.floating]:
    return np.arange(1, count + 1) * _HOP_S


def _level(axes: Axes, measured: _Measured) -> None:
    at = _times(measured.voiced.size)
    level = np.maximum(measured.features["level_db"], _LOWEST_DB)
    axes.fill_between(at, _LOWEST_DB, 0, where=measured.voiced.tolist(), color="tab:green", alpha=0.18, label="voice")
    axes.plot(at, level, linewidth=0.8, label="level")
    axes.plot(at, np.maximum(measured.floor_db, _LOWEST_DB), linewidth=0.8, color="tab:red", label="voice floor")
    axes.set_ylim(_LOWEST_DB, 0)
    axes.set_ylabel("dBov")
    axes.legend(loc="upper right", fontsize="small")


def _spectrum(axes: Axes, measured: _Measured) -> None:
    spectrum = measured.features["spectrum_db"]
    at = _times(len(spectrum))
    if len(spectrum):
        top = float(spectrum.max())
        extent = (0.0, len(spectrum) * _HOP_S, 0.0, spectrum.shape[1] * BIN_HZ)
        axes.imshow(
            spectrum.T, origin="lower", aspect="auto", extent=extent, cmap="magma", vmin=max(top - 70, -120), vmax=top
        )
        tonal = measured.features["first_share"] > _TONAL_SHARE
        axes.plot(at[tonal], measured.features["first_hz"][tonal], ".", color="cyan", markersize=2)
    axes.set_ylim(0, 4000)
    axes.set_ylabel("Hz (dots: tonal)")


def _features(axes: Axes, measured: _Measured) -> None:
    at = _times(measured.voiced.size)
    first, second = measured.features["first_share"], measured.features["second_share"]
    axes.plot(at, first, linewidth=0.8, label="strongest peak's share")
    axes.plot(at, first + second, linewidth=0.6, alpha=0.7, label="both strongest peaks'")
    axes.plot(at, 1 + measured.features["flatness_db"] / 30, linewidth=0.6, alpha=0.7, label="flatness (1 = noise)")
    axes.set_ylim(0, 1.05)
    axes.set_ylabel("share")
    axes.legend(loc="upper right", fontsize="small")


def _verdicts(all_axes: tuple[Axes, ...], heard: Hearing) -> None:
    """A line through all panels for each verdict, dashed for steps on the way; words in the last panel."""
    lane = all_axes[-1]
    lane.set_ylim(0, 1)
    lane.set_yticks([])
    told = [verdict for verdict in heard.verdicts if verdict.decided_at_ms <= _MOST_S * 1000]
    for number, verdict in enumerate([*told, *([] if heard.word in told else [heard.word])]):
        at = verdict.decided_at_ms / 1000
        for axes in all_axes:
            axes.axvline(at, color="black" if verdict.final else "grey", linestyle="-" if verdict.final else "--")
        text = f" {verdict.label}: {verdict.reason} {verdict.confidence:.2f}"
        lane.text(at, 0.82 - 0.24 * (number % 4), text, fontsize="small", weight="bold" if verdict.final else "normal")
