"""Music after answer, told by models that never met its song: `answered` out of fold, and `texture` fitted without it.

    python -m audio.training.late_music --answered WORK/answered --texture WORK/texture

The folders are those that `callbox train-ear` leaves: `judged.npz` and `judge` of the first, the corpora of the second.
The policy is replayed over the judgements. Where it doubts at the deadline, and where it says silence, the sound is
looked at for music as `audio.amd` does it, by a texture model fitted without any music of the sources that the policy
did not know. Everybody gets the same looks, so that people whom they call music are counted, too.
"""

import argparse
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from audio import amd, texture, wavio
from audio.analysis import CHUNK, CHUNK_S, LineAnalysis, Step
from audio.config import ListenerConfig
from audio.labels import Label
from audio.model import Model
from audio.training import corpus, early, fit_answered, folds


@dataclass(slots=True)
class Policy:
    """What the policy says of each clip out of fold: the last word, and when it doubts at the deadline (seconds).

    A clip in which nothing was judged is silence.
    """

    words: dict[str, Label] = field(default_factory=dict)
    doubts_s: dict[str, float] = field(default_factory=dict)


def replayed(work: Path) -> Policy:
    """The policy over `judged.npz`."""
    out = Policy({row["file"]: Label.SILENCE for row in corpus.read_manifest(work / "judge")})
    with np.load(work / "judged.npz") as stored:
        cuts = np.cumsum(stored["looks"])[:-1]
        vectors, shares = np.split(stored["vectors"], cuts), np.split(stored["shares"], cuts)
        for name, clip, share in zip(stored["clip"].tolist(), vectors, shares, strict=True):
            said = fit_answered.replay(clip, share, ListenerConfig())
            if name not in out.words or not len(clip):
                continue
            out.words[name] = said[-1][1].label if said else Label.UNKNOWN
            first = next(((at_s, word.label) for at_s, word in said if word.final), None)
            if first is not None and first[1] is Label.UNKNOWN:
                out.doubts_s[name] = first[0]
    return out


def _steps(path: Path) -> list[Step]:
    samples = wavio.read(path)
    whole = samples.size - samples.size % CHUNK
    return LineAnalysis(early=False).push(samples[:whole]) if whole else []


def _music(model: Model, step: Step) -> float:
    return float(model.probabilities(texture.vectors([step.texture]))[0, 1])


def heard_in_doubt(model: Model, path: Path, at_s: float) -> bool:
    """Whether the look at the deadline finds music."""
    steps = _steps(path)
    step = next((step for step in steps if step.now_s >= at_s - CHUNK_S / 2), steps[-1])
    return step.texture.recent_voice[0] >= amd.MUSIC_VOICE_S and _music(model, step) >= amd.MUSIC_SURE


def heard_in_silence(model: Model, path: Path) -> bool:
    """Whether one of the later looks does."""
    due = [step for step in _steps(path) if any(abs(step.now_s - at) < CHUNK_S / 2 for at in amd.FAINT_MUSIC_LOOKS_S)]
    return any(_music(model, step) >= amd.FAINT_MUSIC_SURE for step in due)


def main() -> None:
    """Print what was said of people, music and silence, without and with the looks."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--answered", type=Path, required=True)
    parser.add_argument("--texture", type=Path, required=True)
    options = parser.parse_args()
    policy, clips = replayed(options.answered), options.answered / "judge" / "clips"
    wanted = (Label.HUMAN, Label.MUSIC, Label.SILENCE)
    manifest = corpus.read_manifest(options.answered / "judge")
    rows = [row for row in manifest if row["stage"] == "answered" and row["label"] in wanted]
    missed = [row for row in rows if row["label"] == Label.MUSIC and policy.words[row["file"]] is not Label.MUSIC]
    held = {folds.source_group(row) for row in missed}
    taught = [
        (options.texture / name, row)
        for name in early.PLANS
        for row in corpus.read_manifest(options.texture / name)
        if row["label"] != Label.MUSIC or folds.source_group(row) not in held
    ]
    print(f"{len(taught)} clips teach; without the music of {', '.join(sorted(held))}")
    model = Model(**early.fit(early.extract(folder, row) for folder, row in taught))
    words = dict(policy.words)
    for row in rows:
        name = row["file"]
        doubted = name in policy.doubts_s and heard_in_doubt(model, clips / name, policy.doubts_s[name])
        silent = policy.words[name] is Label.SILENCE
        if doubted or (silent and heard_in_silence(model, clips / name)):
            words[name] = Label.MUSIC
    for label in wanted:
        of = [row["file"] for row in rows if row["label"] == label]
        before, after = (Counter(str(said[name]) for name in of) for said in (policy.words, words))
        print(f"{label}, {len(of)} clips: {dict(before)}; with the looks {dict(after)}")


if __name__ == "__main__":
    main()
