"""Announcements known by their sound: landmark pairs of spectral peaks, matched with coverage.

A landmark is a local maximum of the spectrogram (31 Hz x 10 ms); a hash joins two landmarks (both frequencies and
their distance in time). A call's hashes vote for (entry, time offset). An entry is named when it collects enough
votes of its own at one offset and those votes cover what was heard without a long hole, so that a common opening
("the number you have dialled ...") shared by many entries names none of them.

A library is a folder with `library.csv` (columns ann_id, label, file) and the audio it names.
"""

import csv
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from audio import wavio
from audio.features import HOP, FrontEnd
from audio.labels import Label, announcement_label

_LOW_BIN, _HIGH_BIN = 8, 108
_FREQ_REACH, _TIME_REACH = 4, 5
_BELOW_MAX_DB = 35.0
_MIN_DB = -75.0
_PER_HOP = 3
_FAN_OUT = 5
_MIN_LAG, _MAX_LAG = 2, 40
_MIN_VOTES = 25
_MIN_SHARE = 0.08
_LEAD = 1.6
_MAX_HOLE_HOPS = 80
_MIN_SPAN_HOPS = 110
_SLACK = (-1, 0, 1)
_HOT_VOTES = 5
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
        self._rows = np.full((2 * _TIME_REACH, _HIGH_BIN - _LOW_BIN), -120.0, np.float32)
        self._hop = -_TIME_REACH
        self._peak_db = -60.0

    def push(self, spectrum_db: NDArray[np.float32]) -> list[Landmark]:
        """Landmarks of log spectra [hops, 129]; they come `_TIME_REACH` hops late."""
        new = spectrum_db[:, _LOW_BIN:_HIGH_BIN]
        rows = np.concatenate((self._rows, new))
        self._rows = rows[new.shape[0] :]
        centre = rows[_TIME_REACH : _TIME_REACH + new.shape[0]]
        highest = centre
        for shift in range(1, _FREQ_REACH + 1):
            padded = np.pad(rows, ((0, 0), (shift, shift)), constant_values=-120.0)
            highest = np.maximum(highest, padded[_TIME_REACH : -_TIME_REACH or None, : rows.shape[1]])
            highest = np.maximum(highest, padded[_TIME_REACH : -_TIME_REACH or None, 2 * shift :])
        for shift in range(1, _TIME_REACH + 1):
            highest = np.maximum(highest, rows[_TIME_REACH - shift : _TIME_REACH - shift + new.shape[0]])
            highest = np.maximum(highest, rows[_TIME_REACH + shift : _TIME_REACH + shift + new.shape[0]])
        self._peak_db = max(self._peak_db - 0.1 * new.shape[0], float(new.max()))
        hits = (centre >= highest) & (centre > max(self._peak_db - _BELOW_MAX_DB, _MIN_DB))
        found: list[Landmark] = []
        for offset in np.flatnonzero(hits.any(axis=1)).tolist():
            bins = np.flatnonzero(hits[offset])
            best = bins[np.argsort(-centre[offset][bins])][:_PER_HOP]
            found += [(self._hop + offset, int(b)) for b in sorted(best.tolist())]
        self._hop += new.shape[0]
        return found


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


@dataclass(slots=True)
class Library:
    """Enrolled announcements and the index of their hashes."""

    entries: list[Entry] = field(default_factory=list)
    _index: dict[int, list[tuple[int, int]]] = field(default_factory=lambda: defaultdict(list))

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
        for key, hop in pairs:
            self._index[key].append((number, hop))
        self.entries.append(Entry(ann_id, label))

    def find(self, key: int) -> list[tuple[int, int]]:
        """(entry, hop) of every place where a hash, or its neighbour one hop longer or shorter, was enrolled."""
        index = self._index
        return index.get(key, []) + index.get(key - 1, []) + index.get(key + 1, [])

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
        return library


def add_to_folder(folder: Path, samples: NDArray[np.int16], ann_id: str, label: Label) -> None:
    """Enrol into a library folder, made if need be: writes `<ann_id>.wav` and a row of library.csv.

    Raises LibraryError when the id is taken or not a plain file name, or the sample is no good.
    """
    if not ann_id or any(c in ann_id for c in "/\\\0") or ann_id.startswith("."):
        raise LibraryError(f"{ann_id!r} cannot be an id: use letters, digits, - and _")
    table = folder / "library.csv"
    library = Library.load(folder) if table.exists() else Library()
    library.enrol(samples, ann_id, label)
    folder.mkdir(parents=True, exist_ok=True)
    wavio.write(folder / f"{ann_id}.wav", samples)
    fresh = not table.exists()
    with table.open("a", newline="", encoding="utf-8") as out:
        writer = csv.writer(out)
        if fresh:
            writer.writerow(["ann_id", "label", "file"])
        writer.writerow([ann_id, str(label), f"{ann_id}.wav"])


@dataclass(frozen=True, slots=True)
class Named:
    """An announcement recognised: which, votes at its offset, and the share of heard hashes they are."""

    entry: Entry
    votes: int
    share: float
    offset_s: float


class Matcher:
    """Streaming match of one line against a library."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._picker = _Picker()
        self._history: list[Landmark] = []
        self._places: dict[tuple[int, int], list[int]] = {}
        self._hot: set[tuple[int, int]] = set()
        self._heard: list[int] = []

    def push(self, spectrum_db: NDArray[np.float32]) -> Named | None:
        """Take log spectra [hops, 129]; the recognised announcement as soon as it is sure."""
        new = _hashes(self._picker.push(spectrum_db), self._history)
        places = self._places
        for key, hop in new:
            self._heard.append(hop)
            for number, at in self._library.find(key):
                place = (number, hop - at)
                votes = places.get(place)
                if votes is None:
                    places[place] = [hop]
                    continue
                votes.append(hop)
                if len(votes) == _HOT_VOTES:
                    self._hot.add(place)
        return self._judge() if new and self._hot else None

    def _judge(self) -> Named | None:
        """The entry with most votes at one time offset, if it is clear of the others and covers what was heard."""
        best: dict[int, tuple[int, int]] = {}
        for number, offset in self._hot:
            near = sum(len(self._places.get((number, offset + d), ())) for d in _SLACK)
            if near > best.get(number, (0, 0))[0]:
                best[number] = (near, offset)
        ranked = sorted(best.items(), key=lambda item: -item[1][0])
        number, (votes, offset) = ranked[0]
        if votes < _MIN_VOTES:
            return None
        entry = self._library.entries[number]
        rivals = [v for n, (v, _) in ranked[1:] if self._library.entries[n].label is not entry.label]
        if rivals and votes < _LEAD * rivals[0]:
            return None
        hops = sorted(h for d in _SLACK for h in self._places.get((number, offset + d), ()))
        share = votes / max(1, sum(h >= hops[0] for h in self._heard))
        holes = max((b - a for a, b in pairwise(hops)), default=0)
        if hops[-1] - hops[0] < _MIN_SPAN_HOPS or holes > _MAX_HOLE_HOPS or share < _MIN_SHARE:
            return None
        return Named(entry, votes, share, offset * 0.01)
