"""A training corpus out of a development set's builder: its makers, its sources, another seed, a bigger plan.

The builder is a script given by path (`load_builder`); what it makes is deterministic in (seed, maker, number). On
top of its own makers come those of `makers.py`, which keep its rules: only its sources, its channel (`degrade`), and
every voice in both classes. Each clip may be warped at its sources (resampled by up to 12 %, spectrum tilted), so
that a model meets more voices than there are recordings.

A corpus is a folder: `clips/*.wav`, `manifest.csv` (the builder's fields and `warp`), `speech.npz` with, for each clip
whose clean foreground is known, one flag per 10 ms hop.
"""

import csv
import hashlib
import importlib.util
import os
import sys
import wave
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from audio.training import makers

Samples = NDArray[np.float64]
Row = dict[str, str]
Maker = Callable[[Any, np.random.Generator, str, str], tuple[Samples, float, str, dict[str, Any]] | None]
_NAME = "callbox_ear_builder"
_WARP_MOST, _TILT_MOST = 0.12, 0.4
_WARPED_SHARE = 0.75
_WARP_LONGEST_S = 25.0
_SPEECH_BELOW_DB = -22.0


@dataclass(frozen=True, slots=True)
class Plan:
    """How many clips of which maker.

    `answered_only` puts music and silence after the answer; with four `digits` in the clips' names and no warp the
    builder's makers give the very clips that the builder itself makes with that seed.
    """

    counts: Mapping[str, int]
    seed: int
    warp: bool = True
    answered_only: bool = False
    split: str = "dev"
    digits: int = 5


ANSWERED = Plan(
    {
        "human": 2200, "person": 1600, "machine": 2000, "greeting": 1400, "screening": 600, "menu": 600,
        "music": 450, "silence": 400,
    },
    seed=31001,
    answered_only=True,
)  # fmt: skip
"""The corpus of the answered phase's model."""


@dataclass(slots=True)
class _Clip:
    """What the hooks of the clip being made remember."""

    factor: float = 1.0
    tilt: float = 0.0
    foreground: Samples | None = field(default=None)


_now = _Clip()


class _Kept(dict[str, Samples]):
    """The builder's decoded sources; it forgets them all now and then, which costs more than the memory."""

    def clear(self) -> None:
        """Keep them."""


def load_builder(path: Path, cache: Path) -> Any:
    """The builder as a module, its sources under `cache` (run its `packages` command before)."""
    spec = importlib.util.spec_from_file_location(_NAME, path)
    if spec is None or spec.loader is None:
        raise FileNotFoundError(f"{path} is not a Python script")
    module: Any = importlib.util.module_from_spec(spec)
    sys.modules[_NAME] = module
    spec.loader.exec_module(module)
    module.CACHE, module.EXT = str(cache), None
    module.TTSDIR = str(cache / "_tts")
    Path(module.TTSDIR).mkdir(parents=True, exist_ok=True)
    module._dec = _Kept()
    plain = module.load
    module.load = lambda source: warp(plain(source), _now.factor, _now.tilt)
    return module


def warp(samples: Samples, factor: float, tilt: float) -> Samples:
    """Samples played `factor` times as fast (pitch and formants move along) and tilted by a first-order filter."""
    out = samples
    if factor != 1.0 and 0 < samples.size < _WARP_LONGEST_S * makers.RATE_HZ:
        out = signal.resample_poly(out, 100, round(100 * factor))
    if tilt != 0.0 and out.size:
        out = signal.lfilter([1.0, -tilt], [1.0], out)
    return np.asarray(out, np.float64)


def build(builder: Any, out: Path, plan: Plan, *, jobs: int = 1) -> list[Row]:
    """Make the corpus in folder `out`; returns the rows of its manifest. The same plan gives the same bytes."""
    (out / "clips").mkdir(parents=True, exist_ok=True)
    builder.SEED = plan.seed
    builder._S[plan.split] = builder.build_sources(plan.split)
    todo = [(name, number) for name, count in plan.counts.items() for number in range(count)]
    make = partial(_make, builder.__name__, out, plan)
    with ProcessPoolExecutor(jobs) as pool:
        made = [clip for clip in pool.map(make, todo, chunksize=16) if clip is not None]
    made.sort(key=lambda clip: clip[0]["file"])
    rows = [row for row, _ in made]
    with (out / "manifest.csv").open("w", newline="") as sink:
        writer = csv.DictWriter(sink, [*builder.FIELDS, "warp"], extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    np.savez_compressed(out / "speech.npz", **{row["file"]: mask for row, mask in made if mask is not None})  # type: ignore[arg-type]
    return read_manifest(out)


def read_manifest(folder: Path) -> list[Row]:
    """Rows of a corpus."""
    with (folder / "manifest.csv").open(newline="") as source:
        return list(csv.DictReader(source))


def _make(
    module_name: str, out: Path, plan: Plan, job: tuple[str, int]
) -> tuple[dict[str, Any], NDArray[np.bool_] | None] | None:
    """One clip: (row, speech flags); None when the maker found nothing fitting. Mirrors the builder's own `one`."""
    builder = sys.modules[module_name]
    name, number = job
    theirs: dict[str, Maker] = {entry[0]: entry[2] for entry in builder.PLAN["dev"]}
    sources = builder._S[plan.split]
    clip_id = f"{name}_{number:0{plan.digits}d}"
    random = builder.rng_for(plan.split, clip_id)
    dice = builder.rng_for("warp", clip_id)
    _now.factor, _now.tilt, _now.foreground = 1.0, 0.0, None
    if plan.warp and dice.random() < _WARPED_SHARE:
        _now.factor = 1 + float(dice.uniform(-_WARP_MOST, _WARP_MOST))
        _now.tilt = float(dice.uniform(-_TILT_MOST, _TILT_MOST))
    try:
        if name in makers.MAKERS:
            result = makers.MAKERS[name](builder, sources, random)
        else:
            result = theirs[name](sources, random, plan.split, clip_id)
    except builder.MissingExt:
        return None
    if result is None:
        return None
    samples, reference, kind, row = result
    if plan.answered_only:
        row["stage"] = "answered"
    clean: Samples | None = row.pop("foreground", samples if row["label"] == "machine" else None)
    mask = None if clean is None else _speech_flags(builder, clean)
    if kind != "music":
        samples = np.pad(samples, (0, max(0, int(random.uniform(10, 14) * makers.RATE_HZ) - len(samples))))
    heard = builder.degrade(np.asarray(samples, float), reference, clip_id, row["country"], random, kind, row)
    file = hashlib.sha1(f"{plan.split}|{clip_id}|{plan.seed}".encode(), usedforsecurity=False).hexdigest()[:12] + ".wav"
    data = heard.astype("<i2").tobytes()
    with wave.open(str(out / "clips" / file), "wb") as sink:
        sink.setnchannels(1)
        sink.setsampwidth(2)
        sink.setframerate(makers.RATE_HZ)
        sink.writeframes(data)
    row.update(
        file=file,
        split=plan.split,
        duration=round(len(heard) / makers.RATE_HZ, 3),
        sha256=hashlib.sha256(data).hexdigest()[:16],
        warp=f"{_now.factor:.3f}/{_now.tilt:.2f}",
    )
    return row, mask


def _speech_flags(builder: Any, clean: Samples) -> NDArray[np.bool_]:
    levels = builder.frames_rms(clean)
    flags: NDArray[np.bool_] = levels > builder.active_rms(clean) * builder.db(_SPEECH_BELOW_DB)
    return flags


def default_jobs() -> int:
    """As many processes as there are cores to spare."""
    return os.cpu_count() or 1
