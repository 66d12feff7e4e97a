"""Fits the answered phase (models `foreground` and `answered`) and shows what it makes of sources it never met.

    python -m audio.training.answered --builder build_dev.py --cache DIR --work DIR [--check] [--out audio/models]

Two corpora are made by the builder's makers and those of `makers.py`: one warped, to learn from, and one as the builder
makes it, with another seed, to be judged. `--check` cross-validates by source and writes `answered_check.json` into the
work folder, and `tradeoff.json` beside the models; in any case the models are then fitted on all sources. The
calibration comes from the cross-validation, so the check is part of every fit. Needs scipy, sox, espeak-ng and flite;
runs on a workshop's machine, never on the box.
"""

import argparse
import json
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from audio.decision import CLASSES
from audio.training import corpus, fit_answered, folds

SEED = 1
LEARN = corpus.ANSWERED
JUDGE = corpus.Plan(
    {"human": 1000, "machine": 850, "music": 150, "silence": 150}, seed=77701, warp=False, answered_only=True
)
_CONFIG_NOTE = "default ListenerConfig; shares calibrated out of fold"


def make(builder: Path, cache: Path, work: Path, *, jobs: int) -> dict[str, list[corpus.Row]]:
    """The corpora under `work`, built if they are not there yet."""
    rows: dict[str, list[corpus.Row]] = {}
    loaded: Any = None
    for name, plan in (("learn", LEARN), ("judge", JUDGE)):
        folder = work / name
        if not (folder / "manifest.csv").exists():
            loaded = loaded or corpus.load_builder(builder, cache)
            corpus.build(loaded, folder, plan, jobs=jobs)
        rows[name] = corpus.read_manifest(folder)
    return rows


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
                range(len(chosen)),
                chunksize=16,
            )
        )
    inputs = np.concatenate([part[0] for part in parts])
    truth = np.concatenate([part[1] for part in parts])
    fitted = fit_answered.fit_foreground(inputs, truth, seed=seed)
    sheet = {"hops": len(inputs), "clips": len(chosen), "seed": seed, "corpus": f"learn, seed {LEARN.seed}"}
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
    rows = make(builder, cache, work, jobs=jobs)
    learn_foreground(work / "learn", rows["learn"], out, seed=seed, jobs=jobs)
    known = {*map(str, CLASSES)}
    rows["learn"] += [row for row in labelled if row["stage"] == "answered" and row["label"] in known]
    every = rows["learn"] + rows["judge"]
    paths = [work / name / "clips" / row["file"] for name in ("learn", "judge") for row in rows[name]]
    clips = fit_answered.extract(paths, jobs=jobs)
    tested = np.arange(len(every)) >= len(rows["learn"])
    classes = np.array([fit_answered.class_of(row) for row in every], np.int64)
    logits = fit_answered.cross_validate(every, clips, tested, seed=seed)
    temperatures = fit_answered.calibrate(clips, logits, classes)
    judged = np.flatnonzero(tested).tolist()
    shares = [
        None if z is None else fit_answered.softmax(z / temperatures[fit_answered.band(c[:, 2])][:, None])
        for z, c in ((logits[i], clips[i]) for i in judged)
    ]
    points = fit_answered.curve([every[i] for i in judged], [clips[i] for i in judged], shares)
    figures = fit_answered.summary([every[i] for i in judged], [clips[i] for i in judged], shares)
    chosen = [i for i in range(len(every)) if len(clips[i])]
    weights = fit_answered.fit([clips[i] for i in chosen], classes[chosen], seed=seed)
    sheet = {
        "classes": CLASSES,
        "command": f"python -m audio.training.answered --builder BUILDER --cache DIR --work DIR --seed {seed}",
        "fitted_on": f"all sources: learn (seed {LEARN.seed}) and judge (seed {JUDGE.seed}), {len(chosen)} clips",
        "judged_by": f"{folds.FOLDS} folds by source on judge, {_CONFIG_NOTE}",
        "figures": figures,
    }
    fit_answered.write(out, "answered", {**weights, **fit_answered.calibration_arrays(temperatures)}, sheet)
    (out / "tradeoff.json").write_text(json.dumps(points, indent=1) + "\n", "utf-8")
    return figures


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
    print(json.dumps(train(args.builder, args.cache, args.work, args.out, seed=args.seed, jobs=args.jobs), indent=2))


if __name__ == "__main__":
    main()
