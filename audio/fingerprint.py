"""Announcements known by their sound: landmark pairs of spectral peaks, matched with coverage.

A landmark is a local maximum of the spectrogram (31 Hz x 10 ms); a hash joins two landmarks (both frequencies and
their distance in time). A call's hashes vote for (entry, time offset). An entry is named when it collects enough
votes of its own at one offset and those votes cover what was heard without a long hole, so that a common opening
("the number you have dialled ...") shared by many entries names none of them.

A library is a folder with `library.csv` (columns ann_id, label, file) and the audio it names; `enrolment.py` writes it.
"""

import csv
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from audio import wavio
from audio.features import HOP, FrontEnd
from audio.labels import Label, announcement_label

_LOW_BIN, _HIGH_BIN = 8, 108
_BINS = _HIGH_BIN - _LOW_BIN
_NOTHING_DB = -120.0
_FREQ_REACH, _TIME_REACH = 4, 5
_BELOW_MAX_DB = 35.0
_MIN_DB = -75.0
_DECAY_DB = 0.1
_PER_HOP = 3
_FAN_OUT = 5
_MIN_LAG, _MAX_LAG = 2, 40
_MIN_VOTES = 25
_MIN_SHARE = 0.08
_LEAD = 1.6
_MAX_HOLE_HOPS = 80
_MIN_SPAN_HOPS = 110
_SLACK = (-1, 0, 1)
_PUSHES_AT_ONCE = 2
_OFFSETS = 4096
_PUSHES = 200
_MAX_HOPS = 3000

Landmark = tuple[int, int]
"""(hop, bin)."""


class LibraryError(ValueError):
    """A library that cannot be read or an enrolment that cannot be made; the message says which and why."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One enrolled announcement."""

    ann_id: str
    label: Label


class _Picker:
    """Streaming landmark picker over log spectra."""

    def __init__(self) -> None:
        self._rows = np.full((2 * _TIME_REACH, _BINS + 2 * _FREQ_REACH), _NOTHING_DB, np.float32)
        self._hop = -_TIME_REACH
        self._peak_db = -60.0

    def push(self, spectrum_db: NDArray[np.float32], *, parts: int = 1, quiet: bool = False) -> list[Landmark]:
        """Landmarks of log spectra [hops, 129]; they come `_TIME_REACH` hops late. None are looked for when `quiet`.

        What is too soft to count follows the loudest peak so far, which is looked for in each of `parts` anew.
        """
        hops = spectrum_db.shape[0]
        rows = np.full((hops + 2 * _TIME_REACH, _BINS + 2 * _FREQ_REACH), _NOTHING_DB, np.float32)
        rows[: 2 * _TIME_REACH] = self._rows
        new = rows[2 * _TIME_REACH :, _FREQ_REACH:-_FREQ_REACH]
        new[:] = spectrum_db[:, _LOW_BIN:_HIGH_BIN]
        self._rows = rows[hops:]
        softest = np.empty((parts, hops // parts, 1), np.float32)
        for part, loudest in enumerate(new.reshape(parts, -1).max(axis=1).tolist()):
            self._peak_db = max(self._peak_db - _DECAY_DB * hops / parts, loudest)
            softest[part] = max(self._peak_db - _BELOW_MAX_DB, _MIN_DB)
        first_hop, self._hop = self._hop, self._hop + hops
        if quiet:
            return []
        centre = rows[_TIME_REACH:-_TIME_REACH, _FREQ_REACH:-_FREQ_REACH]
        highest = np.maximum(
            _highest_in_9(rows[_TIME_REACH:-_TIME_REACH].T).T, _highest_in_11(rows[:, _FREQ_REACH:-_FREQ_REACH])
        )
        hits = (centre >= highest) & (centre > softest.reshape(hops, 1))
        hop, tone = np.nonzero(hits)
        by_level = np.lexsort((-centre[hop, tone], hop))
        place_in_hop = np.arange(hop.size) - np.searchsorted(hop, hop)
        kept = np.sort(by_level[place_in_hop < _PER_HOP])
        return list(zip((hop[kept] + first_hop).tolist(), tone[kept].tolist(), strict=True))


def _highest_in_9(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Maximum of each 9 neighbours along the first axis: [n + 8, m] -> [n, m]."""
    two = np.maximum(rows[:-1], rows[1:])
    four = np.maximum(two[:-2], two[2:])
    return np.maximum(np.maximum(four[:-5], four[4:-1]), rows[8:])


def _highest_in_11(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Maximum of each 11 neighbours along the first axis: [n + 10, m] -> [n, m]."""
    two = np.maximum(rows[:-1], rows[1:])
    four = np.maximum(two[:-2], two[2:])
    return np.maximum(np.maximum(four[:-7], four[4:-3]), four[7:])


def _hashes(landmarks: Iterable[Landmark], history: list[Landmark]) -> list[tuple[int, int]]:
    """(hash, hop of the later landmark) of each new landmark with the ones before it; extends `history`."""
    out: list[tuple[int, int]] = []
    for hop, tone in landmarks:
        paired = 0
        for earlier_hop, earlier_tone in reversed(history):
            lag = hop - earlier_hop
            if lag > _MAX_LAG or paired >= _FAN_OUT:
                break
            if lag >= _MIN_LAG:
                out.append((((earlier_tone << 7) | tone) << 6 | lag, hop))
                paired += 1
        history.append((hop, tone))
    del history[:-60]
    return out


@dataclass(frozen=True, slots=True)
class _Table:
    """All hashes of a library in order, and where each was enrolled: `keys`, `entry` and `hop`, int32 [n]."""

    keys: NDArray[np.int32]
    entry: NDArray[np.int32]
    hop: NDArray[np.int32]

    def find(self, keys: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """(which of `keys`, row of the table) of each place where a hash, or one a hop longer or shorter, stands."""
        first = np.searchsorted(self.keys, keys - 1, "left")
        counts = np.searchsorted(self.keys, keys + 1, "right") - first
        which = np.repeat(np.arange(keys.size), counts)
        rows = np.arange(which.size) + np.repeat(first - (np.cumsum(counts) - counts), counts)
        return which, rows


@dataclass(slots=True)
class Library:
    """Enrolled announcements and the index of their hashes."""

    entries: list[Entry] = field(default_factory=list)
    _hashes: list[NDArray[np.int32]] = field(default_factory=list)
    _table: _Table | None = None

    def enrol(self, samples: NDArray[np.int16], ann_id: str, label: Label) -> None:
        """Add one announcement from samples [n] (at least 1 s). Raises LibraryError."""
        if samples.size < wavio.RATE_HZ:
            raise LibraryError(f"{ann_id}: an announcement must be at least 1 s long")
        if any(e.ann_id == ann_id for e in self.entries):
            raise LibraryError(f"{ann_id}: already enrolled")
        whole = samples[: min(samples.size // HOP, _MAX_HOPS) * HOP]
        padded = np.concatenate((whole, np.zeros(HOP * _TIME_REACH, np.int16)))
        landmarks = _Picker().push(FrontEnd().push(padded[None, :]).spectrum_db[0])
        number = len(self.entries)
        pairs = _hashes(landmarks, [])
        if len(pairs) < _MIN_VOTES:
            raise LibraryError(f"{ann_id}: too little sound to recognise it by")
        self._hashes.append(np.array([(key, number, hop) for key, hop in pairs], np.int32))
        self._table = None
        self.entries.append(Entry(ann_id, label))

    @property
    def table(self) -> _Table:
        """The index of all hashes, made at its first use after an enrolment."""
        if self._table is None:
            rows = np.concatenate((np.zeros((0, 3), np.int32), *self._hashes))
            rows = rows[np.argsort(rows[:, 0], kind="stable")]
            self._table = _Table(*np.ascontiguousarray(rows.T))
        return self._table

    @classmethod
    def load(cls, folder: Path) -> "Library":
        """Read a library folder. Raises LibraryError (no or bad library.csv) and AudioFileError."""
        library = cls()
        try:
            with (folder / "library.csv").open(newline="", encoding="utf-8-sig") as source:
                rows = list(csv.DictReader(source))
        except OSError as error:
            raise LibraryError(f"{folder / 'library.csv'}: {error.strerror or error}") from error
        for row in rows:
            try:
                ann_id, label, file = row["ann_id"], announcement_label(row["label"]), row["file"]
            except (KeyError, ValueError) as error:
                raise LibraryError(f"{folder / 'library.csv'}: bad row {row} ({error})") from error
            library.enrol(wavio.read(folder / file), ann_id, label)
        _ = library.table  # now, so that processes forked off share it
        return library


@dataclass(frozen=True, slots=True)
class Named:
    """An announcement recognised: which, votes at its offset, and the share of heard hashes they are."""

    entry: Entry
    votes: int
    share: float
    offset_s: float


class Matcher:
    """Streaming match of one line against a library: votes per entry and time offset, over the last 40 s."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._picker = _Picker()
        self._history: list[Landmark] = []
        self._waiting: list[NDArray[np.float32]] = []
        self._voice_behind = self._voice_ahead = False
        self._hop = 0
        self._counts = np.zeros((0, _OFFSETS), np.int16)
        self._votes: deque[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]] = deque(maxlen=_PUSHES)

    def push(self, spectrum_db: NDArray[np.float32], *, voice: bool) -> Named | None:
        """Take log spectra [10, 129] and whether voice is in them; the recognised announcement as soon as it is sure.

        Two pushes are looked at together, and only where voice is or just was: noise matches a little of everything.
        """
        self._waiting.append(spectrum_db)
        self._voice_ahead = self._voice_ahead or voice
        if len(self._waiting) < _PUSHES_AT_ONCE:
            return None
        rows = np.concatenate(self._waiting)
        self._waiting.clear()
        landmarks = self._picker.push(rows, parts=_PUSHES_AT_ONCE, quiet=not (self._voice_behind or self._voice_ahead))
        self._voice_behind, self._voice_ahead = self._voice_ahead, False
        fresh = np.arange(self._hop, self._hop + rows.shape[0]) % _OFFSETS
        self._hop += rows.shape[0]
        self._counts[:, fresh] = 0  # offsets of 40 s ago make room
        new = _hashes(landmarks, self._history)
        return self._vote(np.array(new, np.int64)) if new else None

    def _vote(self, new: NDArray[np.int64]) -> Named | None:
        table = self._library.table
        if not self._counts.size:
            self._counts = np.zeros((len(self._library.entries), _OFFSETS), np.int16)
        which, rows = table.find(new[:, 0])
        hops = new[which, 1]
        entry, offset = table.entry[rows].astype(np.int64), (hops - table.hop[rows]) % _OFFSETS
        counts = self._counts
        np.add.at(counts.reshape(-1), entry * _OFFSETS + offset, 1)
        self._votes.append((new[:, 1], entry * _OFFSETS + offset, hops))
        near = sum(counts[entry, (offset + slack) % _OFFSETS] for slack in _SLACK)
        return self._judge() if np.max(near, initial=0) >= _MIN_VOTES else None

    def _judge(self) -> Named | None:
        """The entry with most votes at one time offset, if it is clear of the others and covers what was heard."""
        counts = self._counts
        near = counts + np.roll(counts, 1, axis=1) + np.roll(counts, -1, axis=1)
        best = near.max(axis=1)
        number = int(best.argmax())
        votes, offset = int(best[number]), int(near[number].argmax())
        entry = self._library.entries[number]
        rivals = [int(v) for v, e in zip(best, self._library.entries, strict=True) if e.label is not entry.label]
        if votes < _LEAD * max(rivals, default=0):
            return None
        wanted = [number * _OFFSETS + (offset + slack) % _OFFSETS for slack in _SLACK]
        hops = np.sort(np.concatenate([at[np.isin(cells, wanted)] for _, cells, at in self._votes]))
        heard = sum(int(np.count_nonzero(at >= hops[0])) for at, _, _ in self._votes)
        share = votes / max(1, heard)
        holes = int(np.diff(hops).max(initial=0))
        if hops[-1] - hops[0] < _MIN_SPAN_HOPS or holes > _MAX_HOLE_HOPS or share < _MIN_SHARE:
            return None
        began = (offset - self._hop) % _OFFSETS - _OFFSETS + self._hop
        return Named(entry, votes, share, began * 0.01)
