"""Numbers for person or machine: the rhythm of speech since answer, seen three ways, the voice's colour, the noise.

People say little and wait; machines talk on. The rhythm comes from voice activity (`speech.py`), from the foreground
network (`foreground.py`), and softly from the envelope against its own peak. The colour (mean and spread of bands,
flatness, tonality over foreground hops) and the noise before, between and after speech tell recordings apart: they
bring their own noise, which stops when they end.
"""

from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from audio.features import N_BANDS, Features
from audio.foreground import LOOK_HOPS, Foreground
from audio.speech import Burst, SpeechTracker

Array = NDArray[np.float32]
LIMIT_HOPS = 1250
"""Nothing is measured later than this."""
_FOREGROUND_DB, _SOFT_DB = 12.0, 20.0
_BRIDGE_HOPS = 20
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
_SINCE, _TALK, _TRAILING = 2, 6, 8
"""Where in each rhythm the seconds since speech began, of talk, and since its end stand; first those since answer."""
_LEVEL = 2 * _RHYTHM_SIZE + 14 + 4 + 2 * _COLOUR
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


class AnsweredInputs:
    """Streaming inputs of the answered phase's model: push each chunk, then ask for the vector."""

    def __init__(self, foreground: Foreground | None = None) -> None:
        self._foreground = foreground or Foreground()
        self._hop = 0
        self._spoken = _SpokenTracker()
        self._likely = np.zeros(LIMIT_HOPS, np.float32)
        self._level = np.zeros(LIMIT_HOPS, np.float32)
        self._sums = np.zeros((LIMIT_HOPS + 1, _SUMS), np.float64)
        self._tail = np.zeros((LOOK_HOPS, N_BANDS + 3), np.float32)
        self._last_bands: Array | None = None
        self._tone_hops = 0

    def push(self, features: Features, tonal_hops: int) -> None:
        """Take a chunk of one line; `tonal_hops`: how many of its hops a generated tone holds."""
        size = features.level_db.shape[1]
        if self._hop + size > LIMIT_HOPS:
            return
        self._tone_hops += tonal_hops
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
        self._likely[start:stop], self._level[start:stop] = likely, level
        self._spoken.push(likely.tolist())
        self._hop = stop

    def onset_hop(self, speech: SpeechTracker) -> int | None:
        """First hop of speech as voice activity has it, else as the foreground network has it."""
        if speech.onset_hop is not None:
            return speech.onset_hop
        return self._spoken.bursts[0].start if self._spoken.bursts else None

    def vector(self, speech: SpeechTracker) -> Array:
        """Features [`WIDTH`]; needs an onset."""
        spoken = self._spoken
        total = max(1, self._hop - (spoken.bursts[0].start if spoken.bursts else self._hop))
        values = [
            *_rhythm(speech.bursts, speech.hop, speech.voiced_hops, speaking=speech.speaking),
            *_rhythm(spoken.bursts, spoken.hop, int(self._sums[self._hop, 0]), speaking=spoken.speaking),
            *_foreground(np.frombuffer(speech.envelope, np.float32)),
            float(self._sums[self._hop, 0]) / total,
            *(float(self._likely[max(0, self._hop - hops) : self._hop].mean()) for hops in (30, 100, 200)),
            *self._colour_and_noise(speech.bursts),
        ]
        return np.array(values, np.float32)

    def _colour_and_noise(self, bursts: Sequence[Burst]) -> list[float]:
        sums, hop = self._sums, self._hop
        seen = self._spoken.bursts or bursts
        onset, end = min(seen[0].start, hop), min(seen[-1].stop + 10, hop)
        all_ = sums[hop]
        spoken = max(1.0, float(all_[0]))
        mean = all_[7 : 7 + _COLOUR] / spoken
        spread = np.sqrt(np.maximum(0.0, all_[7 + _COLOUR :] / spoken - mean * mean))
        level = float(all_[1]) / spoken
        level_spread = max(0.0, float(all_[2]) / spoken - level * level) ** 0.5
        overall = float(all_[4]) / max(1.0, float(all_[3]))
        before = _quiet(sums[onset] - sums[max(0, onset - 50)], overall)
        between = _quiet(sums[end] - sums[onset], before)
        after = _quiet(all_ - sums[end], between)
        levels = [burst.level_db for burst in bursts] or [0.0]
        return [
            *mean.tolist(),
            *spread.tolist(),
            level,
            level_spread,
            float(all_[6]) / spoken,
            level - before,
            level - between,
            level - after,
            between - before,
            after - between,
            after - before,
            float(all_[5]) / max(1.0, float(all_[3])),
            min(self._tone_hops, 100) / 100,
            *_modulation(self._level[max(onset, hop - _MODULATION_HOPS) : hop]),
            max(levels) - min(levels),
            levels[-1] - max(levels),
        ]


def _quiet(part: NDArray[np.float64], otherwise: float) -> float:
    """Mean level of the quiet hops of a stretch, if there are some."""
    return float(part[4] / part[3]) if part[3] >= 4 else otherwise


def _modulation(level: Array) -> list[float]:
    """Share of the level's changes slower than 2 Hz, and of those of syllables, 2 to 8 Hz."""
    if level.size < 50:
        return [0.0, 0.0]
    power = np.abs(np.fft.rfft((level - level.mean()) * _hanning(level.size), 256)) ** 2
    whole = float(power[2:52].sum()) + 1e-6
    return [float(power[2:5].sum()) / whole, float(power[5:21].sum()) / whole]


class _SpokenTracker:
    """Bursts of foreground speech from its likelihood, with hysteresis."""

    def __init__(self) -> None:
        self.hop = 0
        self.bursts: list[Burst] = []
        self.speaking = False
        self._start = self._last = -1
        self._count = 0

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
    since = max(1, hops - onset)
    trailing = hops - bursts[-1].stop if bursts else 0
    return [
        hops / 100,
        onset / 100,
        since / 100,
        min(lengths[0], 300) / 100,
        min(max(lengths), 500) / 100,
        min(lengths[-1] if speaking else 0, 500) / 100,
        sum(lengths) / 100,
        sum(lengths) / since,
        min(trailing, 400) / 100,
        float(len(bursts)),
        len(bursts) * 100 / (since + 50),
        sum(pauses) / len(pauses) / 100,
        max(pauses) / 100,
        min(pauses) / 100,
        voiced_hops / since,
    ]


def _foreground(envelope: Array) -> list[float]:
    """14 numbers from the envelope [hops], dB, against its own peak."""
    peak = float(envelope.max())
    relative = np.maximum(envelope - np.float32(peak), np.float32(_FLOOR_DB))
    size = relative.size
    loud = np.flatnonzero(relative > -_FOREGROUND_DB)
    onset, last = int(loud[0]), int(loud[-1])
    since = size - onset
    steps = np.diff(loud)
    breaks = steps > _BRIDGE_HOPS
    edges = np.flatnonzero(breaks)
    starts = loud[np.concatenate(([0], edges + 1))]
    stops = loud[np.concatenate((edges, [loud.size - 1]))]
    lengths = stops - starts + 1
    pauses = steps[breaks]
    heard = relative[onset:]
    recent = [float(relative[-hops:].max()) for hops in _RECENT_HOPS]
    return [
        onset / 100,
        since / 100,
        (size - 1 - last) / 100,
        float(lengths.size),
        min(int(lengths[0]), 300) / 100,
        min(int(lengths.max()), 500) / 100,
        loud.size / since,
        float(np.count_nonzero(heard > -_SOFT_DB)) / since,
        float(pauses.max()) / 100 if pauses.size else 0.0,
        float(heard.mean()),
        float(heard.std()),
        *recent,
    ]
