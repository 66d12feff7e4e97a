"""Voice activity with an adaptive floor, and what its rhythm says: onset, bursts, pauses, shares.

A hop is voice when its weighted level (`Features.voice_db`) is 7 dB above the floor (the minimum of 1.5 s), within
26 dB of the running peak and above -58 dBov; hops that belong to a generated tone are not voice. Bursts shorter than
90 ms are clicks; pauses shorter than 120 ms do not end a burst.
"""

from array import array
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

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


@dataclass(slots=True)
class Burst:
    """A stretch of voice: hops from the start of the phase, `stop` exclusive, mean level."""

    start: int
    stop: int
    level_db: float


class SpeechTracker:
    """Streaming voice activity of one line."""

    def __init__(self) -> None:
        self.hop = 0
        self.bursts: list[Burst] = []
        """Confirmed bursts in order; the last one grows while `speaking`."""
        self.envelope = array("f")
        """Smoothed level of the first 10 s, one value per hop."""
        self.floor_db = -100.0
        self.peak_db = -100.0
        self.voiced_hops = 0
        self._levels: deque[tuple[int, float]] = deque()
        self._smooth = -100.0
        self._slow = -100.0
        self._start = -1
        self._last_voice = -1
        self._sum_db = 0.0
        self._count = 0
        self._confirmed = False
        self._in_tone = False
        self._zero_hops = 0
        self._since_zero = _LOST_ECHO_HOPS
        self._good_db = -100.0

    @property
    def speaking(self) -> bool:
        """Whether the last burst is still going on."""
        return self._confirmed

    @property
    def onset_hop(self) -> int | None:
        """First hop of the first burst."""
        return self.bursts[0].start if self.bursts else None

    @property
    def trailing_hops(self) -> int:
        """Hops since the last voice; since the start when there was none."""
        return self.hop - (self.bursts[-1].stop if self.bursts else 0)

    def push(self, level_db: Sequence[float], voice_db: Sequence[float], tonal: Sequence[int]) -> list[bool]:
        """Take hops in (`tonal`: hops that a generated tone has lasted, 0 for none); the voice decision of each."""
        out: list[bool] = []
        for plain, weighted, lasted in zip(level_db, voice_db, tonal, strict=True):
            if plain >= _LOST_DBOV and self._since_zero > _LOST_ECHO_HOPS:
                self._good_db = level = weighted
            else:
                level = self._conceal(plain, weighted)
            in_tone = lasted > 0
            if in_tone and not self._in_tone:
                self._withdraw(self.hop - lasted)
            self._in_tone = in_tone
            voice = self._step(level, in_tone)
            if voice or self._start >= 0:
                self._track(voice, level, in_tone)
            out.append(voice)
            self.hop += 1
        return out

    def _conceal(self, plain: float, weighted: float) -> float:
        """The weighted level, or the last good one while packets are lost: short digital silence is no floor."""
        self._zero_hops = self._zero_hops + 1 if plain < _LOST_DBOV else 0
        self._since_zero = 0 if self._zero_hops else self._since_zero + 1
        if self._zero_hops > _LOST_MOST_HOPS or (self._zero_hops == 0 and self._since_zero > _LOST_ECHO_HOPS):
            self._good_db = weighted
        return self._good_db if self.hop else weighted

    def _step(self, level: float, in_tone: bool) -> bool:
        hop, window = self.hop, self._levels
        if hop == 0:
            self._smooth = self._slow = level
        smooth = self._smooth = _SMOOTH * self._smooth + (1 - _SMOOTH) * level
        slow = self._slow = _FLOOR_SMOOTH * self._slow + (1 - _FLOOR_SMOOTH) * level
        if hop < _ENVELOPE_HOPS:
            self.envelope.append(-100.0 if in_tone else smooth)
        while window and window[-1][1] >= slow:
            window.pop()
        window.append((hop, slow))
        if window[0][0] <= hop - _FLOOR_HOPS:
            window.popleft()
        lowest = window[0][1]
        floor = self.floor_db = lowest if hop >= _START_HOPS or lowest < _START_FLOOR_DB else _START_FLOOR_DB
        if hop == _START_HOPS and self.bursts and self.bursts[0].level_db < lowest + _ABOVE_FLOOR_DB:
            self._withdraw(0)  # it never fell: loud noise since the start, not a voice
        if in_tone:
            return False
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
            burst.stop = min(burst.stop, start)
            if burst.stop - burst.start < _MIN_BURST_HOPS:
                self.bursts.pop()
        self._start, self._confirmed = -1, False
