"""Makes what exchanges' announcements are known by (model `meanings`), and shows what it names in voices never met.

    callbox train-ear --only meanings --builder build_dev.py --cache DIR --work DIR

The sentences are the builder's and those of `announced.py`, in four synthetic voices; numbers are learnt as for
`phrases` (`sayings.py`). Judged are the announcements and music of the texture's corpus (made if it is not there),
nothing enrolled, each by sentences without its own voice: with the builder's words among them, and with these left out.
"""

import json
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from audio import phrases, wavio
from audio.labels import announcement_label
from audio.meanings import APART, LABELS, LEAST, by_meaning
from audio.phrases import Array, Following, Sayings, Sought
from audio.training import announced, corpus, early, kinds, sayings
from audio.training.corpus import Row

SEED = 1
_NAMES = tuple(f"announcement_{name}" for name in ("vacant", "off", "suspended", "busy", "unreachable"))
"""The builder's names of `LABELS`."""
_JUDGED = (*_NAMES, "music")
_LANGUAGES = {"en": "en-us", "ru": "ru", "zh": "cmn"}
_HEARD_S = 7.0
_RATE_HZ = 8000
_COMMAND = "callbox train-ear --only meanings --builder BUILDER --cache DIR --work DIR"


def train(
    builder: Path,
    cache: Path,
    work: Path,
    out: Path,
    *,
    seed: int = SEED,
    jobs: int = 1,
    labelled: Sequence[Row] = (),  # noqa: ARG001 - calls teach no sentences; they are enrolled
) -> dict[str, Any]:
    """All of it. Returns the figures."""
    module = corpus.load_builder(builder, cache)
    folder = work.parent / "texture" / "early"
    if not (folder / "manifest.csv").exists():
        corpus.build(module, folder, early.PLANS["early"], jobs=jobs)
    wanted = all_texts(module)
    voices = sayings.Voices(wanted, sayings.speak(module, wanted, seed=seed), seed=seed)
    sets = {name: voices.sayings(name) for name in ("", *sayings.VOICES)}
    builders = frozenset(number for number, text in enumerate(wanted) if text.builders)
    rows = [row for row in corpus.read_manifest(folder) if row["stage"] == "early" and row["label"] in _JUDGED]
    with ProcessPoolExecutor(jobs, initializer=_sets.update, initargs=(sets,)) as pool:
        best = list(pool.map(partial(_measure, folder, builders=builders), rows, chunksize=16))
    figures = judge(rows, best)
    kinds.write_sayings(out, "meanings", sets[""], wanted, seed)
    sheet = out / "meanings.json"
    told = {**json.loads(sheet.read_text("utf-8")), "command": _COMMAND, "figures": figures}
    told["judged_by"] = f"clips of the texture's corpus, seed {early.PLANS['early'].seed}, by sentences of other voices"
    sheet.write_text(json.dumps(told, indent=2) + "\n", "utf-8")
    return figures


def all_texts(builder: Any) -> list[sayings.Text]:
    """The builder's sentences and those of `announced.py`, by the place of their meaning in `LABELS`."""
    out: list[sayings.Text] = []
    for place, (label, name) in enumerate(zip(LABELS, _NAMES, strict=True)):
        for short, language in _LANGUAGES.items():
            out += [sayings.Text(place, language, words, True) for words in builder.ANN[name][short]]
        for language, said in announced.ANNOUNCED[label].items():
            out += [sayings.Text(place, language, words) for words in said]
    return list(dict.fromkeys(out))


_sets: dict[str, Sayings] = {}
"""Of a process that measures."""


@cache
def _sought(name: str) -> Sought:
    return Sought(_sets[name])


def _measure(folder: Path, row: Row, *, builders: frozenset[int]) -> Array:
    """The best score of each meaning [2, 5] by sentences without the clip's voice: all, and without the builder's."""
    sought = _sought(row["source_pkg"] if row["source_pkg"] in _sets else "")
    begin_s = float(row["t_event"])
    samples = wavio.read(folder / "clips" / row["file"])
    heard = samples[round(begin_s * _RATE_HZ) : round((begin_s + _HEARD_S) * _RATE_HZ)]
    scores, _ = Following(sought).hear(phrases.power(heard.astype(np.float32) / np.float32(32768)))
    theirs = np.isin(sought.sayings.text, sorted(builders))
    kept = (scores, np.where(theirs, np.float32(0), scores))
    return np.array([by_meaning(one, sought.sayings.kind) for one in kept])


def judge(rows: Sequence[Row], best: Sequence[Array]) -> dict[str, Any]:
    """Of clips how many were named right, wrong, or not."""
    out: dict[str, Any] = {}
    for place, name in enumerate(("words_known", "words_unknown")):
        said: dict[str, Counter[str]] = {}
        for row, scores in zip(rows, best, strict=True):
            ranked = np.sort(scores[place])
            result = "none"
            if ranked[-1] >= LEAST and ranked[-1] - ranked[-2] >= APART:
                meant = LABELS[int(scores[place].argmax())]
                music = row["label"] == "music"
                result = "right" if not music and announcement_label(row["label"]) is meant else "wrong"
            group = row["real"] if row["label"] != "music" else "music"
            said.setdefault(group, Counter())[result] += 1
        out[name] = {group: dict(said[group].most_common()) for group in sorted(said)}
    return out
