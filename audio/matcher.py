"""Which enrolled announcement a line is playing, said early and taken back when the likeness breaks off.

Bits of the last moments are looked up in the library's index, the least sure of them flipped; an alignment that agrees
over half a second is followed. For each alignment followed the likeness of the slopes in windows of 250 ms tells from
where to where line and entry are the same. A name wants a long unbroken stretch that began where the line or the entry
began (a common ending is no proof), that no entry of another label shares (a common opening is none either), and it is
final once the stretch is long or the entry over. When the stretch breaks before, the name is withdrawn: it was an
announcement with the same opening that nobody has enrolled.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from audio.alignment import ENDED, SLOTS, Line, Run, Track, measure, outlasting
from audio.codes import N_SLOPES, Codes
from audio.fingerprint import Entry, Library

_EVERY = 2
_FLIPS = 3
_CROWD = 400
_CHECK_BACK = np.arange(0, 48, 4)
_ONES = np.ones(_CHECK_BACK.size, np.uint8)
_CHECK_BITS = round(0.31 * _CHECK_BACK.size * N_SLOPES)
_MOST_TRACKS = 8
_SAME_PLACE = 4
_RATES = (0.993, 1.007, 0.986, 1.014)
_BEND_AFTER, _HOPELESS_AFTER, _LONGER = 60, 120, 1.2
_MIN_SPAN, _MIN_SOUND = 178, 95
_SETTLED_SPAN = 500
_MOST_SPAN, _MOST_SHARE = 300, 0.88
_MIN_QUALITY = 0.42
_AFTER_RIVAL = 20
_MIN_WHOLE, _WHOLE_SHARE = 80, 0.8
_MASKED_DB, _MASKED_LEAST_DB, _MASKED_MOST_DB = 2.0, 8.0, 25.0
_CONTRADICTED = 150
_FLIP_SETS = ((np.arange(1 << _FLIPS)[:, None] >> np.arange(_FLIPS)) & 1).astype(np.int64)


@dataclass(frozen=True, slots=True)
class Named:
    """An announcement recognised: which, how alike (0..1), how long, where it began, whether it is final, and over."""

    entry: Entry
    likeness: float
    span_s: float
    offset_s: float
    settled: bool
    ended: bool


class Matcher:
    """Streaming match of one line against a library."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._line = Line()
        self._tracks: list[Track] = []
        self._named: Track | None = None
        self._withdrawn: set[int] = set()
        self._result: Named | None = None
        self._masked_db = -_MASKED_MOST_DB

    @property
    def follows(self) -> bool:
        """Whether a likeness to some entry is being followed that may yet prove it."""
        return any(t.run is not None and t.run.proper and not t.run.ended for t in self._tracks)

    def push(self, codes: Codes, voiced: NDArray[np.bool_], *, headroom_db: float) -> Named | None:
        """Take the codes of some hops, which of them have voice, and how far voice stands above the noise.

        Returns the name that holds now, or None. A name that is not settled may be gone at the next push.
        """
        self._masked_db = -min(max(headroom_db - _MASKED_DB, _MASKED_LEAST_DB), _MASKED_MOST_DB)
        self._line.push(codes, voiced)
        held = self._named
        if voiced.any() and (held is None or held.run is None or held.run.ended):
            self._search(codes.bits, codes.margins)
        if self._tracks:
            self._follow()
        return self._result

    def _search(self, bits: NDArray[np.uint16], margins: NDArray[np.float32]) -> None:
        """Look the new bits up and start to follow what agrees over half a second."""
        line, index = self._line, self._library.index
        if line.bits.size < _CHECK_BACK[-1] + bits.size or len(self._tracks) >= _MOST_TRACKS:
            return
        looked = np.arange(bits.size)[_EVERY - 1 :: _EVERY]
        unsure = np.argpartition(margins[looked], _FLIPS, axis=1)[:, :_FLIPS]
        keys = bits[looked, None] ^ ((1 << unsure) @ _FLIP_SETS.T)
        which, rows = index.find(keys.reshape(-1), _CROWD)
        far = index.place[rows] >= _CHECK_BACK[-1]
        rows, which = rows[far], which[far] // keys.shape[1]
        at = line.bits.size - bits.size + looked
        apart = index.bits[rows[:, None] - _CHECK_BACK] ^ line.bits[at[:, None] - _CHECK_BACK][which]
        wrong = np.bitwise_count(apart) @ _ONES
        good = wrong <= _CHECK_BITS
        if not good.any():
            return
        best = np.flatnonzero(good)[np.argsort(wrong[good], kind="stable")]
        rows, hops = rows[best], at[which[best]] + line.first
        found = zip(index.entry_of[rows].tolist(), rows.tolist(), hops.tolist(), strict=True)
        for entry, row, hop in found:
            if len(self._tracks) >= _MOST_TRACKS:
                break
            if not any(t.entry == entry and abs(t.row_at(hop) - row) <= _SAME_PLACE for t in self._tracks):
                self._tracks.append(Track(entry, row, hop, self._free_slots()[0], born=line.stop))

    def _free_slots(self) -> list[int]:
        taken = {track.slot for track in self._tracks}
        return [slot for slot in range(SLOTS) if slot not in taken]

    def _follow(self) -> None:
        """Measure all tracks anew, drop the dead ones, and see what they say."""
        now = self._line.stop
        open_ = [t for t in self._tracks if t.broke < 0 and not (t.run and t.run.ended)]
        for track, run in zip(open_, self._measure(open_), strict=True):
            track.run = run
            if run is None:
                track.broke = now
            elif not run.proper and now - track.born >= _BEND_AFTER and not track.bent:
                self._bend(track, run)
        self._tracks = [t for t in self._tracks if self._lives(t, now)]
        self._judge()

    def _measure(self, tracks: Sequence[Track]) -> list[Run | None]:
        return measure(self._line, self._library.index, self._masked_db, tracks)

    def _bend(self, track: Track, run: Run) -> None:
        """See whether the line runs a little faster or slower than the entry."""
        track.bent = True
        others = [track.bend(rate, slot) for rate, slot in zip(_RATES, self._free_slots(), strict=False)]
        longer = int(_LONGER * (run.stop - run.start))
        others = outlasting(self._line, self._library.index, self._masked_db, others, run, longer)
        for other, other_run in zip(others, self._measure(others), strict=True):
            if other_run is not None and other_run.stop - other_run.start > _LONGER * (run.stop - run.start):
                track.rate, track.slot, track.known = other.rate, other.slot, other.known
                track.run = run = other_run

    def _lives(self, track: Track, now: int) -> bool:
        if track.broke >= 0:
            return now - track.broke <= _AFTER_RIVAL
        held = self._named
        if track.run is not None and not track.run.proper and (held is None or held.entry != track.entry):
            return now - track.born < _HOPELESS_AFTER
        return track is self._named or track.run is None or not track.run.ended or now - track.run.stop < 2 * ENDED

    def _judge(self) -> None:
        held = self._named
        if held is not None and held.run is not None:
            again = next((t for t in self._tracks if t.entry == held.entry and t.run and t.run.whole), None)
            if again is not None and again is not held and again.run and again.run.stop - again.run.start >= _MIN_SPAN:
                self._named = held = again
        if held is not None:
            if held.run is None or held.run.overrun or self._contradicted(held, held.run):
                self._withdrawn.add(held.entry)
                self._named = self._result = None
            else:
                self._result = self._name(held, held.run)
                return
        best = max(
            (t for t in self._tracks if t.run is not None and self._proves(t, t.run)),
            key=lambda t: t.run.likeness * t.run.sound if t.run else 0.0,
            default=None,
        )
        if best is not None and best.run is not None:
            self._named = best
            self._result = self._name(best, best.run)

    def _contradicted(self, track: Track, run: Run) -> bool:
        """Whether, after an ending only was heard, the line went on with something else than the entry again."""
        if run.whole or not run.ended:
            return False
        since = self._line.voiced[max(0, run.stop + 8 - self._line.first) :]
        alike = any(t.entry == track.entry and t is not track and t.run is not None for t in self._tracks)
        return int(since.sum()) > _CONTRADICTED and not alike

    def _proves(self, track: Track, run: Run) -> bool:
        span = run.stop - run.start
        if not run.proper or run.overrun or run.likeness < _MIN_QUALITY:
            return False
        whole = run.ended and run.whole and span >= _MIN_WHOLE
        enough = span >= _MIN_SPAN and run.sound >= _MIN_SOUND and track.entry not in self._withdrawn
        if not (whole or enough):
            return False
        label = self._library.entries[track.entry].label
        now = self._line.stop
        for rival in self._tracks:
            if self._library.entries[rival.entry].label is label or rival is track:
                continue
            if rival.run is not None and rival.run.proper and rival.run.likeness > run.likeness - 0.15:
                return False
            if rival.broke >= 0 and rival.broke - run.start > 80 and now - rival.broke < _AFTER_RIVAL:
                return False
        return True

    def _name(self, track: Track, run: Run) -> Named:
        span = run.stop - run.start
        first, after = self._library.index.starts[track.entry : track.entry + 2]
        size = after - first
        most = run.whole and span >= _MOST_SPAN and span >= _MOST_SHARE * size / track.rate
        settled = (run.ended and run.whole) or most or span >= _SETTLED_SPAN
        entry = self._library.entries[track.entry]
        begun = track.hop - (track.row - first) / track.rate
        return Named(entry, run.likeness, span * 0.01, begun * 0.01, settled, run.ended)
