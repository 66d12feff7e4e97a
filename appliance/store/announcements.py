"""The library of announcements on the disk: `library.csv` with a WAV for each entry, `retired.csv` beside it.

The folder is the truth: the ear loads `library.csv` (columns ann_id, label, file; it minds no others), `callbox enrol`
adds to it by hand, and the web shows what stands in it. A table is replaced as a whole, so that whoever reads meanwhile
sees the old one or the new one.
"""

from __future__ import annotations

import csv
import fcntl
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from appliance.settings import write_private

LIBRARY, RETIRED = "library.csv", "retired.csv"


@dataclass(frozen=True)
class Announcement:
    """One entry; `added_at` and `retired_at` as RFC 3339, empty for what was put in by hand or is in use."""

    ann_id: str
    label: str
    file: str
    name: str = ""
    country: str = ""
    language: str = ""
    seconds: float = 0.0
    added_at: str = ""
    added_by: str = ""
    retired_at: str = ""


_FIELDS = tuple(Announcement.__dataclass_fields__)


def _rows(path: Path) -> list[Announcement]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as source:
            rows = [{key: row.get(key) or "" for key in _FIELDS} for row in csv.DictReader(source)]
    except FileNotFoundError:
        return []
    return [Announcement(seconds=_seconds(row.pop("seconds")), **row) for row in rows if row["ann_id"]]


def _seconds(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


def in_use(folder: Path) -> list[Announcement]:
    """What the ear listens for, in the order of enrolment."""
    return _rows(folder / LIBRARY)


def retired(folder: Path) -> list[Announcement]:
    """What it listens for no more. An entry that stands in both tables (a crash came between) is in use."""
    used = {entry.ann_id for entry in in_use(folder)}
    return [entry for entry in _rows(folder / RETIRED) if entry.ann_id not in used]


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold the library's lock, the one that `audio.enrolment` holds: read, change and write within it."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def write(folder: Path, used: list[Announcement], gone: list[Announcement]) -> None:
    """Replace both tables. The retired ones first: an entry is never in none of them."""
    for name, entries in ((RETIRED, gone), (LIBRARY, used)):
        if entries or (folder / name).exists():
            text = io.StringIO()
            table = csv.DictWriter(text, _FIELDS)
            table.writeheader()
            table.writerows(asdict(entry) for entry in entries)
            write_private(folder / name, text.getvalue().encode())


def sound_path(folder: Path, entry: Announcement) -> Path:
    """The entry's WAV; a name that leads out of the folder leads to nothing in it."""
    return folder / Path(entry.file).name
