"""The fingerprint library on disk: a folder with `library.csv` (columns ann_id, label, file) and the audio it names.

A change is whole or it is not: audio first, then a new library.csv in the place of the old one. Two writers take turns.
"""

from __future__ import annotations

import csv
import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from audio import clip_table, wavio
from audio.clip_table import Row
from audio.fingerprint import Library, LibraryError
from audio.labels import Label, announcement_label
from audio.levels import level_dbov

TABLE = "library.csv"
_COLUMNS = ("ann_id", "label", "file")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_MIN_S, _MAX_S = 1.5, 60.0
_MIN_DBOV = -55.0


@dataclass(frozen=True, slots=True)
class Enrolled:
    """One row of a library."""

    ann_id: str
    label: Label
    file: str


def listed(folder: Path) -> list[Enrolled]:
    """What a library holds. Raises LibraryError when it is none."""
    try:
        return [Enrolled(row["ann_id"], announcement_label(row["label"]), row["file"]) for row in _rows(folder)]
    except (KeyError, ValueError) as error:
        raise LibraryError(f"{folder / TABLE}: a bad row ({error})") from error


def add(folder: Path, samples: NDArray[np.int16], ann_id: str, label: Label, *, replace: bool = False) -> None:
    """Enrol samples [n] into a library folder, made if need be: writes `<ann_id>.wav` and a row of library.csv.

    Raises LibraryError, saying what would help, when the id is taken or no file name, or the sample is too short, too
    long or too quiet to be known again.
    """
    if not _ID.fullmatch(ann_id):
        raise LibraryError(f"{ann_id!r} cannot be an id: use letters, digits, - and _, 64 at most")
    _check_sound(ann_id, samples)
    Library().enrol(samples, ann_id, label)
    folder.mkdir(parents=True, exist_ok=True)
    with _alone(folder):
        rows = _rows(folder) if (folder / TABLE).exists() else []
        old = [row for row in rows if row["ann_id"] == ann_id]
        if old and not replace:
            raise LibraryError(f"{ann_id}: already enrolled as {old[0]['label']}; take another id, or replace it")
        fresh = folder / f".{ann_id}.wav"
        wavio.write(fresh, samples)
        fresh.replace(folder / f"{ann_id}.wav")
        kept = [row for row in rows if row["ann_id"] != ann_id]
        _write(folder, [*kept, {"ann_id": ann_id, "label": str(label), "file": f"{ann_id}.wav"}])


def remove(folder: Path, ann_id: str) -> None:
    """Take an entry and its audio out of a library. Raises LibraryError when there is none."""
    with _alone(folder):
        rows = _rows(folder)
        gone = [row for row in rows if row["ann_id"] == ann_id]
        if not gone:
            raise LibraryError(f"{ann_id}: not in {folder}")
        _write(folder, [row for row in rows if row["ann_id"] != ann_id])
        for sound in ((folder / row["file"]).resolve() for row in gone):
            if sound.is_relative_to(folder.resolve()):
                sound.unlink(missing_ok=True)


def _check_sound(ann_id: str, samples: NDArray[np.int16]) -> None:
    length_s = samples.size / wavio.RATE_HZ
    if length_s < _MIN_S:
        raise LibraryError(f"{ann_id}: {length_s:.1f} s is too short; {_MIN_S} s at least, better the whole")
    if length_s > _MAX_S:
        raise LibraryError(f"{ann_id}: {length_s:.0f} s is too long; cut out one announcement, {_MAX_S:.0f} s at most")
    level = level_dbov(samples - np.mean(samples))
    if level < _MIN_DBOV:
        raise LibraryError(f"{ann_id}: too quiet ({level:.0f} dBov); take a call in which the announcement is heard")


def _rows(folder: Path) -> list[Row]:
    try:
        return clip_table.read(folder / TABLE, _COLUMNS)
    except clip_table.TableError as error:
        raise LibraryError(str(error)) from error


def _write(folder: Path, rows: list[Row]) -> None:
    """Put a new table in the place of the old one; columns of others are kept."""
    columns = list(dict.fromkeys([*_COLUMNS, *(column for row in rows for column in row)]))
    fresh = folder / f".{TABLE}"
    with fresh.open("w", newline="", encoding="utf-8") as out:
        writer = csv.DictWriter(out, columns, restval="")
        writer.writeheader()
        writer.writerows(rows)
        out.flush()
        os.fsync(out.fileno())
    fresh.replace(folder / TABLE)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the library's lock."""
    try:
        lock = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise LibraryError(f"{folder}: {error.strerror}") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)
