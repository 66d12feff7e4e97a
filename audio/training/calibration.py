"""Is the confidence true? `python -m audio.training.calibration --work DIR/answered` tells.

Replays today's policy over the judgements that `callbox train-ear --only answered` left in `judged.npz` (each by a
model that never met the clip's source; no beeps) and prints how often words of a confidence were right, as Markdown.
"""

import argparse
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from audio.config import ListenerConfig
from audio.labels import Label
from audio.training import corpus, fit_answered

_EDGES = (0.0, 0.8, 0.9, 0.95, 0.98, 0.99, 1.0)
_JUDGED = ("human", "machine")


def last_words(work: Path) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Confidences of the last words about people and machines, other than `unknown`, and whether each was right."""
    truth = {row["file"]: row["label"] for row in corpus.read_manifest(work / "judge")}
    confidences, right = [], []
    with np.load(work / "judged.npz") as stored:
        cuts = np.cumsum(stored["looks"])[:-1]
        vectors, shares = np.split(stored["vectors"], cuts), np.split(stored["shares"], cuts)
        for name, clip, share in zip(stored["clip"].tolist(), vectors, shares, strict=True):
            if truth.get(name) not in _JUDGED:
                continue
            said = fit_answered.replay(clip, share, ListenerConfig())
            if said and said[-1][1].label is not Label.UNKNOWN:
                confidences.append(said[-1][1].confidence)
                right.append(said[-1][1].label == truth[name])
    return np.array(confidences), np.array(right)


def table(confidences: NDArray[np.float64], right: NDArray[np.bool_]) -> str:
    """Markdown: words by confidence, and the expected calibration error (mean gap, weighted by words)."""
    lines = ["| confidence | words | mean % | right % |", "|---|---|---|---|"]
    error = 0.0
    for low, high in pairwise(_EDGES):
        inside = (confidences >= low) & ((confidences < high) | (high == _EDGES[-1]))
        if inside.any():
            mean, share = float(confidences[inside].mean()), float(right[inside].mean())
            lines.append(f"| {low:.2f}-{high:.2f} | {inside.sum()} | {100 * mean:.1f} | {100 * share:.1f} |")
            error += float(inside.mean()) * abs(mean - share)
    return "\n".join([*lines, "", f"Expected calibration error: {error:.3f}."])


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--work", type=Path, required=True)
    print(table(*last_words(parser.parse_args().work)))


if __name__ == "__main__":
    main()
