"""Voice activity with an adaptive floor, and what its rhythm says: onset, bursts, pauses, shares.

A hop is voice when its weighted level (`Features.voice_db`) is 7 dB above the floor (the minimum of 1.5 s), within
26 dB of the running peak and above -58 dBov; hops that belong to a generated tone are not voice. Bursts shorter than
90 ms are clicks; pauses shorter than 120 ms do not end a burst.
"""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, replace

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
_ENVELOPE_HOPS = 1000
_FLOOR_SMOOTH = 0.8
_LOST_DBOV = -73.0
_LOST_MOST_HOPS, _LOST_ECHO_HOPS = 8, 3


Levels = NDArray[np.float32]


@dataclass(slots=True)
class Burst:
    """A stretch of voice: hops from the start of the phase, `stop` exclusive, mean level."""

    start: int
    stop: int
    level_db: float


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
        self._smooth = -100.0
        self._start = -1
        self._last_voice = -1
        self._sum_db = 0.0
        self._count = 0
        self._confirmed = False
        self._in_tone = False
        self._zero_hops = 0
        self._since_zero = _LOST_ECHO_HOPS
        self._good_db = -100.0
        self._waiting = _Heard([], [], [], [])
        self._told: tuple[Burst, ...] = ()

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
        bursts, told = self.bursts, self._told
        if len(bursts) != len(told) or (bursts and bursts[-1] != told[-1]):
            self._told = (*bursts[:-1], replace(bursts[-1])) if bursts else ()
        return Speech(
            self.hop, self._told, self.voiced_hops, self._confirmed, self.floor_db, self.peak_db, self.envelope
        )

    def hear(self, level_db: Levels, voice_db: Levels) -> None:
        """Measure the hops [n] that the next pushes take: levels and weighted levels."""
        plain: list[float] = level_db.tolist()
        levels: list[float] = voice_db.tolist()
        if min(plain) < _LOST_DBOV or self._since_zero <= _LOST_ECHO_HOPS:
            levels = [
                self._conceal(one, other, first=self.hop + k == 0)
                for k, (one, other) in enumerate(zip(plain, levels, strict=True))
            ]
        else:
            self._good_db = levels[-1]
        fresh = self.hop == 0
        smooth = levels[0] if fresh else self._smooth
        slow = levels[0] if fresh else float(self._slows[-1])
        smooths, slows = [], []
        for level in levels:
            smooth = _SMOOTH * smooth + (1 - _SMOOTH) * level
            slow = _FLOOR_SMOOTH * slow + (1 - _FLOOR_SMOOTH) * level
            smooths.append(smooth)
            slows.append(slow)
        self._smooth = smooth
        joined = np.concatenate((self._slows, slows))
        self._slows = joined[max(0, joined.size - _FLOOR_HOPS) :]
        lowest = _lowest(joined)[-len(levels) :]
        if self.hop < _START_HOPS:
            early = np.arange(self.hop, self.hop + len(levels)) < _START_HOPS
            floors = np.where(early & (lowest >= _START_FLOOR_DB), _START_FLOOR_DB, lowest)
        else:
            floors = lowest
        self._waiting = _Heard(levels, smooths, lowest.tolist(), floors.tolist())

    def push(self, tonal: Sequence[int]) -> list[bool]:
        """Take the next hops in (`tonal`: hops that a generated tone has lasted, 0 for none); their voice decisions."""
        count, heard = len(tonal), self._waiting
        levels, smooths, lowest, floors = (column[:count] for column in heard.columns())
        for column in heard.columns():
            del column[:count]
        toned = any(tonal)
        if self.hop < _ENVELOPE_HOPS:
            self.envelope.extend(
                [-100.0 if t else s for s, t in zip(smooths, tonal, strict=True)] if toned else smooths
            )
        self.floor_db = floors[-1]
        quiet = self._start < 0 and not toned and not self._in_tone and self.hop > _START_HOPS
        if quiet and not any(s > f + _ABOVE_FLOOR_DB and s > _MIN_DBOV for s, f in zip(smooths, floors, strict=True)):
            self.peak_db = max(self.peak_db - count * _PEAK_DECAY_DB, -100.0)
            self.hop += count
            return [False] * count
        out: list[bool] = []
        for level, smooth, low, floor, lasted in zip(levels, smooths, lowest, floors, tonal, strict=True):
            in_tone = lasted > 0
            if in_tone and not self._in_tone:
                self._withdraw(self.hop - lasted)
            self._in_tone = in_tone
            if self.hop == _START_HOPS and self.bursts and self.bursts[0].level_db < low + _ABOVE_FLOOR_DB:
                self._withdraw(0)  # it never fell: loud noise since the start, not a voice
            voice = not in_tone and self._is_voice(smooth, floor)
            if voice or self._start >= 0:
                self._track(voice, level, in_tone)
            out.append(voice)
            self.hop += 1
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

    def _is_voice(self, smooth: float, floor: float) -> bool:
        faded = self.peak_db - _PEAK_DECAY_DB
        voice = smooth > floor + _ABOVE_FLOOR_DB and smooth > self.peak_db - _BELOW_PEAK_DB and smooth > _MIN_DBOV
        self.peak_db = smooth if voice and smooth > faded else max(faded, -100.0)
        return voice

    def _track(self, voice: bool, level: float, in_tone: bool) -> None:
        if voice:
            if self._start < 0:
                self._start, self._sum_db, self._count = self.hop, 0.0, 0
            self._last_voice = self.hop
            self._sum_db += level
            self._count += 1
            self.voiced_hops += 1
            stop = self.hop + 1
            if not self._confirmed and self._count >= _MIN_BURST_HOPS:
                self._confirmed = True
                self.bursts.append(Burst(self._start, stop, 0.0))
            if self._confirmed:
                burst = self.bursts[-1]
                burst.stop, burst.level_db = stop, self._sum_db / self._count
        elif self._start >= 0 and (in_tone or self.hop - self._last_voice >= _MIN_PAUSE_HOPS):
            self._start, self._confirmed = -1, False

    def _withdraw(self, start: int) -> None:
        """What was taken for voice since hop `start` is none: take it back."""
        if self.bursts and self.bursts[-1].stop > start:
            burst = self.bursts[-1]
            taken = min(burst.stop - start, burst.stop - burst.start)
            self.voiced_hops = max(0, self.voiced_hops - max(0, taken))
            left = replace(burst, stop=min(burst.stop, start))  # anew, for states that were told keep the old one
            self.bursts[-1:] = [left] if left.stop - left.start >= _MIN_BURST_HOPS else []
        self._start, self._confirmed = -1, False


@dataclass(slots=True)
class _Heard:
    """Hops that are measured and not yet taken: level, smoothed level, the lowest of 1.5 s, the floor it makes."""

    levels: list[float]
    smooths: list[float]
    lowest: list[float]
    floors: list[float]

    def columns(self) -> tuple[list[float], ...]:
        return self.levels, self.smooths, self.lowest, self.floors


def _lowest(levels: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of each of the levels [n], the lowest of the last `_FLOOR_HOPS` up to it."""
    out, reach = levels, 1
    while reach < _FLOOR_HOPS:
        step = min(reach, _FLOOR_HOPS - reach)
        nearer = out.copy()
        np.minimum(out[step:], out[:-step], out=nearer[step:])
        out, reach = nearer, reach + step
    return out
