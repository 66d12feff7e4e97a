"""How alike a line and entries of the library are where they are laid beside each other, and since when.

An alignment (`Track`) says which row of the library sounded at which hop of the line. For all alignments at once the
likeness of the slopes (`codes.py`) is taken in windows of 250 ms; the stretch that holds unbroken up to now counts.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from audio.codes import N_SLOPES, Codes
from audio.fingerprint import SLOPE_SCALE, Index

_HISTORY = 600
_BLOCK, _WINDOW = 5, 5
_MIN_ACTIVE = 12
_ALIKE_SHARE, _ALIKE_LEAST, _ALIKE_MOST = 0.5, 0.22, 0.42
_PATIENCE = 3
_LATE_START = 40
_LOUD_DB = 18.0
_BEFORE, _BEFORE_VOICE = 250, 12
ENDED = 25
"""So many hops after an entry's end it is over."""
_BEHIND = 8
_NOTHING = 1e-3
SLOTS = 16
"""So many tracks find a place beside a line."""


@dataclass(slots=True)
class Run:
    """The unbroken stretch that reaches up to now (or to the entry's end): line hops, hops with sound, likeness.

    whole    it began where the entry begins; `proper`: or where the line began to speak
    ended    the entry is over; `overrun`: and the line spoke on
    """

    start: int
    stop: int
    sound: int
    likeness: float
    whole: bool
    proper: bool
    ended: bool
    overrun: bool


@dataclass(slots=True)
class Track:
    """An alignment: library row `row` sounded at line hop `hop`, rows passing at `rate` a hop.

    `slot` is its place beside the line, and what stands there is known up to hop `known`.
    """

    entry: int
    row: int
    hop: int
    slot: int
    rate: float = 1.0
    born: int = 0
    broke: int = -1
    bent: bool = False
    run: Run | None = None
    known: int = 0

    def row_at(self, hop: int) -> float:
        """The row that sounds at a line hop."""
        return self.row + (hop - self.hop) * self.rate

    def bend(self, rate: float, slot: int) -> "Track":
        """The same alignment at another rate."""
        return Track(self.entry, self.row, self.hop, slot, rate, self.born, self.broke, bent=True)


class Line:
    """The last 6 s of a line: `first` is the hop of row 0; and beside it what tracks' entries are at its hops.

    slopes [rows, 16], their `energy`, bits, and which hops are voiced, and loud voice [rows]: views of longer buffers.
    """

    def __init__(self) -> None:
        self.first = self.stop = 0
        self._buffers: tuple[NDArray[Any], ...] = (
            np.zeros((2 * _HISTORY, N_SLOPES), np.float32),
            np.zeros(2 * _HISTORY, np.float32),
            np.zeros(2 * _HISTORY, np.uint16),
            np.zeros(2 * _HISTORY, np.bool_),
            np.zeros(2 * _HISTORY, np.bool_),
        )
        self._beside = np.zeros((0, 0, 0), np.float32)
        """Of each slot and hop [5, slots, hops]: product of the slopes of line and entry; of the entry its energy and
        its level below its loud hops; of the line its energy where the entry sounds, and where it does not."""
        self._fill = 0
        self.slopes, self.energy, self.bits, self.voiced, self.loud = (buffer[:0] for buffer in self._buffers)

    def push(self, codes: Codes, voiced: NDArray[np.bool_]) -> None:
        """Take hops, and which of them have voice."""
        size = codes.bits.size
        kept = min(self.stop - self.first, _HISTORY - size)
        if self._fill + size > 2 * _HISTORY:
            for buffer in self._buffers:
                buffer[:kept] = buffer[self._fill - kept : self._fill]
            self._beside[:, :, :kept] = self._beside[:, :, self._fill - kept : self._fill]
            self._fill = kept
        rows = slice(self._fill, self._fill + size)
        fresh: tuple[NDArray[Any], ...] = (
            codes.slopes,
            np.einsum("ij,ij->i", codes.slopes, codes.slopes),
            codes.bits,
            voiced,
            voiced & (codes.below_peak_db > -_LOUD_DB),
        )
        for buffer, values in zip(self._buffers, fresh, strict=True):
            buffer[rows] = values
        self._fill += size
        self.stop += size
        self.first = self.stop - kept - size
        last = slice(self._fill - kept - size, self._fill)
        self.slopes, self.energy, self.bits, self.voiced, self.loud = (buffer[last] for buffer in self._buffers)

    def quiet_before(self, start: int) -> bool:
        """Whether nobody spoke before a hop: then the line opened there, else only the rest is common."""
        last = max(0, start - 5 - self.first)
        return int(np.count_nonzero(self.voiced[max(0, last - _BEFORE) : last])) <= _BEFORE_VOICE

    def lay(self, index: Index, spans: Sequence["_Span"]) -> None:
        """Learn what the entries are at the hops that were not seen before; tracks known equally far go together."""
        if not self._beside.size:
            self._beside = np.zeros((5, SLOTS, 2 * _HISTORY), np.float32)
        for known, of in groupby(sorted(spans, key=_known), _known):
            fresh = list(of)
            begin = max(self.first, known or min(math.floor(span.begun) for span in fresh))
            if begin < self.stop:
                tracks = [span.track for span in fresh]
                self.learn(index, tracks, begin, self.stop)
                for track in tracks:
                    track.known = self.stop

    def learn(self, index: Index, tracks: Sequence[Track], begin: int, stop: int) -> None:
        """Learn what the entries are at some hops."""
        rows = _rows(index, tracks, np.arange(begin, stop))
        mine = slice(begin - self.first, stop - self.first)
        theirs = index.slopes_at(rows).astype(np.float32)
        energy, below_db, near = index.levels.take(rows, axis=1)
        laid = np.empty((5, *rows.shape), np.float32)
        np.multiply(np.einsum("hk,nhk->nh", self.slopes[mine], theirs), SLOPE_SCALE, out=laid[0])
        laid[1], laid[2], laid[3] = energy, below_db, self.energy[mine]
        np.multiply(self.energy[mine], self.loud[mine] > near, out=laid[4])
        here = slice(self._fill - (self.stop - begin), self._fill - (self.stop - stop))
        self._beside[:, [track.slot for track in tracks], here] = laid

    def compare(self, spans: Sequence["_Span"], size: int, masked_db: float) -> NDArray[np.float32]:
        """Of each span's last hops product, energy of the line, energy of the entry, whether it sounds [4, n, size].

        Before a span begins the numbers mean nothing.
        """
        ends = [span.track.slot * 2 * _HISTORY + self._fill - (self.stop - span.stop) for span in spans]
        places = np.array(ends)[:, None] + np.arange(-size, 0)
        product, theirs, below_db, mine, elsewhere = self._beside.reshape(5, -1).take(places, axis=1, mode="clip")
        out = np.empty((4, *places.shape), np.float32)
        sound: NDArray[np.bool_] = np.greater(below_db, masked_db)
        np.multiply(product, sound, out=out[0])
        out[1] = np.where(sound, mine, elsewhere)
        np.multiply(theirs, sound, out=out[2])
        out[3] = sound
        return out


@dataclass(slots=True)
class _Span:
    """Line hops `begin` to `stop` of a track, whole blocks; the entry begins at `begun` and is over at `over`."""

    place: int
    track: Track
    begin: int
    stop: int
    begun: float
    over: int


def measure(line: Line, index: Index, masked_db: float, tracks: Sequence[Track]) -> list[Run | None]:
    """Of each track the stretch up to now over which line and entry are alike; None where they are not (any more).

    `masked_db`: what lies so far below an entry's loud hops cannot be heard on this line.
    """
    out: list[Run | None] = [None] * len(tracks)
    spans = [span for place, track in enumerate(tracks) if (span := _span(line, index, place, track)) is not None]
    if not spans:
        return out
    line.lay(index, spans)
    size = max(span.stop - span.begin for span in spans)
    total, likeness, active = _alike(line, spans, size, masked_db)
    outside = [(size - (span.stop - span.begin)) // _BLOCK for span in spans]
    bad = _bad(likeness, active, np.array(outside))
    last_bad: list[int] = (bad.shape[1] - 1 - bad[:, ::-1].argmax(axis=1)).tolist()
    broken: list[bool] = np.logical_or.reduce(bad, axis=1).tolist()
    for row, span in enumerate(spans):
        if not (broken[row] and last_bad[row] == bad.shape[1] - 1):
            start = last_bad[row] + 2 if broken[row] else outside[row]
            begin = span.begin + (start - outside[row]) * _BLOCK
            out[span.place] = _run(line, span, begin, (total[:, row, -1] - total[:, row, start]).tolist())
    return out


def outlasting(line: Line, index: Index, masked_db: float, tracks: Sequence[Track], run: Run, hops: int) -> list[Track]:
    """The tracks that may be alike for longer than the last `hops`, where another is only for those of `run`.

    Most break off where the other does; a look at the hops around there, which is cheaper than to measure, drops them.
    """
    spans = [span for track in tracks if (span := _span(line, index, 0, track)) and span.stop - span.begin > hops]
    if not spans:
        return []
    blocks = hops // _BLOCK + _WINDOW - 1
    size = (blocks - (run.stop - run.start) // _BLOCK + _WINDOW) * _BLOCK
    for span in spans:
        span.begin = span.stop - blocks * _BLOCK
        span.stop = span.begin + size
    begin, stop = min(span.begin for span in spans), max(span.stop for span in spans)
    if begin < line.first or stop > line.stop:
        return list(tracks)
    line.learn(index, [span.track for span in spans], begin, stop)
    _, likeness, active = _alike(line, spans, size, masked_db)
    bad = _lasting((likeness < _ALIKE_LEAST) & active)
    lasting = np.logical_or.reduce(bad[:, _PATIENCE - 1 :], axis=1).tolist()
    return [span.track for span, broken in zip(spans, lasting, strict=True) if not broken]


def _alike(
    line: Line, spans: Sequence["_Span"], size: int, masked_db: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    """Of each span's last hops the sums up to each block [4, n, blocks + 1], and of windows of five blocks [n, windows]
    how alike line and entry are, and whether there is enough sound to say so."""
    hops = line.compare(spans, size, masked_db).reshape(4, len(spans), -1, _BLOCK)
    blocks = hops[..., 0] + hops[..., 1]  # so few numbers each are added up column by column five times as fast
    for hop in range(2, _BLOCK):
        blocks += hops[..., hop]
    total = np.zeros((4, len(spans), blocks.shape[2] + 1))
    np.cumsum(blocks, axis=2, out=total[:, :, 1:])
    product, mine, theirs, sound = total[:, :, _WINDOW:] - total[:, :, :-_WINDOW]
    return total, product / np.sqrt(mine * theirs + _NOTHING), sound >= _MIN_ACTIVE


def _span(line: Line, index: Index, place: int, track: Track) -> _Span | None:
    first, last = index.starts[track.entry : track.entry + 2]
    begun = track.hop + (first - track.row) / track.rate
    over = track.hop + int((last - track.row) / track.rate)
    stop = min(line.stop, over)
    size = (stop - max(line.first, math.ceil(begun))) // _BLOCK * _BLOCK
    if size < _BLOCK * (_WINDOW + _PATIENCE):
        return None
    return _Span(place, track, stop - size, stop, begun, over)


def _known(span: _Span) -> int:
    return span.track.known


def _rows(index: Index, tracks: Sequence[Track], hops: NDArray[np.intp]) -> NDArray[np.intp]:
    """The rows [tracks, hops] of the entries that sound at line hops; an entry's ends where it does not."""
    if all(track.rate == 1.0 for track in tracks):
        rows = np.array([[track.row - track.hop] for track in tracks]) + hops
    else:
        anchors = np.array([(track.hop, track.rate, track.row) for track in tracks]).T[:, :, None]
        rows = np.rint((hops - anchors[0]) * anchors[1] + anchors[2]).astype(np.intp)
    first = [index.starts[track.entry] for track in tracks]
    last = [index.starts[track.entry + 1] - 1 for track in tracks]
    if any(row < least for row, least in zip(rows[:, 0].tolist(), first, strict=True)):
        np.maximum(rows, np.array(first)[:, None], out=rows)
    if any(row > most for row, most in zip(rows[:, -1].tolist(), last, strict=True)):
        np.minimum(rows, np.array(last)[:, None], out=rows)
    return rows


def _bad(likeness: NDArray[np.float64], active: NDArray[np.bool_], outside: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Windows [tracks, windows] that are not alike, or that follow two such; the first `outside` are none at all."""
    places = np.arange(likeness.shape[1])
    inside = places >= outside[:, None]
    active = active & inside
    counts = np.add.reduce(active, axis=1, dtype=np.intp)
    ranked = np.sort(np.where(active, likeness, np.inf), axis=1)
    usual = ranked[np.arange(len(ranked)), 3 * counts // 4]
    least = np.minimum(np.maximum(_ALIKE_SHARE * usual, _ALIKE_LEAST), _ALIKE_MOST)
    bad = np.logical_and(likeness < least[:, None], active)
    lasting = _lasting(bad)
    late = places >= outside[:, None] + (_PATIENCE - 1)
    return np.where(late, lasting, bad)


def _lasting(bad: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which windows [tracks, windows] are bad and follow `_PATIENCE - 1` such; the first ones as many as there are."""
    lasting = bad.copy()
    for before in range(1, _PATIENCE):
        lasting[:, before:] &= bad[:, :-before]
    return lasting


def _run(line: Line, span: _Span, start: int, rest: list[float]) -> Run:
    whole = start - span.begun <= _LATE_START
    ended = line.stop - span.over >= ENDED
    overrun = False
    if ended:
        behind = line.voiced[span.over + _BEHIND - line.first : span.over + _BEHIND + ENDED - line.first]
        overrun = bool(2 * np.count_nonzero(behind) > behind.size)
    quality = rest[0] / math.sqrt(rest[1] * rest[2] + _NOTHING)
    proper = whole or line.quiet_before(start)
    return Run(start, span.stop, int(rest[3]), quality, whole, proper, ended, overrun)
