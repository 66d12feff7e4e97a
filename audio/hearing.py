"""The ear on a whole file: feed it through, keep all it said, and say which word counts.

The first verdict marked `final` is the word that a call is acted upon. After a final `unknown` the ear may still find
out what answered (reason `late_...`): for a file, where nobody waits, that later word is the file's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from audio import wavio
from audio.config import ListenerConfig
from audio.fingerprint import Library
from audio.labels import Kind, Label, score_label
from audio.listener import Listener, Phase
from audio.verdict import Verdict

SCORE_COLUMNS = ("file", "label", "t", "beep_t", "ann_id")
"""Columns of `score_rows`, for the scorer of the development set."""
_SIDE_EVENTS = frozenset({"digit", "speech_onset", "beep"})
_LATE = "late_"
_MIN_S = 1.0
_CHUNKS_AT_ONCE: dict[Phase, tuple[int, int]] = {"early": (40, 100), "answered": (50, 100)}
"""Of a first pass and of later ones; most answered lines have their word by 5 s, after which little is measured."""


@dataclass(frozen=True, slots=True)
class Hearing:
    """All that was heard in one file: verdicts in the order they came, and the listener's last word."""

    file: str
    verdicts: list[Verdict]
    last: Verdict

    @property
    def steps(self) -> list[Verdict]:
        """Verdicts about what the line is, in time order, up to the one that counts (at least one)."""
        told: list[Verdict] = []
        over = False
        for verdict in self.verdicts:
            if verdict.reason in _SIDE_EVENTS or (over and not verdict.reason.startswith(_LATE)):
                continue
            told.append(verdict)
            over = over or verdict.final
        news = not over or (self.last.reason.startswith(_LATE) and self.last.label is not told[-1].label)
        return [*told, self.last] if news else told

    @property
    def beliefs(self) -> list[Verdict]:
        """What the line was held for, in time order: a doubt that was resolved later changed nothing."""
        *before, word = self.steps
        return [*(step for step in before if step.label is not Label.UNKNOWN), word]

    @property
    def word(self) -> Verdict:
        """The verdict that counts."""
        return self.steps[-1]

    @property
    def beep_end_ms(self) -> int | None:
        """Exact end of the first voicemail beep."""
        beep = self._first("beep_end_ms")
        return None if beep is None else int(beep.evidence["beep_end_ms"])

    @property
    def beep_reported_s(self) -> float | None:
        """When the first voicemail beep was reported."""
        beep = self._first("beep_end_ms")
        return None if beep is None else beep.decided_at_ms / 1000

    @property
    def announcement_id(self) -> str | None:
        """Library entry that was recognised."""
        named = self._first("ann_id")
        return None if named is None else str(named.evidence["ann_id"])

    def _first(self, key: str) -> Verdict | None:
        return next((verdict for verdict in self.verdicts if key in verdict.evidence), None)

    def as_dict(self) -> dict[str, Any]:
        """The object that `callbox detect` prints."""
        word = self.word
        return {
            "file": self.file,
            "label": str(word.label),
            "kind": str(word.kind),
            "confidence": round(word.confidence, 4),
            "decided_at_ms": word.decided_at_ms,
            "reason": word.reason,
            "beep_ms": self.beep_end_ms,
            "announcement_id": self.announcement_id,
            "events": [
                {
                    "t_ms": verdict.decided_at_ms,
                    "kind": str(verdict.kind),
                    "label": str(verdict.label),
                    "reason": verdict.reason,
                    "confidence": round(verdict.confidence, 4),
                    "final": verdict.final,
                    "evidence": dict(verdict.evidence),
                }
                for verdict in self.verdicts
            ],
        }

    def score_rows(self) -> Iterator[list[str]]:
        """Rows of SCORE_COLUMNS in time order; the last one is the word that counts. `t` and `beep_t` in seconds."""
        beep = "" if self.beep_reported_s is None else f"{self.beep_reported_s:.3f}"
        for step in self.beliefs:
            at = f"{step.decided_at_ms / 1000:.3f}"
            yield [self.file, score_label(step.label, step.kind), at, beep, self.announcement_id or ""]


def hear(
    path: Path,
    *,
    name: str,
    phase: Phase,
    country: str | None,
    library: Library | None = None,
    config: ListenerConfig | None = None,
) -> Hearing:
    """All that is heard in one file, in bounded memory. Raises AudioFileError."""
    return hear_blocks(wavio.blocks(path), name=name, phase=phase, country=country, library=library, config=config)


def hear_blocks(
    blocks: Iterable[NDArray[np.int16]],
    *,
    name: str,
    phase: Phase,
    country: str | None,
    library: Library | None = None,
    config: ListenerConfig | None = None,
) -> Hearing:
    """The same for samples that come in blocks of any size."""
    at_once = _CHUNKS_AT_ONCE[phase]
    listener = Listener(country=country, phase=phase, library=library, config=config, chunks_at_once=at_once)
    verdicts: list[Verdict] = []
    size = 0
    for block in blocks:
        size += block.size
        verdicts += listener.push(block)
    verdicts += listener.flush()
    last = listener.finish()
    if size < _MIN_S * wavio.RATE_HZ and last.label is Label.SILENCE:
        last = Verdict(Label.UNKNOWN, Kind.SILENCE, "too_short", 0.0, last.decided_at_ms, final=True)
    return Hearing(name, verdicts, last)
