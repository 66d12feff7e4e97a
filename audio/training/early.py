"""Fits the `texture` model (speech, music or neither) and shows, fold by fold, what it makes of sources it never met.

    callbox train-ear --only texture --builder build_dev.py --cache DIR --work DIR
    python -m audio.training.early --builder build_dev.py --cache DIR --work DIR

The corpora are made by the builder's own makers under other seeds, warped at their sources, and by `early_music`. The
features are what the listener computes, each clip weighs the same. The second command cross-validates by source
(voice, package, song; crosstalk and noises by clip) and prints the table of docs/figures/ear_early.md; the first fits
on all sources with the same recipe. For a workshop's machine, never the box (needs scipy, sox).
"""

import argparse
import json
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from audio import wavio
from audio.analysis import CHUNK, LineAnalysis
from audio.model import Model
from audio.texture import WIDTH
from audio.training import corpus, folds, makers, network

Array = NDArray[np.float32]
Row = dict[str, str]
CLASSES = ("speech", "music", "neither")
HIDDEN, SEED = 16, 1
_SHARES = (1.2, 1.0, 1.0)
_EVERY_CHUNKS, _LAST_CHUNK, _LEAST_S = 4, 100, 0.8
_KNOWN_AFTER_S = 0.6
_LOOKS = 3
_ANNOUNCEMENTS = ("vacant", "off", "suspended", "busy", "unreachable")
_SITS = ("vacant", "intercept", "nocircuit", "reorder", "info")

PLANS = {
    "early": corpus.Plan(
        {
            "music": 900,
            "silence": 450,
            **{f"announcement_{name}": 110 for name in _ANNOUNCEMENTS},
            "ringback": 100,
            "busy": 50,
            "congestion": 50,
            **{f"sit_{name}": 16 for name in _SITS},
            "human": 200,
            "machine": 250,
        },
        seed=9001,
    ),
    "composed": corpus.Plan({"composed": 700}, seed=77, warp=False),
    "machines": corpus.Plan({"machine": 500}, seed=9002),
}
"""The corpora: folder and plan."""


def composed(builder: Any, sources: Any, dice: np.random.Generator) -> makers.Made:
    """A clip of music of our own, now and then with a prompt spoken over its beginning, as the builder does it."""
    from audio.training.early_music import compose

    rate = makers.RATE_HZ
    music = compose(dice, float(dice.uniform(10, 14)))
    if dice.random() < 0.4:
        music = music[int(dice.uniform(0, 2) * rate) :]
    music = builder.telband(builder.setlevel(music, -21), dice)
    before_s, sublabel = dice.uniform(0, 1.2), "crbt"
    if dice.random() < 0.15:
        voice = sources.ast[sorted(sources.ast)[int(dice.integers(len(sources.ast)))]]
        prompts = [key for key in sorted(voice) if key.startswith("vm-")]
        words = builder.load(voice[prompts[int(dice.integers(len(prompts)))]])
        words = builder.setlevel(builder.trim(words), -20)[: 3 * rate]
        at = int(dice.uniform(0, 1) * rate)
        size = min(len(words), len(music) - at)
        music[at : at + size] = music[at : at + size] * 0.3 + words[:size]
        sublabel = "crbt+voice"
    samples = np.concatenate((np.zeros(int(before_s * rate)), music))
    row = {
        "stage": "early", "label": "music", "sublabel": sublabel, "real": "synthetic", "tier": "pkg", "country": "cn",
        "source_pkg": "composed", "source_files": "composed", "t_event": round(before_s, 3),
        "t_event_end": round(len(samples) / rate, 3),
    }  # fmt: skip
    return samples, builder.db(-21), "music", row


@dataclass(frozen=True, slots=True)
class Heard:
    """A clip: its row, vectors [n, 76] and when they were taken [n], s."""

    row: Row
    vectors: Array
    times_s: Array


def extract(folder: Path, row: Row) -> Heard:
    """Texture vectors of a clip, every 0.4 s."""
    samples = wavio.read(folder / "clips" / row["file"])
    line = LineAnalysis(early=row["stage"] == "early")
    vectors, times = [], []
    for chunk in range(1, min(samples.size // CHUNK, _LAST_CHUNK) + 1):
        line.push(samples[(chunk - 1) * CHUNK : chunk * CHUNK])
        if chunk % _EVERY_CHUNKS == 0 and line.texture.length_s >= _LEAST_S:
            vectors.append(line.texture.vector())
            times.append(line.now_s)
    return Heard(row, np.array(vectors, np.float32).reshape(-1, WIDTH), np.array(times, np.float32))


def target(row: Row) -> int:
    """Class of a clip while its sound lasts."""
    label = row["label"]
    if label.startswith("announcement") or label in ("human", "machine"):
        return 0
    return 1 if label == "music" else 2


def _taught(clip: Heard) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Which vectors of a clip may teach, and what: before the event all is neither, around it nothing is certain."""
    row, times = clip.row, clip.times_s
    kind, event_s = target(row), float(row["t_event"] or 0)
    classes = np.full(times.size, kind)
    use = np.ones(times.size, np.bool_)
    if kind != 2:
        before = times <= event_s
        use = times >= event_s + _KNOWN_AFTER_S
        if row["label"] == "human":
            use &= times <= float(row["t_event_end"] or 99) + 1
        if row["label"] == "machine":
            use &= times <= float(row["t_speech_end"] or 99) + 1
        if kind == 0:
            classes[before] = 2
            use |= before
    if row["label"].startswith("sit_") and "announcement" in row["sublabel"]:
        use &= times < float(row["t_event_end"]) + 0.2
    return use, classes


def fit(clips: Iterable[Heard]) -> network.Weights:
    """Weights of the model; every class and, within it, every clip weighs the same."""
    rows, classes, weights = [], [], []
    for clip in clips:
        use, kinds = _taught(clip)
        if use.any():
            rows.append(clip.vectors[use])
            classes.append(kinds[use])
            weights.append(np.full(int(use.sum()), 1 / use.sum(), np.float32))
    kinds, share = np.concatenate(classes), np.concatenate(weights)
    for number, wanted in enumerate(_SHARES):
        share[kinds == number] *= wanted / share[kinds == number].sum()
    share = (share / share.mean()).astype(np.float32)
    return network.train_ensemble(
        np.concatenate(rows), network.one_hot(kinds, len(CLASSES)), share, hidden=HIDDEN, seed=SEED
    )


def assign(clips: Sequence[Heard]) -> NDArray[np.int64]:
    """Fold of each clip by its source; noises and crosstalk, which have none, by clip; composed music in none (-1)."""
    out = folds.assign([clip.row for clip in clips])
    for place, clip in enumerate(clips):
        if clip.row["label"] == "silence":
            out[place] = zlib.crc32(clip.row["file"].encode()) % folds.FOLDS
        if clip.row["source_pkg"] == "composed":
            out[place] = -1
    return out


def check(clips: Sequence[Heard], at_s: Sequence[float] = (3.0, 6.0)) -> dict[tuple[str, float], Counter[str]]:
    """What models that never met a clip's source call it, so many seconds after its event (silence: from the start)."""
    fold = assign(clips)
    said: dict[tuple[str, float], Counter[str]] = defaultdict(Counter)
    for number in range(folds.FOLDS):
        weights = fit(clip for clip, own in zip(clips, fold, strict=True) if own != number)
        model = Model(**weights)
        for clip in (clip for clip, own in zip(clips, fold, strict=True) if own == number and clip.times_s.size):
            shares = model.probabilities(clip.vectors)
            label = "announcement" if clip.row["label"].startswith("announcement") else clip.row["label"]
            event_s = 0.0 if label == "silence" else float(clip.row["t_event"] or 0)
            for after_s in at_s:
                seen = np.flatnonzero(clip.times_s <= event_s + after_s)
                if seen.size:
                    mean = shares[seen[-_LOOKS:]].mean(axis=0)
                    said[label, after_s][CLASSES[int(mean.argmax())]] += 1
    return said


def corpora(builder_path: Path, cache: Path, work: Path, jobs: int, labelled: Sequence[Row] = ()) -> list[Heard]:
    """Make what is not there yet and extract all of it, and the labelled calls of a customer."""
    makers.MAKERS["composed"] = composed
    builder = corpus.load_builder(builder_path, cache)
    out: list[Heard] = []
    for name, plan in PLANS.items():
        folder = work / name
        done = (folder / "manifest.csv").exists()
        rows = corpus.read_manifest(folder) if done else corpus.build(builder, folder, plan, jobs=jobs)
        with ProcessPoolExecutor(jobs) as pool:
            out += pool.map(partial(extract, folder), rows, chunksize=16)
    return [*out, *(extract(work, row) for row in labelled)]


def train(
    builder: Path, cache: Path, work: Path, out: Path, *, jobs: int, labelled: Sequence[Row] = ()
) -> dict[str, Any]:
    """Fit the model on all sources and write it with its data sheet, which is returned."""
    clips = corpora(builder, cache, work, jobs, [row for row in labelled if row["label"] != "unknown"])
    np.savez_compressed(out / "texture.npz", **fit(clips))  # type: ignore[arg-type]
    sheet = {
        "model": "texture",
        "classes": list(CLASSES),
        "inputs": "audio/texture.py: 76 numbers of the last 4 s",
        "command": "callbox train-ear --only texture --builder BUILDER --cache CACHE --work WORK",
        "seed": SEED,
        "clips": len(clips),
        "labelled_clips": len(labelled),
        "plans": {name: dict(plan.counts) | {"seed": plan.seed} for name, plan in PLANS.items()},
        "fitted_on": "all sources; figures of sources held out: docs/figures/ear_early.md",
    }
    (out / "texture.json").write_text(json.dumps(sheet, indent=2) + "\n")
    return sheet


def main() -> None:
    """Cross-validate; see the module's text."""
    parser = argparse.ArgumentParser(description="Cross-validate the texture model by source")
    parser.add_argument("--builder", type=Path, required=True)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--jobs", type=int, default=1)
    options = parser.parse_args()
    clips = corpora(options.builder, options.cache, options.work, options.jobs)
    for (label, after_s), said in sorted(check(clips).items()):
        total = sum(said.values())
        shares = ", ".join(f"{name} {100 * count / total:.1f} %" for name, count in said.most_common())
        print(f"{label:14} {after_s:.0f} s  n={total:4}  {shares}")


if __name__ == "__main__":
    main()
