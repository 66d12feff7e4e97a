"""Whether a line sounds well enough to be judged by its speech: holes, clipping, loud noise.

Tones survive bad audio and are told by their own detectors. Words about speech, music and silence do not: through holes
a machine that talks on sounds like somebody who says a few words and waits. Doubt is then said as `unknown`.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from audio.labels import Kind, Label
from audio.verdict import Verdict

_WINDOW_CHUNKS = 40
_HOLE_DBOV, _EDGE_DBOV = -73.0, -60.0
_HOLES_PER_S, _FEWER_HOLES_PER_S, _HOLE_SHARE = 8.0, 4.0, 0.3
_CLIPPED = 32000
_CLIPPED_SHARE = 0.1
_LOUD_DBOV = -32.0
_CHUNK_S = 0.1
_BY_EAR = frozenset({Kind.SPEECH, Kind.MUSIC, Kind.SILENCE, Kind.ANNOUNCEMENT})


class LineCondition:
    """Streaming condition of one line over the last 4 s."""

    def __init__(self) -> None:
        self._chunks: deque[tuple[int, int, float, float]] = deque(maxlen=_WINDOW_CHUNKS)
        self._last_db = _HOLE_DBOV

    def push(self, samples: NDArray[np.int16], level_db: NDArray[np.float32], band_db: NDArray[np.float32]) -> None:
        """Take a chunk of 100 ms in: samples [800], and level and speech band's level of its hops [10]."""
        levels: list[float] = level_db.tolist()
        holes = silent = 0
        if min(levels) < _HOLE_DBOV:
            silent = sum(level < _HOLE_DBOV for level in levels)
            steps = pairwise((self._last_db, *levels))  # a hole begins from one hop to the next: no fading
            holes = sum(level < _HOLE_DBOV and before > _EDGE_DBOV for before, level in steps)
        self._last_db = levels[-1]
        clipped = 0.0
        if max(int(samples.max()), -int(samples.min())) >= _CLIPPED:
            clipped = float(np.mean((samples >= _CLIPPED) | (samples <= -_CLIPPED)))
        middle_db = float(sorted(band_db.tolist())[band_db.size // 2])
        self._chunks.append((holes, silent, clipped, middle_db))

    @property
    def torn(self) -> bool:
        """Whether so many holes are in the sound that a fifth of it or more must be lost."""
        count = len(self._chunks)
        if not count:
            return False
        holes, silent, *_ = np.sum(self._chunks, axis=0).tolist()
        rate = holes / max(1.0, count * _CHUNK_S)
        return bool(rate >= _HOLES_PER_S or (rate >= _FEWER_HOLES_PER_S and silent >= _HOLE_SHARE * 10 * count))

    @property
    def clipped(self) -> bool:
        """Whether much of it stands at full scale."""
        return bool(self._chunks) and float(np.mean([chunk[2] for chunk in self._chunks])) >= _CLIPPED_SHARE

    @property
    def loud(self) -> bool:
        """Whether the line is far too loud to be called silent."""
        return bool(self._chunks) and float(np.median([chunk[3] for chunk in self._chunks])) > _LOUD_DBOV

    def temper(self, verdict: Verdict) -> Verdict:
        """The verdict, or `unknown` where the audio does not carry it; a named announcement and a beep stand."""
        if verdict.kind not in _BY_EAR or verdict.label is Label.UNKNOWN or "ann_id" in verdict.evidence:
            return verdict
        reason = self._doubt(verdict.label)
        if reason is None:
            return verdict
        evidence = {**verdict.evidence, "instead_of": str(verdict.label)}
        return replace(verdict, label=Label.UNKNOWN, reason=reason, confidence=0.0, evidence=evidence)

    def _doubt(self, label: Label) -> str | None:
        """Why a word should not be believed. Who speaks, and how, is still heard when the sound is clipped."""
        if label is Label.SILENCE and self.loud:
            return "loud_noise"
        if label in (Label.SILENCE, Label.MUSIC) and self.clipped:
            return "clipped_audio"
        return "torn_audio" if self.torn else None
