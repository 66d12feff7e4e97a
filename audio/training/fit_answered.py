"""Fits the answered phase: the foreground network, the model of `audio.answered` numbers, its calibration, its curve.

Everything said about quality comes from cross-validation by source (`folds.py`): each clip is judged by a model that
never met its voice. The weights that ship are then fitted with the same recipe on all sources.
"""

import json
import re
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from audio import wavio
from audio.analysis import CHUNK, LineAnalysis
from audio.answered import MIN_SINCE_S, WIDTH, AnsweredInputs, level_dbov, onset_hop, since_s, waiting
from audio.config import ListenerConfig
from audio.decision import CLASSES, Decision, Moment, Word
from audio.features import FrontEnd
from audio.foreground import LOOK_HOPS, Foreground, ForegroundInputs
from audio.labels import Label
from audio.model import Model
from audio.training import folds, network
from audio.training.corpus import Row

Array = NDArray[np.float32]
HIDDEN, MEMBERS, EPOCHS = 24, 4, 14
_FOREGROUND_HIDDEN, _FOREGROUND_EPOCHS = 24, 8
_LIMIT_S = 12.0
_EVERY = 3
_CLASS_WEIGHTS = (1.0, 0.8, 0.3, 0.3, 0.2, 0.25)
_MENU_FILES = re.compile(r":(vm-opts|basic-pbx-ivr-main|demo-congrats|dir-intro)$")
_ASKING_FILES = re.compile(r":privacy-prompt$")
_BANDS_S = (0.0, 1.0, 1.5, 2.0, 3.0, 4.5)
_SETTINGS = (0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.93, 0.95, 0.97, 0.98, 0.99, 0.995, 0.999)


def class_of(row: Row) -> int:
    """Class of a clip, as a place in `decision.CLASSES`."""
    if row["label"] != "machine":
        return CLASSES.index(Label(row["label"]))
    kind, files = row["sublabel"].split("/")[0], row["source_files"]
    if kind == "call_screen" or _ASKING_FILES.search(files):
        return CLASSES.index(Label.SCREENING)
    if kind == "ivr_menu" or _MENU_FILES.search(files):
        return CLASSES.index(Label.IVR)
    return CLASSES.index(Label.MACHINE)


def foreground_rows(path: Path, flags: NDArray[np.bool_] | None, start: int) -> tuple[Array, NDArray[np.int64]]:
    """Inputs and truth of every sixth hop of a clip; `flags` None: nobody speaks."""
    samples = wavio.read(path)
    front, inputs = FrontEnd(), ForegroundInputs()
    blocks = [samples[None, at : at + CHUNK] for at in range(0, samples.size - CHUNK + 1, CHUNK)]
    rows = np.concatenate([inputs.push(front.push(block)) for block in blocks])
    truth = np.zeros(len(rows) + LOOK_HOPS, np.int64)
    if flags is not None:
        used = flags[: len(rows)]
        truth[LOOK_HOPS : LOOK_HOPS + used.size] = used
    return rows[start::6], truth[start : len(rows) : 6]


def vectors(path: Path, foreground: Model | None = None) -> Array:
    """The model's inputs [looks, WIDTH] of one clip, one each 100 ms since speech began."""
    samples = wavio.read(path)
    line, inputs = LineAnalysis(early=False), AnsweredInputs(Foreground(foreground))
    out: list[Array] = []
    for at in range(0, min(samples.size, round(_LIMIT_S * 8000)) - CHUNK + 1, CHUNK):
        for step in line.push(samples[at : at + CHUNK]):
            (spoken,) = inputs.push(step.features, [step.tonal_hops])
            onset = onset_hop(spoken, step.speech)
            if onset is not None and step.now_s - onset * 0.01 >= MIN_SINCE_S:
                out.append(inputs.vector(spoken, step.speech))
    return np.array(out, np.float32).reshape(-1, WIDTH)


def fit_foreground(rows: Array, truth: NDArray[np.int64], *, seed: int) -> network.Weights:
    """The foreground network."""
    weights = np.ones(len(rows), np.float32)
    targets = network.one_hot(truth, 2)
    return network.train(
        rows, targets, weights, hidden=_FOREGROUND_HIDDEN, seed=seed, epochs=_FOREGROUND_EPOCHS, batch=1024
    )


def fit(clips: Sequence[Array], classes: NDArray[np.int64], *, seed: int, epochs: int | None = None) -> network.Weights:
    """The model from clips' vectors: each clip counts once, classes by `_CLASS_WEIGHTS`."""
    looks = [clip[number % _EVERY :: _EVERY] for number, clip in enumerate(clips)]
    rows = np.concatenate(looks)
    truth = np.repeat(classes, [len(look) for look in looks])
    weights = np.concatenate([np.full(len(look), 1 / max(1, len(look)), np.float32) for look in looks])
    for place, share in enumerate(_CLASS_WEIGHTS):
        chosen = truth == place
        weights[chosen] *= share / max(float(weights[chosen].sum()), 1e-9) * len(rows)
    return network.train_ensemble(
        rows,
        network.one_hot(truth, len(CLASSES)),
        weights,
        hidden=HIDDEN,
        seed=seed,
        members=MEMBERS,
        epochs=epochs or EPOCHS,
    )


def cross_validate(
    rows: Sequence[Row], clips: Sequence[Array], *, learn: int, tested: NDArray[np.bool_], seed: int
) -> list[Array | None]:
    """Logits of each tested row from the model fitted on those of the first `learn` rows that have other sources.

    None where nothing was heard, or the row is not tested.
    """
    fold = folds.assign(rows)
    classes = np.array([class_of(row) for row in rows], np.int64)
    out: list[Array | None] = [None] * len(rows)
    for held in range(folds.FOLDS):
        chosen = [i for i in range(learn) if fold[i] != held and len(clips[i])]
        weights = fit([clips[i] for i in chosen], classes[chosen], seed=seed)
        for i in np.flatnonzero((fold == held) & tested).tolist():
            if len(clips[i]):
                out[i] = network.logits(weights, clips[i])
    return out


def calibrate(clips: Sequence[Array], logits: Sequence[Array | None], classes: NDArray[np.int64]) -> Array:
    """Temperature of each band of time since onset, by likelihood on the out-of-fold logits."""
    since = np.concatenate([since_s(c) for c, z in zip(clips, logits, strict=True) if z is not None])
    heard = np.concatenate([z for z in logits if z is not None])
    truth = np.concatenate([np.full(len(z), k) for z, k in zip(logits, classes.tolist(), strict=True) if z is not None])
    place = band(since)
    temperatures = np.ones(len(_BANDS_S), np.float32)
    grid = np.geomspace(0.6, 3.0, 33)
    for number in range(len(_BANDS_S)):
        chosen = place == number
        if chosen.sum() >= 50:
            losses = [
                -np.log(softmax(heard[chosen] / t)[np.arange(chosen.sum()), truth[chosen]] + 1e-9).mean() for t in grid
            ]
            temperatures[number] = grid[int(np.argmin(losses))]
    return temperatures


def band(begun_s: Array) -> NDArray[np.intp]:
    """Number of the calibration band."""
    return np.searchsorted(np.array(_BANDS_S[1:]), begun_s, side="right")


def softmax(logits: Array) -> Array:
    """Shares [n, classes]."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares: Array = powers / powers.sum(axis=1, keepdims=True)
    return shares


def replay(clip: Array, shares: Array, config: ListenerConfig) -> list[tuple[float, Word]]:
    """What the policy says on one clip: (seconds since answer, word)."""
    decision = Decision(config)
    said: list[tuple[float, Word]] = []
    for vector, share in zip(clip, shares, strict=True):
        if decision.over:
            break
        word = decision.step(moment(vector, share))
        if word is not None:
            said.append((float(vector[0]), word))
    return said


def moment(vector: Array, shares: Array) -> Moment:
    """One look as the policy sees it."""
    pause_s, talk_s = waiting(vector)
    return Moment(float(vector[0]), float(since_s(vector)), pause_s, talk_s, shares, level_dbov(vector))


def curve(
    rows: Sequence[Row], clips: Sequence[Array], shares: Sequence[Array | None], settings: Sequence[float] = _SETTINGS
) -> list[dict[str, float]]:
    """People dropped against machines passed on, for settings of `machine_probability`, as the final word tells."""
    points: list[dict[str, float]] = []
    for setting in settings:
        config = replace(ListenerConfig(), machine_probability=setting)
        lost = people = passed = machines = 0
        for row, clip, share in zip(rows, clips, shares, strict=True):
            if row["label"] not in ("human", "machine"):
                continue
            words = [] if share is None else replay(clip, share, config)
            final = next((word.label for _, word in words if word.final), Label.SILENCE)
            dropped = final not in (Label.HUMAN, Label.UNKNOWN)
            if row["label"] == "human":
                people, lost = people + 1, lost + dropped
            else:
                machines, passed = machines + 1, passed + (not dropped)
        points.append(
            {
                "setting": setting,
                "people_dropped": round(lost / max(1, people), 4),
                "machines_passed": round(passed / max(1, machines), 4),
            }
        )
    return points


def summary(
    rows: Sequence[Row], clips: Sequence[Array], shares: Sequence[Array | None], config: ListenerConfig | None = None
) -> dict[str, Any]:
    """What the policy makes of each class: the final word, the last word (late ones count), times; no beeps."""
    out: dict[str, Any] = {}
    waits: list[float] = []
    for place, name in enumerate(CLASSES):
        chosen = [i for i, row in enumerate(rows) if class_of(row) == place]
        finals, lasts = Counter[str](), Counter[str]()
        for i in chosen:
            share = shares[i]
            words = [] if share is None else replay(clips[i], share, config or ListenerConfig())
            final = next(((at, word) for at, word in words if word.final), None)
            finals[str(final[1].label) if final else "silence"] += 1
            lasts[str(words[-1][1].label) if words else "silence"] += 1
            if name is Label.HUMAN and final is not None and final[1].label is Label.HUMAN:
                waits.append(final[0] - float(rows[i]["t_event"]))
        out[str(name)] = {"clips": len(chosen), "final": dict(finals.most_common()), "last": dict(lasts.most_common())}
    if waits:
        out["person_known_after_onset_s"] = {
            "p50": round(float(np.median(waits)), 2),
            "p90": round(float(np.quantile(waits, 0.9)), 2),
        }
    return out


def calibration_arrays(temperatures: Array) -> dict[str, Array]:
    """The calibration as `audio.model` reads it."""
    return {"band_edges_s": np.array(_BANDS_S[1:], np.float32), "temperatures": temperatures}


def write(out: Path, name: str, weights: dict[str, Array], sheet: dict[str, Any]) -> None:
    """`<name>.npz` and its data sheet `<name>.json`."""
    out.mkdir(parents=True, exist_ok=True)
    np.savez(out / f"{name}.npz", **{k: v.astype(np.float32) for k, v in weights.items()})  # type: ignore[arg-type]
    (out / f"{name}.json").write_text(json.dumps({"model": name, **sheet}, indent=2) + "\n", "utf-8")


def extract(paths: Sequence[Path], *, network_file: Path, jobs: int) -> list[Array]:
    """`vectors` of many clips with the foreground network in a file."""
    with np.load(network_file, allow_pickle=False) as arrays:
        foreground = Model(**{name: arrays[name] for name in arrays.files})
    with ProcessPoolExecutor(jobs) as pool:
        return list(pool.map(partial(vectors, foreground=foreground), paths, chunksize=16))
