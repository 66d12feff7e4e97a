"""Fit the two small models (`amd`, `texture`) on a folder made by the development set's builder.

    python -m audio.fit_amd DIR [--seed 1] [--jobs 2] [--out audio/models]

DIR holds manifest.csv (columns file, label, stage, source_pkg, source_files, t_event, ...) and clips/. The features are
those the listener computes, taken every 100 ms; each clip weighs the same. A tenth of the sources (voices, packages)
is held out by name and its accuracy printed; the weights that are written are fitted on the other nine tenths.
Training never runs on the box. OPENBLAS_NUM_THREADS=1 keeps it polite.
"""

import argparse
import csv
import json
import zlib
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from audio import wavio
from audio.analysis import CHUNK, LineAnalysis
from audio.rhythm import amd_vector

Array = NDArray[np.float32]
_AMD_LIMIT_S = 9.0
_AMD_MIN_SINCE_S = 0.3
_MIN_VOICE_S = 0.8
_CLASSES = {"amd": ("human", "machine", "other"), "texture": ("speech", "music", "other")}
_HIDDEN = {"amd": 16, "texture": 12}
_MEMBERS = 4


def _texture_class(label: str) -> int:
    if label in ("human", "machine") or label.startswith("announcement"):
        return 0
    return 1 if label == "music" else 2


def _amd_class(label: str) -> int:
    return {"human": 0, "machine": 1}.get(label, 2)


def extract(job: tuple[str, str, str, float]) -> tuple[Array, Array]:
    """AMD vectors (time in column 0) and texture vectors of one clip: (path, label, stage, event time)."""
    path, label, stage, event_s = job
    samples = wavio.read(Path(path))
    line = LineAnalysis(early=stage == "early")
    amd: list[Array] = []
    texture: list[Array] = []
    for start in range(0, samples.size - CHUNK + 1, CHUNK):
        next(line.push(samples[start : start + CHUNK]))
        onset = line.speech.onset_hop
        answered = stage == "answered" and label in ("human", "machine", "music", "silence")
        since_s = line.now_s - onset * 0.01 if onset is not None else 0.0
        if answered and since_s >= _AMD_MIN_SINCE_S and line.now_s <= _AMD_LIMIT_S:
            amd.append(amd_vector(line))
        early = not label.startswith("sit_") and label != "beep"
        if early and line.recent_voice[0] >= _MIN_VOICE_S and line.now_s >= event_s + 0.5 and start % (3 * CHUNK) == 0:
            texture.append(line.texture_vector())
    return np.array(amd, np.float32), np.array(texture, np.float32)


def train(
    rows: Array, classes: NDArray[np.int64], weights: Array, *, hidden: int, n_classes: int, seed: int, epochs: int = 20
) -> dict[str, Array]:
    """Weights of a one-hidden-layer network by Adam on weighted cross-entropy with weight decay."""
    random = np.random.Generator(np.random.PCG64(seed))
    mean, scale = rows.mean(axis=0), rows.std(axis=0) + 1e-3
    inputs = np.clip((rows - mean) / scale, -4, 4)
    params = [
        random.standard_normal((inputs.shape[1], hidden)) / inputs.shape[1] ** 0.5,
        np.zeros(hidden),
        random.standard_normal((hidden, n_classes)) / hidden**0.5,
        np.zeros(n_classes),
    ]
    params = [p.astype(np.float32) for p in params]
    first = [np.zeros_like(p) for p in params]
    second = [np.zeros_like(p) for p in params]
    step, batch = 0, 512
    for epoch in range(epochs):
        rate = 0.004 * 0.5 * (1 + np.cos(np.pi * epoch / epochs))
        order = random.permutation(len(inputs))
        for at in range(0, len(order), batch):
            pick = order[at : at + batch]
            x, y, w = inputs[pick], classes[pick], weights[pick]
            x = x + 0.15 * random.standard_normal(x.shape).astype(np.float32)
            inner = np.tanh(x @ params[0] + params[1])
            logits = inner @ params[2] + params[3]
            shares = np.exp(logits - logits.max(axis=1, keepdims=True))
            shares /= shares.sum(axis=1, keepdims=True)
            error = shares
            error[np.arange(len(y)), y] -= 1
            error *= (w / w.sum())[:, None]
            back = (error @ params[2].T) * (1 - inner**2)
            gradients = [x.T @ back, back.sum(axis=0), inner.T @ error, error.sum(axis=0)]
            step += 1
            for i, gradient in enumerate(gradients):
                first[i] = 0.9 * first[i] + 0.1 * gradient
                second[i] = 0.999 * second[i] + 0.001 * gradient**2
                hat = first[i] / (1 - 0.9**step)
                params[i] -= rate * (hat / (np.sqrt(second[i] / (1 - 0.999**step)) + 1e-8) + 0.005 * params[i])
    names = ("first", "first_bias", "second", "second_bias")
    return {"mean": mean, "scale": scale, **dict(zip(names, params, strict=True))}


def train_ensemble(
    rows: Array, classes: NDArray[np.int64], weights: Array, *, hidden: int, n_classes: int, seed: int
) -> dict[str, Array]:
    """Four networks of different seeds averaged before the softmax, which is one wider network."""
    members = [
        train(rows, classes, weights, hidden=hidden, n_classes=n_classes, seed=seed + i) for i in range(_MEMBERS)
    ]
    return {
        "mean": members[0]["mean"],
        "scale": members[0]["scale"],
        "first": np.hstack([m["first"] for m in members]),
        "first_bias": np.hstack([m["first_bias"] for m in members]),
        "second": np.vstack([m["second"] for m in members]) / _MEMBERS,
        "second_bias": np.mean([m["second_bias"] for m in members], axis=0),
    }


def _forward(weights: dict[str, Array], rows: Array) -> Array:
    scaled = np.clip((rows - weights["mean"]) / weights["scale"], -4, 4)
    logits = np.tanh(scaled @ weights["first"] + weights["first_bias"]) @ weights["second"] + weights["second_bias"]
    result: Array = logits
    return result


def source_group(row: dict[str, str]) -> str:
    """Name of the voice or package a clip is made of: sources are held out by this, never clips."""
    return f"{row['source_pkg']}:{row['source_files'].split(':')[0]}"


def held_out(row: dict[str, str]) -> bool:
    """Whether a clip's source belongs to the tenth that is never trained on."""
    return zlib.crc32(source_group(row).encode()) % 10 == 0


def fit(
    name: str, manifest: list[dict[str, str]], vectors: list[Array], *, seed: int, out: Path, data: str
) -> dict[str, float]:
    """Train one model on rows per clip, write `<name>.npz` and its data sheet; returns the held-out figures."""
    label_class = _amd_class if name == "amd" else _texture_class
    used = [(m, v) for m, v in zip(manifest, vectors, strict=True) if len(v)]
    rows = np.concatenate([v for _, v in used])
    classes = np.concatenate([np.full(len(v), label_class(m["label"])) for m, v in used])
    weights = np.concatenate([np.full(len(v), 1 / len(v), np.float32) for _, v in used])
    test = np.concatenate([np.full(len(v), held_out(m)) for m, v in used])
    n_classes = len(_CLASSES[name])
    for index in range(n_classes):
        chosen = classes == index
        weights[chosen] *= (0.4 if name == "amd" and index == 2 else 1.0) / max(weights[chosen].sum(), 1e-9) * len(rows)
    fitted = train_ensemble(
        rows[~test], classes[~test], weights[~test], hidden=_HIDDEN[name], n_classes=n_classes, seed=seed
    )
    guess = _forward(fitted, rows[test]).argmax(axis=1)
    figures = {
        f"recall_{label}": round(float((guess[classes[test] == i] == i).mean()), 4)
        for i, label in enumerate(_CLASSES[name])
        if (classes[test] == i).any()
    }
    out.mkdir(parents=True, exist_ok=True)
    np.savez(out / f"{name}.npz", **{k: v.astype(np.float32) for k, v in fitted.items()})  # type: ignore[arg-type]
    sheet = {
        "model": name,
        "classes": _CLASSES[name],
        "command": f"python -m audio.fit_amd DIR --seed {seed}",
        "data": data,
        "clips_trained": sum(not held_out(m) for m, _ in used),
        "clips_held_out": sum(held_out(m) for m, _ in used),
        "held_out_rows": figures,
    }
    (out / f"{name}.json").write_text(json.dumps(sheet, indent=2) + "\n", "utf-8")
    return figures


def main() -> None:
    """Entry point of `python -m audio.fit_amd`."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "models")
    parser.add_argument("--data", default="development set builder, larger plan, own seed")
    args = parser.parse_args()
    with (args.folder / "manifest.csv").open(newline="") as source:
        manifest = list(csv.DictReader(source))
    jobs = [(str(args.folder / "clips" / m["file"]), m["label"], m["stage"], float(m["t_event"])) for m in manifest]
    with ProcessPoolExecutor(args.jobs) as pool:
        vectors = list(pool.map(extract, jobs, chunksize=16))
    for index, name in enumerate(_CLASSES):
        figures = fit(name, manifest, [v[index] for v in vectors], seed=args.seed, out=args.out, data=args.data)
        print(name, json.dumps(figures))


if __name__ == "__main__":
    main()
