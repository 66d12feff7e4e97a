"""Fits what tells kinds of machines apart (models `phrases` and `kinds`) and shows what it makes of voices never met.

    callbox train-ear --only kinds --builder build_dev.py --cache DIR --work DIR

It learns from the machines of the answered phase's corpora (made under `WORK/../answered` if they are not there). Each
clip is laid along sayings that its own voice is not among, with numbers learnt without that voice; the network is
judged by folds over the sources. Two figures are given for synthetic voices: with the builder's words among the sayings
(in other voices), and with these words left out of the sayings and their clips left out of what is learnt from.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from audio import phrases, wavio
from audio.kinds import BEEP_BY_S, EVERY, KINDS, LOOKS_S, PLAIN, WIDTH, inputs, told
from audio.labels import Label
from audio.phrases import Array, Following, Sayings, Sought
from audio.training import answered, corpus, fit_answered, folds, network, sayings
from audio.training.corpus import Row

SEED = 1
HIDDEN, MEMBERS, EPOCHS = 16, 4, 40
_WEIGHTS = (2.0, 1.0, 1.0)
_COMMAND = "callbox train-ear --only kinds --builder BUILDER --cache DIR --work DIR"
_PLAIN_EVERY = 2
_RATE_HZ = 8000
_CHOICES = """
    vm-opts vm-options vm-opts-full vm-advopts vm-review vm-forwardoptions vm-instructions vm-msginstruct vm-delete
    vm-undelete vm-next vm-prev vm-repeat vm-dialout vm-helpexit vm-starmain vm-star-cancel vm-tocallback vm-tocallnum
    vm-tocancel vm-tocancelmsg vm-toenternumber vm-toforward vm-tohearenv vm-tomakecall vm-toreply vm-torerecord
    vm-savemessage vm-saveoper vm-reachoper vm-calldiffnum vm-savefolder vm-tempgreeting2 vm-forward conf-usermenu
    conf-adminmenu conf-usermenu-162 conf-adminmenu-162 priv-callee-options screen-callee-options followme/options
    dictate/play_help dictate/record_help dictate/both_help dictate/forhelp dir-instr dir-intro dir-intro-fn
    dir-usingkeypad demo-instruct demo-congrats demo-moreinfo basic-pbx-ivr-main indigen-dialout"""
"""Prompts that offer choices by key."""
_ASKS = frozenset(("privacy-prompt", "priv-recordintro", "vm-rec-name"))
_BUILDERS = re.compile(r"(screen_)?(en|ru|zh)\d+")

Measured = tuple[Array, Array]
"""Inputs [looks, WIDTH] with all sayings, and without the builder's words."""


def train(
    builder: Path,
    cache: Path,
    work: Path,
    out: Path,
    *,
    seed: int = SEED,
    jobs: int = 1,
    labelled: Sequence[Row] = (),
) -> dict[str, Any]:
    """All of it; a customer's labelled machines are learnt from like clips of the corpus. Returns the figures."""
    folder = work.parent / "answered"
    learnt, judged = answered.make(builder, cache, folder, jobs=jobs)
    learnt = list(_thinned([row for row in (*learnt, *labelled) if _is_machine(row)]))
    judged = [row for row in judged if _is_machine(row)]
    rows, own = learnt + judged, len(learnt)
    paths = [folder / "learn" / "clips" / row["file"] for row in learnt]
    paths += [folder / "judge" / "clips" / row["file"] for row in judged]
    module = corpus.load_builder(builder, cache)
    wanted = sayings.all_texts(module)
    voices = sayings.Voices(wanted, sayings.speak(module, wanted, seed=seed), seed=seed)
    builders = frozenset(number for number, text in enumerate(wanted) if text.builders)
    measured = measure(rows, paths, voices, builders, jobs=jobs)
    classes = np.array([kind_of(row) for row in rows], np.int64)
    np.savez_compressed(work / "measured.npz", **_stored(rows, classes, own, measured))  # type: ignore[arg-type]
    figures = judge(rows, measured, classes, own, seed=seed)
    weights = fit([m[0] for m in measured[:own]], classes[:own], seed=seed)
    whole = voices.sayings("")
    sheet = {
        "classes": KINDS,
        "command": _COMMAND,
        "seed": seed,
        "fitted_on": f"all sources, {own} machines of the answered phase's corpus, seed {answered.LEARN.seed}",
        "labelled_calls": len(labelled),
        "judged_by": f"{folds.FOLDS} folds by source, {len(judged)} machines as the builder makes them, "
        f"seed {answered.JUDGE.seed}, and the corpus's own assistants and menus",
        "figures": figures,
    }
    fit_answered.write(out, "kinds", weights, sheet)
    write_sayings(out, "phrases", whole, wanted, seed)
    return figures


def _is_machine(row: Row) -> bool:
    return row["label"] == "machine" and row["stage"] == "answered"


def _thinned(rows: Sequence[Row]) -> Iterator[Row]:
    """Of those that say nothing special every other one."""
    plain = 0
    for row in rows:
        plain += says(row) == 0
        if says(row) or plain % _PLAIN_EVERY == 0:
            yield row


def says(row: Row) -> int:
    """What a machine's clip says, as the place of a kind in `KINDS`; of prompts by their names."""
    kind, files = row["sublabel"].split("/")[0], row["source_files"]
    if row["source_pkg"].startswith("asterisk") and ":" in files:
        keys = files.split(":")[1].split("+")
        if any(key in _CHOICES.split() for key in keys):
            return 2
        return int(any(key in _ASKS for key in keys))
    return {"call_screen": 1, "ivr_menu": 2}.get(kind, 0)


def kind_of(row: Row) -> int:
    """Kind of a machine's clip. Choices that end in a beep are a mailbox's: nobody is waited for at a menu with one."""
    said = says(row)
    return 0 if said == 2 and row.get("beep_end") else said


def measure(
    rows: Sequence[Row], paths: Sequence[Path], voices: sayings.Voices, builders: frozenset[int], *, jobs: int
) -> list[Measured]:
    """Inputs of each clip at each look, by sayings without its own voice."""
    sets = {name: voices.sayings(name) for name in ("", *sayings.VOICES)}
    names = [row["source_pkg"] if row["source_pkg"] in sets else "" for row in rows]
    beeps = [float(row.get("beep_end") or "inf") for row in rows]
    with ProcessPoolExecutor(jobs, initializer=_sets.update, initargs=(sets,)) as pool:
        return list(pool.map(partial(_measure, builders=builders), paths, names, beeps, chunksize=16))


_sets: dict[str, Sayings] = {}
"""Of a process that measures."""


@cache
def _sought(name: str) -> Sought:
    return Sought(_sets[name], every=EVERY)


def _measure(path: Path, name: str, beep_s: float, *, builders: frozenset[int]) -> Measured:
    samples = wavio.read(path).astype(np.float32) / np.float32(32768)
    sought = _sought(name)
    theirs = np.isin(sought.sayings.text, sorted(builders))
    following = Following(sought)
    out: list[list[Array]] = [[], []]
    for look_s in LOOKS_S:
        scores, spoken = following.hear(phrases.power(samples[: round(look_s * _RATE_HZ)]))
        for place, kept in enumerate((scores, np.where(theirs, np.float32(0), scores))):
            out[place].append(inputs(kept, spoken, sought, beeped=beep_s < look_s))
        if samples.size < look_s * _RATE_HZ:
            break
    return np.array(out[0], np.float32), np.array(out[1], np.float32)


def fit(clips: Sequence[Array], classes: NDArray[np.int64], *, seed: int) -> network.Weights:
    """The network from clips' inputs: kinds by `_WEIGHTS`."""
    rows = np.concatenate(clips)
    truth = np.repeat(classes, [len(clip) for clip in clips])
    weights = np.ones(len(rows), np.float32)
    for place, share in enumerate(_WEIGHTS):
        weights[truth == place] = share * len(rows) / max(1, int((truth == place).sum()))
    targets = network.one_hot(truth, len(KINDS))
    return network.train_ensemble(rows, targets, weights, hidden=HIDDEN, seed=seed, members=MEMBERS, epochs=EPOCHS)


def judge(
    rows: Sequence[Row], measured: Sequence[Measured], classes: NDArray[np.int64], own: int, *, seed: int
) -> dict[str, Any]:
    """What is said of the builder's clips, and of the corpus's own assistants and menus, by networks never met."""
    fold = folds.assign(rows)
    theirs = np.array([_builders_words(row) for row in rows])
    out: dict[str, Any] = {}
    for place, name in enumerate(("words_known", "words_unknown")):
        said: dict[str, Counter[str]] = {}
        for held in range(folds.FOLDS):
            learn = [i for i in range(own) if fold[i] != held and not (place and theirs[i])]
            weights = fit([measured[i][place] for i in learn], classes[learn], seed=seed)
            for i in np.flatnonzero(fold == held).tolist():
                if i >= own or classes[i]:
                    shares = fit_answered.softmax(network.logits(weights, measured[i][place]))
                    word = replay(shares, beep_s=float(rows[i].get("beep_end") or "inf"))
                    said.setdefault(_group(rows[i], i >= own), Counter())[str(KINDS[word])] += 1
        out[name] = {group: dict(said[group].most_common()) for group in sorted(said)}
    return out


def replay(shares: Array, *, beep_s: float) -> int:
    """The kind said, by shares [looks, kinds] and when it beeped, as `KindWatch` does it."""
    for number, (share, look_s) in enumerate(zip(shares, LOOKS_S, strict=False)):
        last = number + 1 == len(shares)
        place = told(share, last=last)
        if KINDS[place] is Label.IVR and beep_s < (BEEP_BY_S if last else look_s):
            place = 0
        if place or share[0] >= PLAIN:
            return place
    return 0


def _builders_words(row: Row) -> bool:
    return _synthetic(row) and _BUILDERS.fullmatch(row["source_files"]) is not None


def _synthetic(row: Row) -> bool:
    return row["source_pkg"].startswith(("espeak", "flite"))


def _group(row: Row, builders: bool) -> str:
    real = "synthetic" if _synthetic(row) else "recorded"
    return f"{'builder' if builders else 'own'} {KINDS[kind_of(row)]} {real}"


def _stored(
    rows: Sequence[Row], classes: NDArray[np.int64], own: int, measured: Sequence[Measured]
) -> dict[str, NDArray[Any]]:
    empty = np.zeros((0, WIDTH), np.float32)
    return {
        "clip": np.array([row["file"] for row in rows]),
        "kind": classes,
        "own": np.array(own),
        "looks": np.array([len(one[0]) for one in measured]),
        "known": np.concatenate([empty, *(one[0] for one in measured)]),
        "unknown": np.concatenate([empty, *(one[1] for one in measured)]),
    }


def write_sayings(out: Path, name: str, whole: Sayings, wanted: Sequence[sayings.Text], seed: int) -> None:
    """`<name>.npz` of sayings and its data sheet."""
    arrays = {array: getattr(whole, array) for array in ("mean", "project", "sounds")}
    step = (np.abs(whole.frames).max(axis=0) / 127).astype(np.float32)
    arrays |= {"step": step, "frames": np.round(whole.frames / step).astype(np.int8)}
    arrays |= {"starts": whole.starts.astype(np.int32), "text": whole.text.astype(np.int16)}
    np.savez_compressed(out / f"{name}.npz", **arrays, kind=whole.kind.astype(np.int8))
    languages = sorted({text.language for text in wanted})
    sheet = {
        "model": name,
        "texts": len(wanted),
        "sayings": len(whole.starts),
        "languages": languages,
        "voices": list(sayings.VOICES),
        "command": _COMMAND,
        "seed": seed,
    }
    (out / f"{name}.json").write_text(json.dumps(sheet, indent=2) + "\n", "utf-8")
