"""Announcements known by their sound: the library of enrolled ones and its index.

A library is a folder with `library.csv` (columns ann_id, label, file) and the audio it names. `matcher.py` finds a
line's audio in it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from audio import clip_table, wavio
from audio.codes import N_SLOPES, Codes, codes_of
from audio.features import HOP
from audio.labels import Label, announcement_label

_MAX_HOPS = 3000
_MIN_SOUND_HOPS = 60
_NEAR_HOPS = 6
_ACTIVE_DB = 25.0
_SILENT_DB = -68.0
_EDGE_DB, _EDGE_HOPS = 25.0, 3
SLOPE_SCALE = np.float32(1 / 127)
"""What a step of the index's slopes is."""


class LibraryError(ValueError):
    """A library that cannot be read or an enrolment that cannot be made; the message says which and why."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One enrolled announcement."""

    ann_id: str
    label: Label


@dataclass(frozen=True, slots=True)
class Index:
    """All entries in a row, hop by hop, and where each 16-bit word stands.

    starts [entries + 1]: first row of each entry, and the end; entry_of, bits [rows], and `place` in the entry; slopes
    [rows, 16] in steps of `SLOPE_SCALE`; levels [3, rows]: energy of the slopes, level against the loud hops of the
    entry in dB, and whether there is sound within 60 ms (1 or 0); order: rows with sound sorted by their word; first
    [65537]: where a word begins there.
    """

    starts: list[int]
    entry_of: NDArray[np.int32]
    place: NDArray[np.int32]
    bits: NDArray[np.uint16]
    slopes: NDArray[np.int8]
    levels: NDArray[np.float32]
    order: NDArray[np.int32]
    first: NDArray[np.int32]

    @classmethod
    def of(cls, recordings: Sequence[Codes]) -> "Index":
        """Index of the entries' codes."""
        sizes = [codes.bits.size for codes in recordings]
        bits = np.concatenate((np.zeros(0, np.uint16), *(codes.bits for codes in recordings)))
        slopes = np.concatenate((np.zeros((0, N_SLOPES), np.float32), *(codes.slopes for codes in recordings)))
        levels = [_below_usual(codes) for codes in recordings]
        sounds = [level > -_ACTIVE_DB for level in levels]
        sound = np.concatenate((np.zeros(0, np.bool_), *sounds))
        wide = np.ones(2 * _NEAR_HOPS + 1)
        near = np.concatenate((np.zeros(0, np.bool_), *(np.convolve(s, wide, "same") > 0 for s in sounds)))
        below_db = np.concatenate((np.zeros(0, np.float32), *levels))
        rows = np.flatnonzero(sound)
        order = rows[np.argsort(bits[rows], kind="stable")]
        first = np.searchsorted(bits[order], np.arange(65537))
        return cls(
            starts=[0, *accumulate(sizes)],
            entry_of=np.repeat(np.arange(len(sizes), dtype=np.int32), sizes),
            place=np.concatenate((np.zeros(0, np.int32), *(np.arange(size, dtype=np.int32) for size in sizes))),
            bits=bits,
            slopes=np.round(slopes / SLOPE_SCALE).astype(np.int8),
            levels=np.stack((np.einsum("ij,ij->i", slopes, slopes), below_db, near)).astype(np.float32),
            order=order.astype(np.int32),
            first=first.astype(np.int32),
        )

    def slopes_at(self, rows: NDArray[np.intp]) -> NDArray[np.int8]:
        """Slopes [..., 16] of rows [...]; sixteen at a time are moved as one number."""
        found: NDArray[np.int8] = self.slopes.view(np.complex128)[:, 0].take(rows).view(np.int8)
        return found.reshape(*rows.shape, N_SLOPES)

    def find(self, words: NDArray[np.int64], crowd: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """(which of `words`, row) of each place where a word stands; words at more than `crowd` places tell nothing."""
        begin = self.first[words].astype(np.int64)
        counts = self.first[words + 1] - begin
        counts[counts > crowd] = 0
        which = np.repeat(np.arange(words.size), counts)
        places = np.arange(which.size) + np.repeat(begin - (np.cumsum(counts) - counts), counts)
        return which, self.order[places].astype(np.int64)


@dataclass(slots=True)
class Library:
    """Enrolled announcements and the index of their codes."""

    entries: list[Entry] = field(default_factory=list)
    _codes: list[Codes] = field(default_factory=list)
    _index: Index | None = None

    def enrol(self, samples: NDArray[np.int16], ann_id: str, label: Label) -> None:
        """Add one announcement from samples [n] (at least 1 s). Raises LibraryError."""
        if samples.size < wavio.RATE_HZ:
            raise LibraryError(f"{ann_id}: an announcement must be at least 1 s long")
        if any(e.ann_id == ann_id for e in self.entries):
            raise LibraryError(f"{ann_id}: already enrolled")
        codes = _without_edges(codes_of(samples[: _MAX_HOPS * HOP]))
        if np.count_nonzero(codes.loud_db > _SILENT_DB) < _MIN_SOUND_HOPS:
            raise LibraryError(f"{ann_id}: too little sound to recognise it by")
        self._codes.append(codes)
        self._index = None
        self.entries.append(Entry(ann_id, label))

    @property
    def index(self) -> Index:
        """The index of all entries, made at its first use after an enrolment."""
        if self._index is None:
            self._index = Index.of(self._codes)
        return self._index

    @classmethod
    def load(cls, folder: Path) -> "Library":
        """Read a library folder. Raises LibraryError that names the row when anything in it is no good."""
        library = cls()
        table = folder / "library.csv"
        try:
            rows = clip_table.read(table, ())
        except clip_table.TableError as error:
            raise LibraryError(str(error)) from error
        for number, row in enumerate(rows, 2):
            try:
                ann_id, label, file = (row.get(name, "") for name in ("ann_id", "label", "file"))
                if not ann_id or not file:
                    raise LibraryError("ann_id and file must not be empty")
                meaning = announcement_label(label)
                library.enrol(wavio.read(folder / file), ann_id, meaning)
            except (ValueError, OSError, wavio.AudioFileError) as error:
                name = row.get("ann_id") or "no id"
                raise LibraryError(f"{table}: bad row in line {number} ({name}): {error}") from error
        _ = library.index  # now, so that processes forked off share it
        return library


def _without_edges(codes: Codes) -> Codes:
    """Codes without the silence before and after the sound, so that an entry begins where the announcement does."""
    loud = np.flatnonzero(_below_usual(codes) > -_EDGE_DB)
    return codes.part(max(0, int(loud[0]) - _EDGE_HOPS), int(loud[-1]) + 1 + _EDGE_HOPS)


def _below_usual(codes: Codes) -> NDArray[np.float32]:
    """How far each hop is below the loud ones of its recording, dB."""
    return codes.loud_db - np.float32(np.percentile(codes.loud_db, 97))
