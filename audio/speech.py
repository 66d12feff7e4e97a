"""Voice activity with an adaptive floor, and what its rhythm says: onset, bursts, pauses, shares.

A hop is voice when its weighted level (`Features.voice_db`) is 7 dB above the floor (the minimum of 1.5 s), within
26 dB of the running peak and above -58 dBov; hops that belong to a generated tone are not voice. Bursts shorter than
90 ms are clicks; pauses shorter than 120 ms do not end a burst.
"""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

_FLOOR_HOPS = 150
_ABOVE_FLOOR_DB = 7.0
_BELOW_PEAK_DB = 26.0
_MIN_DBOV = -58.0
_START_FLOOR_DB, _START_HOPS = -34.0, 30
_PEAK_DECAY_DB = 0.015
_MIN_BURST_HOPS = 9
_MIN_PAUSE_HOPS = 12
_SMOOTH = 0.5
_CHUNK_HOPS = 10
_ENVELOPE_HOPS = 1000
_FLOOR_SMOOTH = 0.8
_LOST_DBOV = -73.0
_LOST_MOST_HOPS, _LOST_ECHO_HOPS = 8, 3
_NO_VOICE = [False] * _CHUNK_HOPS


Levels = NDArray[np.float32]


def _smoother(share: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Of an exponential mean that keeps `share`: what hops give to each [10, 10], and what was before [10]."""
    age = np.arange(_CHUNK_HOPS) - np.arange(_CHUNK_HOPS)[:, None]
    return np.where(age >= 0, (1 - share) * share ** np.maximum(age, 0), 0.0), share ** np.arange(1.0, _CHUNK_HOPS + 1)


_SMOOTHERS = (_smoother(_SMOOTH), _smoother(_FLOOR_SMOOTH))


@dataclass(slots=True)
class Burst:
    """A stretch of voice: hops from the start of the phase, `stop` exclusive, mean level."""

    start: int
    stop: int
    level_db: float


def as_they_are(bursts: Sequence[Burst]) -> tuple[Burst, ...]:
    """Bursts of which the last one may yet grow, kept as they are now."""
    if not bursts:
        return ()
    last = bursts[-1]
    return (*bursts[:-1], Burst(last.start, last.stop, last.level_db))


@dataclass(slots=True)
class Speech:
    """What was said up to a moment.

    bursts      confirmed ones in order; the last one goes on while `speaking`
    envelope    smoothed level of the first 10 s, one value per hop; may reach beyond this moment
    """

    hop: int
    bursts: Sequence[Burst]
    voiced_hops: int
    speaking: bool
    floor_db: float
    peak_db: float
    envelope: "array[float]"

    @property
    def onset_hop(self) -> int | None:
        """First hop of the first burst."""
        return self.bursts[0].start if self.bursts else None


class SpeechTracker:
    """Streaming voice activity of one line: `hear` some chunks at once, then `push` them one by one."""

    def __init__(self) -> None:
        self.hop = 0
        self.bursts: list[Burst] = []
        """Confirmed bursts in order; the last one grows while `speaking`."""
        self.envelope = array("f")
        self.floor_db = -100.0
        self.peak_db = -100.0
        self.voiced_hops = 0
        self._slows = np.zeros(0)
        self._ends = (-100.0, -100.0)
        """The last smoothed levels, quick and slow."""
        self._start = -1
        self._last_voice = -1
        self._sum_db = 0.0
        self._count = 0
        self._confirmed = False
        self._in_tone = False
        self._zero_hops = 0
        self._since_zero = _LOST_ECHO_HOPS
        self._good_db = -100.0
        nothing = np.zeros(0)
        self._heard = _Heard(0, nothing, nothing, nothing, nothing, np.zeros(0, np.bool_))
        self._told: tuple[Burst, ...] | None = ()
        """The bursts as they were told last; None once they changed."""

    @property
    def speaking(self) -> bool:
        """Whether the last burst is still going on."""
        return self._confirmed

    @property
    def onset_hop(self) -> int | None:
        """First hop of the first burst."""
        return self.bursts[0].start if self.bursts else None

    def state(self) -> Speech:
        """What is known now, and stays as it is."""
        told = self._told
        if told is None:
            told = self._told = as_they_are(self.bursts)
        return Speech(self.hop, told, self.voiced_hops, self._confirmed, self.floor_db, self.peak_db, self.envelope)

    def hear(self, level_db: Levels, voice_db: Levels) -> None:
        """Measure the hops [n] that the next pushes take: levels and weighted levels."""
        levels = voice_db.astype(np.float64)
        size = levels.size
        lost = size if float(level_db.min()) < _LOST_DBOV else min(size, max(0, _LOST_ECHO_HOPS + 1 - self._since_zero))
        for hop, (plain, weighted) in enumerate(zip(level_db[:lost].tolist(), levels[:lost].tolist(), strict=True)):
            levels[hop] = self._conceal(plain, weighted, first=self.hop + hop == 0)
        if lost < size:
            self._good_db = float(levels[-1])
        if self.hop == 0:
            self._ends = (float(levels[0]), float(levels[0]))
        smooth, slow = self._smoothed(levels)
        joined = np.concatenate((self._slows, slow))
        self._slows = joined[max(0, joined.size - _FLOOR_HOPS) :]
        lowest = lowest_of(joined, _FLOOR_HOPS)[-size:]
        if self.hop < _START_HOPS:
            early = np.arange(self.hop, self.hop + size) < _START_HOPS
            floors = np.where(early & (lowest >= _START_FLOOR_DB), _START_FLOOR_DB, lowest)
        else:
            floors = lowest
        high = smooth > np.maximum(floors + _ABOVE_FLOOR_DB, _MIN_DBOV)
        self._heard = _Heard(self.hop, levels, smooth, lowest, floors, high)
        self.envelope.frombytes(smooth[: max(0, _ENVELOPE_HOPS - self.hop)].astype(np.float32).tobytes())

    def _smoothed(self, levels: NDArray[np.float64]) -> list[NDArray[np.float64]]:
        """Levels [10 n] smoothed quickly and slowly, each by the decay that its chunk begins with."""
        chunks = levels.reshape(-1, _CHUNK_HOPS)
        out, ends = [], []
        for (within, decay), end in zip(_SMOOTHERS, self._ends, strict=True):
            smooth = chunks @ within
            begins = []
            for last in smooth[:, -1].tolist():
                begins.append(end)
                end = last + decay[-1] * end
            smooth += np.array(begins)[:, None] * decay
            out.append(smooth.reshape(-1))
            ends.append(end)
        self._ends = (ends[0], ends[1])
        return out

    def push(self, tonal: Sequence[int]) -> list[bool]:
        """Take the next ten hops in (`tonal`: hops that a generated tone has lasted, 0 for none).

        Their voice decisions come back, in a list that must not be changed.
        """
        heard, toned = self._heard, any(tonal)
        chunk = (self.hop - heard.first) // _CHUNK_HOPS
        self.floor_db = heard.floors[chunk]
        if not (toned or self._in_tone or self._start >= 0 or heard.loud[chunk]) and self.hop > _START_HOPS:
            self.peak_db = max(self.peak_db - _CHUNK_HOPS * _PEAK_DECAY_DB, -100.0)
            self.hop += _CHUNK_HOPS
            return _NO_VOICE
        if toned and self.hop < _ENVELOPE_HOPS:
            for hop, lasted in enumerate(tonal, self.hop):
                if lasted:
                    self.envelope[hop] = -100.0
        rows = heard.rows(chunk)
        if self.hop == _START_HOPS and self.bursts and self.bursts[0].level_db < rows[0][2] + _ABOVE_FLOOR_DB:
            self._withdraw(0)  # it never fell: loud noise since the start, not a voice
        out: list[bool] = []
        hop, peak, was_in_tone = self.hop, self.peak_db, self._in_tone
        for (level, smooth, _, high), lasted in zip(rows, tonal, strict=True):
            in_tone = lasted > 0
            if in_tone and not was_in_tone:
                self._withdraw(hop - lasted)
            was_in_tone = in_tone
            voice = False
            if not in_tone:
                voice = high and smooth > peak - _BELOW_PEAK_DB
                faded = peak - _PEAK_DECAY_DB
                peak = smooth if voice and smooth > faded else max(faded, -100.0)
            if voice:
                self._sounds(hop, level)
            elif self._start >= 0 and (in_tone or hop - self._last_voice >= _MIN_PAUSE_HOPS):
                self._start, self._confirmed = -1, False
            out.append(voice)
            hop += 1
        self.hop, self.peak_db, self._in_tone = hop, peak, was_in_tone
        return out

    def _conceal(self, plain: float, weighted: float, *, first: bool) -> float:
        """The weighted level, or the last good one while packets are lost: short digital silence is no floor."""
        if plain >= _LOST_DBOV and self._since_zero > _LOST_ECHO_HOPS:
            self._good_db = weighted
            return weighted
        self._zero_hops = self._zero_hops + 1 if plain < _LOST_DBOV else 0
        self._since_zero = 0 if self._zero_hops else self._since_zero + 1
        if self._zero_hops > _LOST_MOST_HOPS or (self._zero_hops == 0 and self._since_zero > _LOST_ECHO_HOPS):
            self._good_db = weighted
        return weighted if first else self._good_db

    def _sounds(self, hop: int, level: float) -> None:
        """A hop of voice: a burst begins, is confirmed or grows."""
        if self._start < 0:
            self._start, self._sum_db, self._count = hop, 0.0, 0
        self._last_voice = hop
        self._sum_db += level
        self._count += 1
        self.voiced_hops += 1
        if not self._confirmed and self._count >= _MIN_BURST_HOPS:
            self._confirmed = True
            self.bursts.append(Burst(self._start, hop + 1, 0.0))
        if self._confirmed:
            self._told = None
            burst = self.bursts[-1]
            burst.stop, burst.level_db = hop + 1, self._sum_db / self._count

    def _withdraw(self, start: int) -> None:
        """What was taken for voice since hop `start` is none: take it back."""
        if self.bursts and self.bursts[-1].stop > start:
            self._told = None
            burst = self.bursts[-1]
            taken = min(burst.stop - start, burst.stop - burst.start)
            self.voiced_hops = max(0, self.voiced_hops - max(0, taken))
            left = replace(burst, stop=min(burst.stop, start))  # anew, for states that were told keep the old one
            self.bursts[-1:] = [left] if left.stop - left.start >= _MIN_BURST_HOPS else []
        self._start, self._confirmed = -1, False


class _Heard:
    """Hops from the `first` on: level, smoothed level, the lowest of 1.5 s, whether above the floor that makes; of each
    chunk whether any is, and the floor at its end."""

    __slots__ = ("_high", "_levels", "_lowest", "_rows", "_smooths", "first", "floors", "loud")

    def __init__(
        self,
        first: int,
        levels: NDArray[np.float64],
        smooths: NDArray[np.float64],
        lowest: NDArray[np.float64],
        floors: NDArray[np.float64],
        high: NDArray[np.bool_],
    ) -> None:
        self.first = first
        self.floors: list[float] = floors[_CHUNK_HOPS - 1 :: _CHUNK_HOPS].tolist()
        self.loud: list[bool] = np.logical_or.reduce(high.reshape(-1, _CHUNK_HOPS), axis=1).tolist()
        self._levels, self._smooths, self._lowest, self._high = levels, smooths, lowest, high
        self._rows: list[tuple[float, float, float, bool]] = []

    def rows(self, chunk: int) -> list[tuple[float, float, float, bool]]:
        """The hops of a chunk; most chunks are never asked for."""
        if not self._rows:
            columns = (self._levels, self._smooths, self._lowest, self._high)
            self._rows = list(zip(*(column.tolist() for column in columns), strict=True))
        return self._rows[chunk * _CHUNK_HOPS : (chunk + 1) * _CHUNK_HOPS]


def lowest_of(levels: NDArray[Any], count: int) -> NDArray[Any]:
    """Of each of the levels [n, ...], the lowest of the last `count` up to it."""
    out, reach = levels, 1
    while reach < count:
        step = min(reach, count - reach)
        nearer = out.copy()
        np.minimum(out[step:], out[:-step], out=nearer[step:])
        out, reach = nearer, reach + step
    return out
