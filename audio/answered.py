"""Numbers for person or machine: the rhythm of speech since answer, seen three ways, the voice's colour, the noise.

People say little and wait; machines talk on. The rhythm comes from voice activity (`speech.py`), from the foreground
network (`foreground.py`), and softly from the envelope against its own peak. The colour (mean and spread of bands,
flatness, tonality over foreground hops) and the noise before, between and after speech tell recordings apart: they
bring their own noise, which stops when they end.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from audio.features import N_BANDS, Features
from audio.foreground import LOOK_HOPS, Foreground
from audio.speech import Burst, Speech, as_they_are

Array = NDArray[np.float32]
LIMIT_HOPS = 1250
"""Nothing is measured later than this."""
_FOREGROUND_DB, _SOFT_DB = 12.0, 20.0
_BRIDGE_HOPS = 20
_CHUNK_HOPS = 10
_FLOOR_DB = -32.0
_RECENT_HOPS = (30, 60, 100)
_ON, _OFF = 0.6, 0.4
_MIN_SPOKEN_HOPS, _MIN_PAUSE_HOPS = 6, 12
_COLOUR = N_BANDS + 2
_SUMS = 2 * _COLOUR + 7
_MODULATION_HOPS = 200
_hanning = lru_cache(maxsize=_MODULATION_HOPS)(np.hanning)
MIN_SINCE_S = 0.25
"""Sooner after speech began there is nothing to look at."""
_RHYTHM_SIZE = 15
_VIEWS = (0, _RHYTHM_SIZE)
_SOFT = 14
_LIKELY_HOPS = (30, 100, 200)
_SINCE, _TALK, _TRAILING = 2, 6, 8
"""Where in each rhythm the seconds since speech began, of talk, and since its end stand; first those since answer."""
_LEVEL = 2 * _RHYTHM_SIZE + _SOFT + 1 + len(_LIKELY_HOPS) + 2 * _COLOUR
WIDTH = _LEVEL + 15


def since_s(vectors: Array) -> Array:
    """Seconds since speech began of vectors [..., WIDTH], as `AnsweredInputs.onset_hop` has it."""
    active, spoken = vectors[..., _SINCE], vectors[..., _RHYTHM_SIZE + _SINCE]
    begun: Array = np.where(active > 0.02, active, spoken)
    return begun


def level_dbov(vector: Array) -> float:
    """Mean level of the foreground voice."""
    return float(vector[_LEVEL])


def waiting(vector: Array) -> tuple[float, float]:
    """Seconds since the last voice, and of talk, as the view that says more has them."""
    return (
        max(float(vector[view + _TRAILING]) for view in _VIEWS),
        max(float(vector[view + _TALK]) for view in _VIEWS),
    )


@dataclass(slots=True)
class Spoken:
    """What the foreground network had heard up to a hop: bursts, the last one going on while `speaking`."""

    hop: int
    bursts: Sequence[Burst]
    speaking: bool
    tone_hops: int


class AnsweredInputs:
    """Streaming inputs of the answered phase's model: push chunks, then ask for the vectors."""

    def __init__(self, foreground: Foreground | None = None) -> None:
        self._foreground = foreground or Foreground()
        self._hop = 0
        self._spoken = _SpokenTracker()
        self._level = np.zeros(LIMIT_HOPS, np.float32)
        self._sums = np.zeros((LIMIT_HOPS + 1, _SUMS), np.float64)
        self._tail = np.zeros((LOOK_HOPS, N_BANDS + 3), np.float32)
        self._last_bands: Array | None = None
        self._tone_hops = 0

    def push(self, features: Features, tonal_hops: Sequence[int]) -> list[Spoken]:
        """Take chunks of one line, and how many hops of each a generated tone holds; what was heard at their ends."""
        size = features.level_db.shape[1]
        room = (LIMIT_HOPS - self._hop) // _CHUNK_HOPS * _CHUNK_HOPS
        if size > room:
            features, size = features.part(0, room), room
        if size:
            likely = self._foreground.push(features)
            rows = np.concatenate(
                (
                    features.bands_db[0],
                    features.flatness_db[0][:, None],
                    features.first_share[0][:, None],
                    features.band_db[0][:, None],
                ),
                axis=1,
            )
            if self._hop == 0:
                self._tail[:] = rows[0]
            joined = np.concatenate((self._tail, rows))
            self._tail = joined[size:]
            self._measure(joined[:size], likely)
        out = []
        for number, tonal in enumerate(tonal_hops):
            if number * _CHUNK_HOPS < size:
                self._tone_hops += tonal
                self._spoken.push(likely[number * _CHUNK_HOPS : (number + 1) * _CHUNK_HOPS].tolist())
            out.append(self._spoken.state(self._tone_hops))
        return out

    def _measure(self, rows: Array, likely: Array) -> None:
        """Add hops to the running sums: rows [hops, 11] of bands, flatness, tonality and level, as old as `likely`."""
        start, stop = self._hop, self._hop + len(rows)
        level = np.maximum(rows[:, -1], -85)
        colour = rows[:, :-1].copy()
        colour[:, :N_BANDS] -= rows[:, -1:]
        bands = rows[:, :N_BANDS]
        before = bands[:1] if self._last_bands is None else self._last_bands
        flux = np.abs(bands - np.concatenate((before, bands[:-1]))).mean(axis=1)
        self._last_bands = bands[-1:]
        quiet = 1 - likely
        added = np.empty((len(rows), _SUMS), np.float32)
        added[:, 0], added[:, 1], added[:, 2] = likely, likely * level, likely * level * level
        added[:, 3], added[:, 4], added[:, 5] = quiet, quiet * level, quiet * rows[:, N_BANDS]
        added[:, 6] = likely * flux
        added[:, 7 : 7 + _COLOUR] = likely[:, None] * colour
        added[:, 7 + _COLOUR :] = likely[:, None] * colour * colour
        np.cumsum(added, axis=0, dtype=np.float64, out=self._sums[start + 1 : stop + 1])
        self._sums[start + 1 : stop + 1] += self._sums[start]
        self._level[start:stop] = level
        self._hop = stop

    def vector(self, spoken: Spoken, speech: Speech) -> Array:
        """Features [`WIDTH`] of a moment; needs an onset."""
        found: Array = self.vectors([(spoken, speech)])[0]
        return found

    def vectors(self, moments: Sequence[tuple[Spoken, Speech]]) -> Array:
        """Features [n, `WIDTH`] of moments; each needs an onset."""
        out = np.empty((len(moments), WIDTH), np.float32)
        hops = np.array([spoken.hop for spoken, _ in moments])
        sums = self._sums[hops]
        for row, ((spoken, speech), likely) in enumerate(zip(moments, sums[:, 0].tolist(), strict=True)):
            talk = _rhythm(speech.bursts, speech.hop, speech.voiced_hops, speaking=speech.speaking)
            out[row, :_RHYTHM_SIZE] = talk
            out[row, _RHYTHM_SIZE : 2 * _RHYTHM_SIZE] = _rhythm(
                spoken.bursts, spoken.hop, int(likely), speaking=spoken.speaking
            )
        at = 2 * _RHYTHM_SIZE
        out[:, at : at + _SOFT] = _foreground([speech for _, speech in moments])
        at += _SOFT
        begun = np.array([s.bursts[0].start if s.bursts else s.hop for s, _ in moments])
        out[:, at] = sums[:, 0] / np.maximum(1, hops - begun)
        for column, back in enumerate(_LIKELY_HOPS, at + 1):
            before = np.maximum(0, hops - back)
            out[:, column] = (sums[:, 0] - self._sums[before, 0]) / (hops - before)
        at += 1 + len(_LIKELY_HOPS)
        out[:, at:] = self._colour_and_noise(moments, hops, sums)
        return out

    def _colour_and_noise(
        self, moments: Sequence[tuple[Spoken, Speech]], hops: NDArray[np.intp], sums: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        seen = [spoken.bursts or speech.bursts for spoken, speech in moments]
        onset = np.minimum([bursts[0].start for bursts in seen], hops)
        end = np.minimum([bursts[-1].stop + 10 for bursts in seen], hops)
        spoken = np.maximum(1.0, sums[:, :1])
        mean = sums[:, 7 : 7 + _COLOUR] / spoken
        spread = np.sqrt(np.maximum(0.0, sums[:, 7 + _COLOUR :] / spoken - mean * mean))
        level = sums[:, 1] / spoken[:, 0]
        level_spread = np.sqrt(np.maximum(0.0, sums[:, 2] / spoken[:, 0] - level * level))
        quiet = np.maximum(1.0, sums[:, 3])
        upto, until = self._sums[onset], self._sums[end]
        before = _quiet(upto - self._sums[np.maximum(0, onset - 50)], sums[:, 4] / quiet)
        between = _quiet(until - upto, before)
        after = _quiet(sums - until, between)
        levels = [[burst.level_db for burst in speech.bursts] or [0.0] for _, speech in moments]
        numbers: list[ArrayLike] = [
            level,
            level_spread,
            sums[:, 6] / spoken[:, 0],
            level - before,
            level - between,
            level - after,
            between - before,
            after - between,
            after - before,
            sums[:, 5] / quiet,
            [min(spoken.tone_hops, 100) / 100 for spoken, _ in moments],
            *_modulation(self._level, np.maximum(onset, hops - _MODULATION_HOPS), hops),
            [max(each) - min(each) for each in levels],
            [each[-1] - max(each) for each in levels],
        ]
        return np.concatenate((mean, spread, np.array(numbers).T), axis=1)


def onset_hop(spoken: Spoken, speech: Speech) -> int | None:
    """First hop of speech as voice activity has it, else as the foreground network has it."""
    if speech.onset_hop is not None:
        return speech.onset_hop
    return spoken.bursts[0].start if spoken.bursts else None


def _quiet(part: NDArray[np.float64], otherwise: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean level of the quiet hops of stretches [n, sums], where there are some."""
    return np.where(part[:, 3] >= 4, part[:, 4] / np.maximum(part[:, 3], 1.0), otherwise)


def _modulation(level: Array, starts: NDArray[np.intp], stops: NDArray[np.intp]) -> tuple[NDArray[np.float64], ...]:
    """Share [n] of the level's changes slower than 2 Hz, and of those of syllables, 2 to 8 Hz."""
    rows = np.zeros((starts.size, _MODULATION_HOPS), np.float64)
    sizes = stops - starts
    for size in np.unique(sizes[sizes >= 50]).tolist():
        of = np.flatnonzero(sizes == size)
        part = level[starts[of][:, None] + np.arange(size)]
        mean = np.add.reduce(part, axis=1) / np.float32(size)
        rows[of, :size] = (part - mean[:, None]) * _hanning(size)
    power = np.abs(np.fft.rfft(rows, 256, axis=1)) ** 2
    whole = power[:, 2:52].sum(axis=1) + 1e-6
    return power[:, 2:5].sum(axis=1) / whole, power[:, 5:21].sum(axis=1) / whole


class _SpokenTracker:
    """Bursts of foreground speech from its likelihood, with hysteresis."""

    def __init__(self) -> None:
        self.hop = 0
        self.bursts: list[Burst] = []
        self.speaking = False
        self._start = self._last = -1
        self._count = 0

    def state(self, tone_hops: int) -> Spoken:
        """What is known now, and stays as it is."""
        return Spoken(self.hop, as_they_are(self.bursts), self.speaking, tone_hops)

    def push(self, likely: Sequence[float]) -> None:
        for value in likely:
            if value > (_OFF if self._start >= 0 else _ON):
                if self._start < 0:
                    self._start, self._count = self.hop, 0
                self._last = self.hop
                self._count += 1
                if not self.speaking and self._count >= _MIN_SPOKEN_HOPS:
                    self.speaking = True
                    self.bursts.append(Burst(self._start, self.hop + 1, 0.0))
                if self.speaking:
                    self.bursts[-1].stop = self.hop + 1
            elif self._start >= 0 and self.hop - self._last >= _MIN_PAUSE_HOPS:
                self._start, self.speaking = -1, False
            self.hop += 1


def _rhythm(bursts: Sequence[Burst], hops: int, voiced_hops: int, *, speaking: bool) -> list[float]:
    """15 numbers, times in seconds: when, how long, how often, how dense."""
    onset = bursts[0].start if bursts else hops
    lengths = [b.stop - b.start for b in bursts] or [0]
    pauses = [b.start - a.stop for a, b in pairwise(bursts)] or [0]
    since, talk = max(1, hops - onset), sum(lengths)
    trailing = hops - bursts[-1].stop if bursts else 0
    return [
        hops / 100,
        onset / 100,
        since / 100,
        min(lengths[0], 300) / 100,
        min(max(lengths), 500) / 100,
        min(lengths[-1], 500) / 100 if speaking else 0.0,
        talk / 100,
        talk / since,
        min(trailing, 400) / 100,
        float(len(bursts)),
        len(bursts) * 100 / (since + 50),
        sum(pauses) / len(pauses) / 100,
        max(pauses) / 100,
        min(pauses) / 100,
        voiced_hops / since,
    ]


def _foreground(moments: Sequence[Speech]) -> Array:
    """14 numbers [n, 14] of moments, from the envelope of each against its own peak, dB."""
    sizes = np.array([min(speech.hop, len(speech.envelope)) for speech in moments])
    longest = int(sizes.max())
    envelope = np.frombuffer(moments[-1].envelope, np.float32, longest)
    at = np.arange(longest)
    heard = at < sizes[:, None]
    peak = np.maximum.accumulate(envelope)[sizes - 1]
    relative = np.maximum(envelope - peak[:, None], np.float32(_FLOOR_DB))
    relative[~heard] = _FLOOR_DB
    loud = (relative > -_FOREGROUND_DB) & heard
    onset = loud.argmax(axis=1)
    last = longest - 1 - loud[:, ::-1].argmax(axis=1)
    since = sizes - onset
    inside = heard & (at >= onset[:, None])
    mean = np.where(inside, relative, 0.0).sum(axis=1, dtype=np.float64) / since
    spread = np.where(inside, relative - mean[:, None], 0.0)
    out = np.empty((len(moments), _SOFT), np.float32)
    out[:, 0], out[:, 1], out[:, 2] = onset / 100, since / 100, (sizes - 1 - last) / 100
    out[:, 3], out[:, 4], out[:, 5], out[:, 8] = _stretches(loud)
    out[:, 6] = np.count_nonzero(loud, axis=1) / since
    out[:, 7] = np.count_nonzero(inside & (relative > -_SOFT_DB), axis=1) / since
    out[:, 9], out[:, 10] = mean, np.sqrt((spread * spread).sum(axis=1) / since)
    places = np.maximum(sizes[:, None] + np.arange(-_RECENT_HOPS[-1], 0), 0)
    recent = relative[np.arange(len(moments))[:, None], places]
    for column, hops in enumerate(_RECENT_HOPS, 11):
        out[:, column] = np.maximum.reduce(recent[:, -hops:], axis=1)
    return out


def _stretches(loud: NDArray[np.bool_]) -> tuple[NDArray[Any], ...]:
    """Of each row [n, hops] with a mark: how many stretches it has, first, longest, and longest pause (seconds)."""
    rows, places = np.nonzero(loud)
    other = np.diff(rows) > 0
    edges = np.flatnonzero(other | (np.diff(places) > _BRIDGE_HOPS))
    begins = np.concatenate(([0], edges + 1))
    starts, stops, owners = places[begins], places[np.concatenate((edges, [places.size - 1]))], rows[begins]
    lengths = stops - starts + 1
    pauses = np.concatenate(([0], np.where(other[edges], 0, starts[1:] - stops[:-1])))
    firsts = np.searchsorted(owners, np.arange(len(loud)))
    counts = np.diff(np.concatenate((firsts, [owners.size])))
    longest = np.minimum(np.maximum.reduceat(lengths, firsts), 500) / 100
    return counts, np.minimum(lengths[firsts], 300) / 100, longest, np.maximum.reduceat(pauses, firsts) / 100
