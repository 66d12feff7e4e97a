"""Fits the answered phase (models `foreground` and `answered`) and shows what it makes of sources it never met.

    python -m audio.training.answered --builder build_dev.py --cache DIR --work DIR [--out audio/models]

It learns from one corpus (`LEARN`: the builder's makers and those of `makers.py`, warped at the sources) and is judged
on another as the builder makes it (`JUDGE`, other seed): cross-validated by source, each clip by a model that never met
its voice. Calibration and `tradeoff.json` come from those out-of-fold judgements; the weights that ship are fitted with
the same recipe on the whole of `LEARN`. Needs scipy, sox, espeak-ng and flite; runs on a workshop's machine only.
"""

import argparse
import json
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from audio.answered import WIDTH, since_s
from audio.decision import CLASSES
from audio.labels import Label
from audio.training import corpus, fit_answered, folds

SEED = 1
LEARN = corpus.ANSWERED
JUDGE = corpus.Plan({"human": 1800, "machine": 1500, "music": 250, "silence": 150}, seed=777001, warp=False, digits=4)
_COMMAND = "callbox train-ear --only answered --builder BUILDER --cache DIR --work DIR"
_FIRST_HOP = 30
_NAMES = frozenset({"human", "machine", "music", "silence"})


def make(builder: Path, cache: Path, work: Path, *, jobs: int) -> tuple[list[corpus.Row], list[corpus.Row]]:
    """Rows of the learning and the judging corpus under `work`, built if they are not there yet."""
    loaded: Any = None
    for name, plan in (("learn", LEARN), ("judge", JUDGE)):
        if not (work / name / "manifest.csv").exists():
            loaded = loaded or corpus.load_builder(builder, cache)
            corpus.build(loaded, work / name, plan, jobs=jobs)
    return corpus.read_manifest(work / "learn"), _concerned(corpus.read_manifest(work / "judge"))


def _concerned(rows: Sequence[corpus.Row]) -> list[corpus.Row]:
    return [row for row in rows if row["stage"] == "answered" and row["label"] in _NAMES]


def learn_foreground(folder: Path, rows: list[corpus.Row], out: Path, *, seed: int, jobs: int) -> None:
    """Fit the foreground network on the learning corpus and write it."""
    with np.load(folder / "speech.npz") as stored:
        flags: dict[str, NDArray[np.bool_]] = {name: stored[name] for name in stored.files}
    thinned = {"human": 1, "machine": 3, "music": 3, "silence": 3}
    chosen = [row for number, row in enumerate(rows) if number % thinned[row["label"]] == 0]
    chosen = [row for row in chosen if row["file"] in flags or row["label"] in ("music", "silence")]
    with ProcessPoolExecutor(jobs) as pool:
        parts = list(
            pool.map(
                fit_answered.foreground_rows,
                [folder / "clips" / row["file"] for row in chosen],
                [flags.get(row["file"]) for row in chosen],
                [_FIRST_HOP + number % 6 for number in range(len(chosen))],
                chunksize=16,
            )
        )
    inputs = np.concatenate([part[0] for part in parts])
    truth = np.concatenate([part[1] for part in parts])
    fitted = fit_answered.fit_foreground(inputs, truth, seed=seed)
    sheet = {
        "hops": len(inputs),
        "clips": len(chosen),
        "seed": seed,
        "corpus": f"learn, seed {LEARN.seed}",
        "command": _COMMAND,
    }
    fit_answered.write(out, "foreground", fitted, sheet)


def train(
    builder: Path,
    cache: Path,
    work: Path,
    out: Path,
    *,
    seed: int = SEED,
    jobs: int = 1,
    labelled: Sequence[corpus.Row] = (),
) -> dict[str, Any]:
    """All of it, with a customer's labelled calls to learn from; returns the figures of the data sheet."""
    learnt, judged = make(builder, cache, work, jobs=jobs)
    learn_foreground(work / "learn", learnt, out, seed=seed, jobs=jobs)
    learnt += _concerned(labelled)
    rows = learnt + judged
    paths = [work / "learn" / "clips" / row["file"] for row in learnt]
    paths += [work / "judge" / "clips" / row["file"] for row in judged]
    clips = fit_answered.extract(paths, network_file=out / "foreground.npz", jobs=jobs)
    classes = np.array([fit_answered.class_of(row) for row in rows], np.int64)
    own = len(learnt)
    kinds = {CLASSES.index(Label.SCREENING), CLASSES.index(Label.IVR)}
    tested = np.array([i >= own or kind in kinds for i, kind in enumerate(classes.tolist())])
    logits = fit_answered.cross_validate(rows, clips, learn=own, tested=tested, seed=seed)
    temperatures = fit_answered.calibrate(clips[own:], logits[own:], classes[own:])
    shares = [
        None if z is None else fit_answered.softmax(z / temperatures[fit_answered.band(since_s(clip))][:, None])
        for z, clip in zip(logits, clips, strict=True)
    ]
    chosen = [i for i in range(own) if len(clips[i])]
    weights = fit_answered.fit([clips[i] for i in chosen], classes[chosen], seed=seed)
    judges = np.flatnonzero(tested).tolist()
    figures = fit_answered.summary([rows[i] for i in judges], [clips[i] for i in judges], [shares[i] for i in judges])
    np.savez_compressed(work / "judged.npz", **_stored(judges, rows, clips, shares))  # type: ignore[arg-type]
    sheet = {
        "classes": CLASSES,
        "command": _COMMAND,
        "seed": seed,
        "fitted_on": f"all sources, {len(chosen)} clips of the plan {dict(LEARN.counts)}, seed {LEARN.seed}",
        "labelled_calls": len(_concerned(labelled)),
        "judged_by": f"{folds.FOLDS} folds by source, {len(judged)} clips as the builder makes them, seed {JUDGE.seed}",
        "figures": figures,
    }
    fit_answered.write(out, "answered", {**weights, **fit_answered.calibration_arrays(temperatures)}, sheet)
    points = fit_answered.curve(rows[own:], clips[own:], shares[own:])
    (out / "tradeoff.json").write_text(json.dumps(points, indent=1) + "\n", "utf-8")
    return figures


def _stored(
    judges: Sequence[int],
    rows: Sequence[corpus.Row],
    clips: Sequence[NDArray[np.float32]],
    shares: Sequence[NDArray[np.float32] | None],
) -> dict[str, NDArray[Any]]:
    """Out-of-fold judgements as arrays, so that a policy can be tried without fitting anew."""
    heard = [i for i in judges if shares[i] is not None]
    found = [share for i in heard if (share := shares[i]) is not None]
    return {
        "clip": np.array([rows[i]["file"] for i in heard]),
        "looks": np.array([len(clips[i]) for i in heard]),
        "vectors": np.concatenate([np.zeros((0, WIDTH), np.float32), *(clips[i] for i in heard)]),
        "shares": np.concatenate([np.zeros((0, len(CLASSES)), np.float32), *found]),
    }


def main() -> None:
    """Entry point of `python -m audio.training.answered`."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--builder", type=Path, required=True)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path(__file__).parents[1] / "models")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--jobs", type=int, default=corpus.default_jobs())
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    figures = train(args.builder, args.cache, args.work, args.out, seed=args.seed, jobs=args.jobs)
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
