"""Whether a line sounds well enough to be judged by its speech: holes, repeated packets, clipping, loud noise.

Tones survive bad audio and are told by their own detectors. Words about speech, music and silence do not: through holes
a machine that talks on sounds like somebody who says a few words and waits. Doubt is then said as `unknown`.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from statistics import fmean, median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from audio.labels import Kind, Label
from audio.verdict import Verdict

_WINDOW_CHUNKS = 40
_HOLE_DBOV, _EDGE_DBOV = -73.0, -60.0
_LOSSES_PER_S = 3.5
_PACKET, _REPEATED = 160, 0.97
_LOST_SHARE, _LEAST_HEARD = 0.35, 20
_TONAL, _FAINT = 0.8, 1e3
_CLIPPED = 32000
_CLIPPED_SHARE = 0.1
_LOUD_DBOV = -32.0
_CHUNK_S, _HOPS = 0.1, 10
_BY_EAR = frozenset({Kind.SPEECH, Kind.MUSIC, Kind.SILENCE, Kind.ANNOUNCEMENT})

Numbers = NDArray[np.float32]
Chunk = tuple[int, int, float, float, int, int, int]
"""Holes that begin, silent hops, share of samples at full scale, middle level of the speech band, dB; repeats that
begin, hops that say the packet before again, of so many that might."""


class LineCondition:
    """Streaming condition of one line over the last 4 s."""

    def __init__(self) -> None:
        self._chunks: deque[Chunk] = deque(maxlen=_WINDOW_CHUNKS)
        self._last_db = _HOLE_DBOV
        self._last_samples = np.zeros(_PACKET + 1, np.float32)
        self._repeated = False

    def measure(
        self, samples: NDArray[np.int16], level_db: Numbers, band_db: Numbers, first_share: Numbers
    ) -> list[Chunk]:
        """Chunks of 100 ms, to be pushed in turn: samples [800 n], and levels, the speech band's, tonality [10 n]."""
        levels, bands = level_db.reshape(-1, _HOPS), np.sort(band_db.reshape(-1, _HOPS), axis=1)
        count = len(levels)
        holes = silent = np.zeros(count, np.intp)
        if level_db.min() < _HOLE_DBOV:
            before = np.concatenate(([self._last_db], level_db[:-1]))  # a hole begins at once: no fading
            gone = level_db < _HOLE_DBOV
            silent = np.count_nonzero(gone.reshape(-1, _HOPS), axis=1)
            holes = np.count_nonzero((gone & (before > _EDGE_DBOV)).reshape(-1, _HOPS), axis=1)
        self._last_db = float(level_db[-1])
        clipped = np.zeros(count)
        if max(int(samples.max()), -int(samples.min())) >= _CLIPPED:
            clipped = ((samples >= _CLIPPED) | (samples <= -_CLIPPED)).reshape(count, -1).mean(axis=1)
        repeated, lively = self._repeats(samples, first_share < _TONAL)
        begun = repeated & ~np.concatenate(([self._repeated], repeated[:-1]))
        self._repeated = bool(repeated[-1])
        nothing = np.zeros(count, np.intp)
        said_again = [_each_chunk(hops) if hops.any() else nothing for hops in (begun, repeated, lively)]
        columns: list[NDArray[Any]] = [holes, silent, clipped, bands[:, _HOPS // 2], *said_again]
        return list(zip(*(column.tolist() for column in columns), strict=True))

    def _repeats(
        self, samples: NDArray[np.int16], rough: NDArray[np.bool_]
    ) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Hops [n] that say the packet before again, and those that might: not where the sound is a tone, or none.

        Taken is the change from sample to sample, so that the mains, which repeats itself each 20 ms, does not count.
        """
        joined = np.empty(self._last_samples.size + samples.size, np.float32)
        joined[: -samples.size], joined[-samples.size :] = self._last_samples, samples
        self._last_samples = joined[samples.size :]
        hops = (joined[1:] - joined[:-1]).reshape(-1, _PACKET // 2)
        energy = np.einsum("hs,hs->h", hops, hops)
        both = np.einsum("hs,hs->h", hops[2:], hops[:-2])
        lively = rough & (energy[2:] > _FAINT / (1 - _REPEATED))
        alike = both > _REPEATED * np.sqrt(energy[2:] * energy[:-2]) + _FAINT
        return alike & lively, lively

    def push(self, chunk: Chunk) -> None:
        """Take a measured chunk in."""
        self._chunks.append(chunk)

    @property
    def torn(self) -> bool:
        """Whether so much is holes or packets said again that a third of it must be lost; less does no harm.

        What is lost counts only where that begins often: a line may be silent, or a note be held, for long.
        """
        if not self._chunks:
            return False
        holes, silent, _, _, begun, repeated, lively = (sum(column) for column in zip(*self._chunks, strict=True))
        least = _LOSSES_PER_S * max(1.0, len(self._chunks) * _CHUNK_S)
        silent, repeated = silent * (holes >= least), repeated * (begun >= least)
        heard = lively + silent
        return bool(heard >= _LEAST_HEARD and repeated + silent >= _LOST_SHARE * heard)

    @property
    def clipped(self) -> bool:
        """Whether much of it stands at full scale."""
        return bool(self._chunks) and fmean(chunk[2] for chunk in self._chunks) >= _CLIPPED_SHARE

    @property
    def loud(self) -> bool:
        """Whether the line is far too loud to be called silent."""
        return bool(self._chunks) and median(chunk[3] for chunk in self._chunks) > _LOUD_DBOV

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


def _each_chunk(hops: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Of each chunk how many of its hops [10 n] are marked."""
    counts: NDArray[np.intp] = np.count_nonzero(hops.reshape(-1, _HOPS), axis=1)
    return counts
