"""People and machines through lost packets: `python -m audio.training.loss_score --manifest CSV --audio-root CLIPS`.

Packets of 20 ms are lost at random and filled as receivers do: with nothing, with the last packet again, or with that
one fading. Prints a Markdown table of what is said then: the word that is acted upon, and how often the line is said to
be too torn to judge. People and machines are taken in equal parts, evenly over the manifest.
"""

import argparse
import csv
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from audio import wavio
from audio.hearing import hear_blocks
from audio.labels import score_label
from audio.training.early_score import wilson

_PACKET = 160
_SHARES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.6)
_FILLS = {"silence": 0.0, "the last packet": 1.0, "the last one, fading": 0.7}
"""By what each further packet of a gap is the one before."""
_SEED = 5
_HEARD_S = 12

Job = tuple[Path, str]
Said = tuple[str, bool]
"""The word acted upon, and whether it was said because the line is torn."""


def lose(samples: NDArray[np.int16], share: float, fill: float, seed: int) -> NDArray[np.int16]:
    """The samples [n] with packets lost and filled; what is left over behind the last whole packet is dropped."""
    packets = samples[: samples.size - samples.size % _PACKET].reshape(-1, _PACKET).astype(np.float32)
    lost = np.random.default_rng(seed).random(len(packets)) < share
    for number in np.flatnonzero(lost[1:]) + 1:
        packets[number] = packets[number - 1] * fill
    return packets.astype(np.int16).reshape(-1)


def _say(job: Job, *, share: float, fill: float) -> Said:
    path, _ = job
    samples = wavio.read(path)[: _HEARD_S * wavio.RATE_HZ]
    torn = lose(samples, share, fill, _SEED + len(path.name))
    heard = hear_blocks([torn], name=path.name, phase="answered", country=None)
    word = next((verdict for verdict in heard.verdicts if verdict.final), heard.last)
    return score_label(word.label, word.kind), word.reason == "torn_audio"


def _jobs(manifest: Path, audio_root: Path, each: int) -> list[Job]:
    with manifest.open(newline="", encoding="utf-8") as source:
        rows = [row for row in csv.DictReader(source) if row["stage"] == "answered"]
    out: list[Job] = []
    for label in ("human", "machine"):
        own = [row for row in rows if row["label"] == label]
        out += [(audio_root / row["file"], label) for row in own[:: max(1, len(own) // each)][:each]]
    return out


def table(jobs: Sequence[Job], *, processes: int) -> str:
    """Markdown."""
    lines = [
        "| filled with | lost % | people: right % | called machine % | machines: right % | called people % | torn % |",
        "|---|---|---|---|---|---|---|",
    ]
    with ProcessPoolExecutor(processes) as pool:
        for name, fill in _FILLS.items():
            for share in _SHARES:
                if share == 0.0 and fill:
                    continue
                said = list(pool.map(partial(_say, share=share, fill=fill), jobs, chunksize=8))
                lines.append(_row("-" if share == 0.0 else name, share, jobs, said))
    return "\n".join(lines)


def _row(name: str, share: float, jobs: Sequence[Job], said: Sequence[Said]) -> str:
    cells = []
    for truth, other in (("human", "machine"), ("machine", "human")):
        words = [word for (_, label), (word, _) in zip(jobs, said, strict=True) if label == truth]
        cells += [wilson(words.count(truth), len(words)), wilson(words.count(other), len(words))]
    torn = 100 * sum(torn for _, torn in said) / len(said)
    return f"| {name} | {100 * share:.0f} | {' | '.join(cells)} | {torn:.0f} |"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--manifest", type=Path, required=True)
    parser.add_argument("--audio-root", type=Path, required=True)
    parser.add_argument("--each", type=int, default=100)
    parser.add_argument("--jobs", type=int, default=1)
    args = parser.parse_args()
    print(table(_jobs(args.manifest, args.audio_root, args.each), processes=args.jobs))


if __name__ == "__main__":
    main()
