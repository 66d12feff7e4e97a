"""Fits the model that tells voicemail beeps from voices, notes and other tones (`audio/models/beep.npz`).

`callbox train-ear --only beep`: answered clips of the development set's builder and clips of `tones_corpus`. Figures in
the data sheet are of a cross-validation by source; the weights are then fitted on everything by the same recipe.
"""

import json
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from audio import beep, wavio
from audio.analysis import CHUNK, LineAnalysis
from audio.training import corpus, folds, network
from audio.training.corpus import Row
from audio.training.tones_corpus import make

_HIDDEN, _MEMBERS, _EPOCHS = 12, 3, 60
_MOSTLY, _LATE_S = 0.5, 0.15
_FAMILIES = {"beep": 900, "nothing": 600, "fax_ced": 60, "fax_preamble": 60, "modem": 100}
_GENERATED_SEED = 77
SEED = 1
PLAN = corpus.Plan(
    {"beep": 500, "machine": 700, "human": 400, "silence": 60, "music": 60}, seed=9003, answered_only=True
)
"""The corpus of answered clips: those of a fax or a modem are no beeps to anybody and stay out."""


@dataclass(frozen=True, slots=True)
class Example:
    """One tone that was over: what the model is told, whether it is a beep, and where it comes from."""

    vector: NDArray[np.float32]
    is_beep: bool
    label: str
    fold: int
    clip: int


def _examples(
    samples: NDArray[np.int16], span: tuple[float, float] | None, label: str, fold: int, clip: int
) -> list[Example]:
    line = LineAnalysis(early=False)
    out: list[Example] = []
    for start in range(0, samples.size - CHUNK + 1, CHUNK):
        for step in line.push(samples[start : start + CHUNK]):
            for found in beep.candidates(step):
                run = found.run
                inside = 0.0 if span is None else min(run.stop_s, span[1]) - max(run.start_s, span[0])
                if span is None or inside <= 0:
                    out.append(Example(found.vector, False, label, fold, clip))
                elif inside > _MOSTLY * run.length_s and run.start_s < span[0] + _LATE_S:
                    out.append(Example(found.vector, True, label, fold, clip))
    return out


def _from_corpus(job: tuple[Path, Row, int, int]) -> list[Example]:
    folder, row, fold, clip = job
    span = (float(row["beep_start"]), float(row["beep_end"])) if row.get("beep_start") else None
    return _examples(wavio.read(folder / "clips" / row["file"]), span, row["label"], fold, clip)


def _generated(job: tuple[str, int], *, first_clip: int) -> list[Example]:
    family, number = job
    clip = make(_GENERATED_SEED, family, number)
    span = (clip.start_s, clip.stop_s) if family == "beep" else None
    return _examples(clip.samples, span, f"{family} {clip.note}", number % folds.FOLDS, first_clip + number)


def collect(rows: Sequence[tuple[Path, Row]], *, jobs: int) -> list[Example]:
    """Examples of answered clips, each with its corpus's folder, and of generated tones."""
    fold = folds.assign([row for _, row in rows]).tolist()
    todo = [(folder, row, fold[i], i) for i, (folder, row) in enumerate(rows)]
    generated = [(family, number) for family, count in _FAMILIES.items() for number in range(count)]
    with ProcessPoolExecutor(jobs) as pool:
        out = [e for found in pool.map(_from_corpus, todo, chunksize=16) for e in found]
        make_more = partial(_generated, first_clip=len(todo))
        out += [e for found in pool.map(make_more, generated, chunksize=16) for e in found]
    return out


def fit(examples: Sequence[Example], *, seed: int) -> network.Weights:
    """Weights of the model; both classes weigh the same."""
    rows = np.stack([e.vector for e in examples])
    classes = np.array([int(e.is_beep) for e in examples])
    weights = np.where(classes == 1, 1 / max(1, classes.sum()), 1 / max(1, (1 - classes).sum())).astype(np.float32)
    return network.train_ensemble(
        rows, network.one_hot(classes, 2), weights, hidden=_HIDDEN, seed=seed, members=_MEMBERS, epochs=_EPOCHS
    )


def _sure(weights: network.Weights, examples: Sequence[Example]) -> NDArray[np.bool_]:
    logits = network.logits(weights, np.stack([e.vector for e in examples]))
    sure: NDArray[np.bool_] = 1 / (1 + np.exp(logits[:, 0] - logits[:, 1])) >= beep.SURE
    return sure


def cross_validate(examples: Sequence[Example], *, seed: int) -> dict[str, float]:
    """Share of beeps found and false candidates by label, each fold judged by a model that never met its sources."""
    found, false = [], dict[str, int]()
    for fold in range(folds.FOLDS):
        rest = [e for e in examples if e.fold != fold]
        own = [e for e in examples if e.fold == fold]
        sure = _sure(fit(rest, seed=seed), own)
        found += [bool(s) for e, s in zip(own, sure, strict=True) if e.is_beep]
        for example, s in zip(own, sure, strict=True):
            if s and not example.is_beep:
                false[example.label] = false.get(example.label, 0) + 1
    figures = {"beeps_found": round(float(np.mean(found)), 4)}
    return {**figures, **{f"false_{label}": float(count) for label, count in sorted(false.items())}}


def train(
    builder: Path, cache: Path, work: Path, out: Path, *, jobs: int, labelled: Sequence[Row] = ()
) -> dict[str, Any]:
    """Fit the model and write it with its data sheet, which is returned. People in labelled calls teach too."""
    done = (work / "manifest.csv").exists()
    clips = (
        corpus.read_manifest(work) if done else corpus.build(corpus.load_builder(builder, cache), work, PLAN, jobs=jobs)
    )
    people = [row for row in labelled if row["label"] == "human" and row["stage"] == "answered"]
    examples = collect([(work, row) for row in (*clips, *people)], jobs=jobs)
    figures = cross_validate(examples, seed=SEED)
    weights = fit(examples, seed=SEED)
    np.savez(out / "beep.npz", **{k: v.astype(np.float32) for k, v in weights.items()})  # type: ignore[arg-type]
    sheet = {
        "model": "beep",
        "classes": ["other", "beep"],
        "inputs": "audio/beep.py: 15 numbers of a tone that is over",
        "command": "callbox train-ear --only beep --builder BUILDER --cache CACHE --work WORK",
        "seed": SEED,
        "plan": dict(PLAN.counts) | {"seed": PLAN.seed},
        "generated": _FAMILIES | {"seed": _GENERATED_SEED},
        "clips": len({e.clip for e in examples}),
        "candidates": {"beep": sum(e.is_beep for e in examples), "other": sum(not e.is_beep for e in examples)},
        "threshold": {"after_speech": beep.SURE, "alone": beep.SURE_ALONE},
        "cross_validation_by_source": figures,
        "fitted_on": "all sources by the same recipe; figures of other seeds: docs/figures/ear_tones.md",
    }
    (out / "beep.json").write_text(json.dumps(sheet, indent=2) + "\n", "utf-8")
    return sheet
