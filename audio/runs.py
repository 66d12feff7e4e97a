"""Tone runs: stretches of audio in which one steady tone, or one pair of tones, carries nearly all power.

Feed the front end's numbers hop by hop; runs come out with times good to about 5 ms. Short drop-outs (lost packets)
do not end a run, a frequency jump does. Everything that looks for tones (cadence, SIT, fax, beep) works on runs.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

_ON_SHARE = 0.72
_PAIR_SHARE = 0.84
_PAIR_SECOND = 0.06
_EVEN_SHARE, _EVEN_SECOND, _EVEN_HZ = 0.74, 0.25, (330.0, 700.0)
"""Two even tones of call-progress pitch may hold less: noise takes from both, and a voice has no such pair for long."""
_JUMP_HZ = 45.0
_JUMP = 0.04
_BRIDGE_HOPS = 5
_MIN_DBOV = -58.0
_MIN_HOPS = 4
_DROP_DB, _PEAK_FALL_DB = 10.0, 0.5
_EDGE_DB = 3.0
_MIN_HZ = 290.0
_BEFORE_HOPS = 4
_PAIR_HOPS, _PAIR_BY_HOPS = 5, 9
_GENERATED_HOPS, _GENERATED_DRIFT, _GENERATED_SHARE = 12, 0.006, 0.85
_BEATING_HOPS, _BEATING_DRIFT, _BEATING_SHARE = 20, 0.06, 0.88
_DRIFT_MEMORY = 0.85
_MARGIN = 0.001
_HOP_S = 0.010
_CENTRE_S = 0.006
"""A hop ends 10 ms after it begins and its window's centre lies 16 ms before that: 6 ms before the hop."""

Numbers = NDArray[np.float32]


@dataclass(slots=True)
class Run:
    """One tone run; times in seconds from the start of the phase.

    hz        median frequency of the stronger tone (of the lower of a pair)
    pair_hz   that of the upper tone of a pair, 0 for a single tone
    wander    median relative deviation of the frequency: tells a generated tone from a held vowel
    share     mean share of the band's power in the tone or pair, 0..1
    level_db  band level of the run, dBov
    rise_db   how far the run stands above what came before it
    """

    start_s: float
    stop_s: float
    hz: float
    pair_hz: float
    wander: float
    share: float
    level_db: float
    rise_db: float
    open: bool

    @property
    def length_s(self) -> float:
        """Duration in seconds."""
        return self.stop_s - self.start_s


@dataclass(slots=True)
class _Building:
    first_hop: int
    hz: float
    pair_hz: float
    before_db: float
    peak_db: float = -100.0
    levels: list[float] = field(default_factory=list)
    lows: list[float] = field(default_factory=list)
    highs: list[float] = field(default_factory=list)
    shares: list[float] = field(default_factory=list)
    missing: int = 0
    pairs_in_a_row: int = 0
    drift: float = 0.02
    purity: float = 0.8

    def generated(self, *, beating: bool) -> bool:
        """Whether this can hardly be a voice: a held frequency, or (if `beating`) a long pure buzz."""
        hops = len(self.levels)
        if hops >= _GENERATED_HOPS and self.drift < _GENERATED_DRIFT and self.purity > _GENERATED_SHARE:
            return True
        return beating and hops >= _BEATING_HOPS and self.drift < _BEATING_DRIFT and self.purity > _BEATING_SHARE

    def fits(self, first_hz: float, second_hz: float, paired: bool) -> bool:
        if _near(first_hz, self.hz) or (self.pair_hz > 0 and _near(first_hz, self.pair_hz)):
            return True
        return paired and (_near(second_hz, self.hz) or (self.pair_hz > 0 and _near(second_hz, self.pair_hz)))


def may_sound(
    band_db: Numbers, first_hz: Numbers, first_share: Numbers, second_share: Numbers, *, beating: bool
) -> NDArray[np.bool_]:
    """Of hops in any shape, those in which a tone might sound: a little more than the tracker takes."""
    both = first_share + second_share
    pair = (second_share > _PAIR_SECOND - _MARGIN) & (both > _PAIR_SHARE - _MARGIN)
    if beating:
        pair |= (second_share > _EVEN_SECOND - _MARGIN) & (both > _EVEN_SHARE - _MARGIN)
    possible: NDArray[np.bool_] = (band_db > _MIN_DBOV) & (first_hz >= _MIN_HZ)
    possible &= pair | (first_share > _ON_SHARE - _MARGIN)
    return possible


class RunTracker:
    """Streaming segmenter of one line; `beating` lets modulated and double tones count as generated."""

    def __init__(self, *, beating: bool) -> None:
        self._beating = beating
        self._now: _Building | None = None
        self._hop = 0
        self._recent_db: deque[float] = deque(maxlen=_BEFORE_HOPS)
        self._current: Run | None = None

    @property
    def current(self) -> Run | None:
        """The run that is sounding now, if it is long enough to be one."""
        if self._now is None or len(self._now.levels) < _MIN_HOPS:
            return None
        if self._current is None:
            self._current = _describe(self._now, still_open=True)
        return self._current

    @property
    def idle(self) -> bool:
        """Whether no tone sounds, so that hops in which none can may be skipped."""
        return self._now is None

    def skip(self, band_db: Sequence[float]) -> None:
        """Take hops in which no tone can sound."""
        self._current = None
        self._recent_db.extend(band_db)
        self._hop += len(band_db)

    def push(
        self,
        band_db: Sequence[float],
        first_hz: Sequence[float],
        first_share: Sequence[float],
        second_hz: Sequence[float],
        second_share: Sequence[float],
    ) -> tuple[list[Run], list[int]]:
        """Runs that ended in these hops, and for each hop how many hops a generated tone has lasted (0: none)."""
        closed: list[Run] = []
        tonal: list[int] = []
        self._current = None
        for level, f1, s1, f2, s2 in zip(band_db, first_hz, first_share, second_hz, second_share, strict=True):
            pair = s2 >= _PAIR_SECOND and (s1 + s2 >= _PAIR_SHARE or (self._beating and _even(f1, s1, f2, s2)))
            sounding = level > _MIN_DBOV and f1 >= _MIN_HZ and (s1 >= _ON_SHARE or pair)
            if sounding or self._now is not None:
                self._step(level, f1, s1, f2, s2, sounding, pair, closed)
            run = self._now
            pure = run is not None and run.missing == 0 and run.generated(beating=self._beating)
            tonal.append(len(run.levels) if run is not None and pure else 0)
            self._recent_db.append(level)
            self._hop += 1
        return closed, tonal

    def _step(
        self, level: float, f1: float, s1: float, f2: float, s2: float, sounding: bool, pair: bool, closed: list[Run]
    ) -> None:
        run = self._now
        if run is not None:
            if sounding and level > run.peak_db - _DROP_DB and run.fits(f1, f2, pair):
                self._add(run, level, f1, s1, f2, s2, pair)
                return
            run.missing += 1
            elsewhere = sounding and level > run.peak_db - _DROP_DB and run.missing >= 3
            if run.missing <= _BRIDGE_HOPS and not elsewhere:
                return
            self._close(closed)
        if sounding:
            before = min(self._recent_db, default=-100.0)
            if run is not None:
                before = min(before, run.before_db)  # one sound went over into the other
            started = _Building(self._hop, f1, 0.0, before)
            self._add(started, level, f1, s1, f2, s2, pair)
            self._now = started

    def _add(self, run: _Building, level: float, f1: float, s1: float, f2: float, s2: float, pair: bool) -> None:
        filler = run.levels[-1] if run.levels else level
        run.levels.extend([min(filler, level)] * run.missing)
        lost, run.missing = run.missing, 0
        run.levels.append(level)
        run.peak_db = max(run.peak_db - _PEAK_FALL_DB * (1 + lost), level)
        error = min(abs(f1 - run.hz) / run.hz, abs(f1 - run.pair_hz) / run.hz)
        run.drift = _DRIFT_MEMORY * run.drift + (1 - _DRIFT_MEMORY) * min(error, 0.2)
        run.purity = _DRIFT_MEMORY * run.purity + (1 - _DRIFT_MEMORY) * (s1 + s2 if pair else s1)
        low, high = (f1, f2) if f1 < f2 else (f2, f1)
        run.shares.append(s1 + s2 if pair else s1)
        run.pairs_in_a_row = run.pairs_in_a_row + 1 if pair else 0
        becomes_pair = run.pairs_in_a_row >= _PAIR_HOPS and len(run.levels) <= _PAIR_BY_HOPS
        if pair and (run.pair_hz > 0 or becomes_pair):
            run.lows.append(low)
            run.highs.append(high)
            run.hz, run.pair_hz = low, high
        else:
            run.lows.append(f1)
            if run.pair_hz == 0:
                run.hz += 0.2 * (f1 - run.hz)

    def _close(self, closed: list[Run]) -> None:
        run = self._now
        self._now = None
        if run is not None and len(run.levels) >= _MIN_HOPS:
            closed.append(_describe(run, still_open=False))


def _even(first_hz: float, first_share: float, second_hz: float, second_share: float) -> bool:
    least, most = _EVEN_HZ
    strong = second_share >= _EVEN_SECOND and first_share + second_share >= _EVEN_SHARE
    return strong and least <= first_hz <= most and least <= second_hz <= most


def _near(a: float, b: float) -> bool:
    return abs(a - b) <= max(_JUMP_HZ, _JUMP * b)


def _describe(run: _Building, *, still_open: bool) -> Run:
    levels = run.levels
    steady = sorted(levels)[len(levels) * 3 // 4]
    least, first, last = steady - _EDGE_DB, 0, len(levels) - 1
    while levels[first] <= least:
        first += 1
    while levels[last] <= least:
        last -= 1
    paired = 2 * len(run.highs) > len(run.shares)
    hz = _median(run.lows)
    return Run(
        start_s=max(0.0, (run.first_hop + first) * _HOP_S - _CENTRE_S - _HOP_S / 2),
        stop_s=(run.first_hop + last) * _HOP_S - _CENTRE_S + _HOP_S / 2,
        hz=hz,
        pair_hz=_median(run.highs) if paired else 0.0,
        wander=_median([abs(f - hz) for f in run.lows[2:-2] or run.lows]) / hz,
        share=sum(run.shares) / len(run.shares),
        level_db=steady,
        rise_db=steady - run.before_db,
        open=still_open,
    )


def _median(values: list[float]) -> float:
    """As `statistics.median`, which takes its time."""
    ranked = sorted(values)
    middle = len(ranked) // 2
    return ranked[middle] if len(ranked) % 2 else (ranked[middle - 1] + ranked[middle]) / 2
