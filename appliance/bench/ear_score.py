"""What the ear got right on a labelled set: counts with 95 % Wilson intervals, times, calibration. Pure arithmetic.

Names of labels are the scorer's (`audio.score_label`); the rules are those of the development set's `score.py`: the
last word counts, its time is that of the first row that said it and was not taken back (which way the ear leant before
its final word counts only for "verdict as of"), clips of the label `beep` are
judged by their beep alone.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from audio import ANNOUNCEMENT_LABELS, Kind, Label, Verdict, score_label
from audio.decision import LEANS
from audio.hearing import Hearing

Row = Mapping[str, str]
UNKNOWN, BEEP, ANNOUNCEMENT = "unknown", "beep", "announcement"
AMD_LABELS = ("human", "machine")
AS_OF_S = (2.0, 3.0, 4.0, 6.0, 8.0)
_FROM_ANSWER = frozenset({"human", "machine", "silence"})
_BEEP_SLACK_S = 0.5
_CONFIDENCES = (0.0, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.98, 1.0)
_Z = 1.959964


@dataclass(frozen=True, slots=True)
class Scored:
    """One clip: its row of the manifest, what was said, and when (seconds)."""

    row: Row
    said: str
    confidence: float
    reason: str
    acted: str
    """The final word, which a call is acted upon; a later one only informs."""
    said_at_s: float
    """When the word was first said that then stood."""
    steps: tuple[tuple[float, str], ...]
    beep_s: float | None
    ann_id: str | None

    @property
    def label(self) -> str:
        """The truth."""
        return self.row["label"]

    @property
    def right(self) -> bool:
        """Whether the last word is the truth."""
        return self.said == self.label

    @property
    def true(self) -> bool:
        """Whether what was claimed holds: that something is an announcement, without a name, is true of all of them."""
        return self.right or self.said == ANNOUNCEMENT == group(self.label)

    def as_of(self, second: float) -> str:
        """The word at that time."""
        return next((name for at, name in reversed(self.steps) if at <= second), UNKNOWN)


def truth(label: str) -> str:
    """The scorer's name of a label that may be the box's own (`vacant`, `screening`); busy is the tone."""
    try:
        own = Label(label)
    except ValueError:
        return label
    if own is Label.FAX:
        return label
    spoken = own in ANNOUNCEMENT_LABELS and own not in (Label.BUSY, Label.CONGESTION)
    return score_label(own, Kind.ANNOUNCEMENT if spoken else Kind.TONE)


def judge(row: Row, heard: Hearing | None) -> Scored:
    """One clip's result; None is a file that could not be heard."""
    if heard is None:
        return Scored(row, UNKNOWN, 0.0, "unreadable", UNKNOWN, 0.0, (), None, None)
    steps = _timed(heard.beliefs)
    told = _timed(step for step in heard.steps if step.reason != LEANS)  # known is what was said, not what was believed
    said = told[-1][1]
    since = next((i + 1 for i in reversed(range(len(told))) if told[i][1] != said), 0)
    at = told[since][0]
    acted = next((score_label(step.label, step.kind) for step in heard.steps if step.final), said)
    word = heard.word
    return Scored(
        row, said, word.confidence, word.reason, acted, at, steps, heard.beep_reported_s, heard.announcement_id
    )


def _timed(steps: Iterable[Verdict]) -> tuple[tuple[float, str], ...]:
    return tuple((step.decided_at_ms / 1000, score_label(step.label, step.kind)) for step in steps)


def group(label: str) -> str:
    """Labels of one family count as one: every announcement, every SIT, every fax."""
    return next((family for family in ("announcement", "sit", "fax") if label.startswith(family)), label)


def wilson(right: int, total: int) -> dict[str, Any]:
    """A share with its 95 % interval (Wilson 1927), in per cent."""
    if total == 0:
        return {"n": 0, "right": 0, "percent": None, "low": None, "high": None}
    share = right / total
    middle = share + _Z**2 / (2 * total)
    spread = _Z * math.sqrt(share * (1 - share) / total + _Z**2 / (4 * total**2))
    scale = 1 + _Z**2 / total
    low, high = max(0.0, (middle - spread) / scale), min(1.0, (middle + spread) / scale)
    percent, low_percent, high_percent = (round(100 * value, 2) for value in (share, low, high))
    return {"n": total, "right": right, "percent": percent, "low": low_percent, "high": high_percent}


def share_of(clips: Sequence[Scored], right: Callable[[Scored], bool] = lambda clip: clip.right) -> dict[str, Any]:
    """The share of clips that are right."""
    return wilson(sum(map(right, clips)), len(clips))


def figures(clips: Sequence[Scored]) -> dict[str, Any]:
    """Everything that `callbox bench ear` tells."""
    labelled = [clip for clip in clips if clip.label != BEEP]
    labels = by(labelled, lambda clip: clip.label)
    recalls = [100 * sum(clip.right for clip in some) / len(some) for some in labels.values()]
    return {
        "clips": len(clips),
        "accuracy": share_of(labelled),
        "macro_recall_percent": round(float(np.mean(recalls)), 2) if recalls else None,
        "claims_true": share_of(labelled, lambda clip: clip.true),
        "groups_accuracy": share_of(labelled, lambda clip: group(clip.said) == group(clip.label)),
        "labels": {label: _label(label, some, labelled) for label, some in labels.items()},
        "groups": {
            family: share_of(some, lambda clip: group(clip.said) == group(clip.label))
            for family, some in by(labelled, lambda clip: group(clip.label)).items()
        },
        "amd": _amd(labelled),
        "as_of": {f"{second:g}": _as_of(labelled, second) for second in AS_OF_S},
        "beep": _beep(clips),
        "announcements": _announcements(labelled),
        "split": {name: _split(labelled, key) for name, key in _SPLITS.items()},
        "calibration": calibration(labelled),
        "reasons": {reason: _reason(some) for reason, some in by(labelled, lambda clip: clip.reason).items()},
    }


def by(clips: Iterable[Scored], key: Callable[[Scored], str]) -> dict[str, list[Scored]]:
    """Clips by a key, in its order."""
    found: dict[str, list[Scored]] = defaultdict(list)
    for clip in clips:
        found[key(clip)].append(clip)
    return dict(sorted(found.items()))


def _percentiles(values: Sequence[float]) -> dict[str, float | None]:
    if not values:
        return {"p50_s": None, "p90_s": None}
    p50, p90 = np.percentile(values, [50, 90])
    return {"p50_s": round(float(p50), 3), "p90_s": round(float(p90), 3)}


def _number(text: str | None) -> float:
    return float(text) if text else 0.0


def _label(label: str, clips: Sequence[Scored], everything: Sequence[Scored]) -> dict[str, Any]:
    called = sum(clip.said == label for clip in everything)
    right = [clip for clip in clips if clip.right]
    late = [clip.said_at_s - (0 if label in _FROM_ANSWER else _number(clip.row.get("t_event"))) for clip in right]
    return {
        **share_of(clips),
        "precision_percent": round(100 * len(right) / called, 2) if called else None,
        "false_alarm_percent": round(100 * (called - len(right)) / max(1, len(everything) - len(clips)), 2),
        "latency": _percentiles(late),
        "said": dict(Counter(clip.said for clip in clips).most_common()),
    }


def _amd(clips: Sequence[Scored]) -> dict[str, Any]:
    """People and machines: who was taken for what, and how long it took."""
    people, machines = ([clip for clip in clips if clip.label == label] for label in AMD_LABELS)
    known = [clip for clip in people if clip.right]
    return {
        "accuracy": share_of([*people, *machines]),
        **_taken(people, machines, lambda clip: clip.said),
        "acted": _taken(people, machines, lambda clip: clip.acted),
        "person_known_after_answer": _percentiles([clip.said_at_s for clip in known]),
        "person_known_after_onset": _percentiles([clip.said_at_s - _number(clip.row.get("t_event")) for clip in known]),
        "machine_known_after_answer": _percentiles([clip.said_at_s for clip in machines if clip.right]),
    }


def _taken(people: Sequence[Scored], machines: Sequence[Scored], word: Callable[[Scored], str]) -> dict[str, Any]:
    """Who was taken for what, by one of the words of a clip."""
    return {
        "people_right": share_of(people, lambda clip: word(clip) == "human"),
        "people_called_machine": share_of(people, lambda clip: word(clip) == "machine"),
        "people_unknown": share_of(people, lambda clip: word(clip) == UNKNOWN),
        "machines_right": share_of(machines, lambda clip: word(clip) == "machine"),
        "machines_called_human": share_of(machines, lambda clip: word(clip) == "human"),
        "machines_unknown": share_of(machines, lambda clip: word(clip) == UNKNOWN),
    }


def _as_of(clips: Sequence[Scored], second: float) -> dict[str, Any]:
    """What was right at a time since the phase began."""
    amd = [clip for clip in clips if clip.label in AMD_LABELS]
    people = [clip for clip in amd if clip.label == "human"]

    def right(clip: Scored) -> bool:
        return clip.as_of(second) == clip.label

    return {
        "all": share_of(clips, right),
        "human_machine": share_of(amd, right),
        "people_called_machine": share_of(people, lambda clip: clip.as_of(second) == "machine"),
    }


def _beep(clips: Sequence[Scored]) -> dict[str, Any]:
    found, early, false = [], 0, 0
    with_beep = [clip for clip in clips if clip.row.get("beep_start")]
    for clip in clips:
        if clip.beep_s is None:
            continue
        if not clip.row.get("beep_start"):
            false += 1
        elif clip.beep_s < _number(clip.row["beep_start"]):
            early += 1
        elif clip.beep_s <= _number(clip.row["beep_end"]) + _BEEP_SLACK_S:
            found.append(clip.beep_s - _number(clip.row["beep_end"]))
    return {
        "found": wilson(len(found), len(with_beep)),
        "false_or_early": wilson(false + early, len(clips)),
        "after_end": _percentiles(found),
    }


def _announcements(clips: Sequence[Scored]) -> dict[str, Any]:
    """Announcements by whether they are in the library: named right, left without a name, named wrong."""
    spoken = [clip for clip in clips if group(clip.label) == ANNOUNCEMENT]
    out: dict[str, Any] = {}
    for name, enrolled in (("enrolled", True), ("not_enrolled", False)):
        some = [clip for clip in spoken if (clip.row.get("enrolled") == "1") is enrolled]
        named = [clip for clip in some if group(clip.said) == ANNOUNCEMENT != clip.said]
        right = [clip for clip in named if clip.right]
        out[name] = {
            "named_right": wilson(len(right), len(some)),
            "named_wrong": wilson(len(named) - len(right), len(some)),
            "latency": _percentiles([clip.said_at_s - _number(clip.row.get("t_event")) for clip in right]),
        }
    return out


def _split(clips: Sequence[Scored], key: Callable[[Row], str]) -> dict[str, Any]:
    return {
        name: {"all": share_of(some), "human_machine": share_of([clip for clip in some if clip.label in AMD_LABELS])}
        for name, some in by(clips, lambda clip: key(clip.row)).items()
    }


def _band(column: str, edges: Sequence[float], scale: float = 1.0) -> Callable[[Row], str]:
    """A function that names the band of a column's number; names sort in the order of the bands."""

    def name(row: Row) -> str:
        if not row.get(column):
            return "none"
        value = _number(row[column]) * scale
        above = sum(value >= edge for edge in edges)
        if above == 0:
            return f"{0} below {edges[0]:g}"
        return f"{above} from {edges[above - 1]:g}" + (f" to {edges[above]:g}" if above < len(edges) else "")

    return name


def _sublabel(row: Row) -> str:
    return f"{row['label']}: {(row.get('sublabel') or '-').split('/')[0]}"


_SPLITS: dict[str, Callable[[Row], str]] = {
    "snr_db": _band("snr_db", (10, 15, 20, 25, 30)),
    "level_dbov": _band("level_dbov", (-45, -35, -25, -15)),
    "codec": lambda row: row.get("codec") or "none",
    "mobile_codec": lambda row: row.get("mobile_codec") or "none",
    "loss_percent": _band("plr", (0.01, 1, 2, 3, 4), scale=100),
    "sublabel": _sublabel,
}


def _reason(clips: Sequence[Scored]) -> dict[str, Any]:
    """How sure the ear was for one reason, and how often it was right."""
    mean = float(np.mean([clip.confidence for clip in clips]))
    return {"confidence": round(mean, 4), **share_of(clips, lambda clip: clip.true)}


def calibration(clips: Sequence[Scored]) -> dict[str, Any]:
    """Reliability table and expected calibration error (Naeini 2015) of all words but `unknown`: are they true?"""
    sure = [clip for clip in clips if clip.said != UNKNOWN]
    rows = []
    for low, high in pairwise(_CONFIDENCES):
        some = [clip for clip in sure if low <= clip.confidence < high or (high == clip.confidence == 1.0)]
        if some:
            mean = float(np.mean([clip.confidence for clip in some]))
            rows.append({"confidence": round(mean, 4), **share_of(some, lambda clip: clip.true)})
    error = sum(row["n"] * abs(row["confidence"] - row["right"] / row["n"]) for row in rows) / max(1, len(sure))
    return {"words": len(sure), "expected_error_percent": round(100 * error, 2), "table": rows}
