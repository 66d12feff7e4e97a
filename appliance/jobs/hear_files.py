"""Hearing files: which ones, and many of them on all processors, in the order they were named."""

from __future__ import annotations

import multiprocessing
import os
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path

from appliance.errors import BoxError, CallerError
from audio import AudioFileError, Library, LibraryError, ListenerConfig, Phase, clip_table, wavio
from audio.hearing import Hearing, hear

_POOL_FROM = 24
_AT_ONCE = 8
_TELL_EVERY_S = 5.0
_COLUMNS = ("file", "stage")
_STAGES: dict[str, Phase] = {"early": "early", "answered": "answered"}


@dataclass(frozen=True, slots=True)
class Clip:
    """A file to hear: where it is, what it is called, and what is known about it."""

    path: Path
    name: str
    phase: Phase
    country: str | None


@dataclass(frozen=True, slots=True)
class Failure:
    """A file that could not be heard."""

    file: str
    error_id: str
    message: str

    def as_dict(self) -> dict[str, str]:
        """The object that is printed for it."""
        return {"file": self.file, "error_id": self.error_id, "message": self.message}


def from_files(files: Sequence[Path], phase: Phase, country: str | None) -> Iterator[Clip | Failure]:
    """Clips named on the command line; a folder stands for the audio files in it, named from it on."""
    for file in files:
        if not file.is_dir():
            yield Clip(file, str(file), phase, country)
            continue
        inside = sorted(path for path in file.rglob("*") if path.suffix.lower() in wavio.SUFFIXES and path.is_file())
        if not inside:
            yield Failure(str(file), "detect.empty_folder", f"{file}: no audio files in this folder")
        for path in inside:
            yield Clip(path, str(path.relative_to(file)), phase, country)


def from_manifest(manifest: Path, audio_root: Path | None, country: str | None) -> Iterator[Clip | Failure]:
    """Clips of a table with the columns file, stage, country; others are ignored. Raises CallerError.

    Files are relative to `audio_root`, by default the table's folder. `stage` is the phase. A row without a country
    takes the given one; whatever is no country known to the tone plans means every plan at once.
    """
    root = manifest.parent if audio_root is None else audio_root
    try:
        rows = clip_table.read(manifest, _COLUMNS)
    except clip_table.TableError as error:
        raise CallerError("detect.bad_manifest", str(error), file=str(manifest)) from error
    for row in rows:
        name, stage = row["file"], row["stage"].strip().lower()
        if stage not in _STAGES:
            yield Failure(name, "detect.bad_row", f"{manifest}: {name}: stage {stage!r} is neither early nor answered")
        else:
            yield Clip(root / name, name, _STAGES[stage], row.get("country", "").strip() or country)


def load_library(folder: Path | None) -> Library | None:
    """The library of a folder, if one is given. Raises CallerError."""
    if folder is None:
        return None
    try:
        return Library.load(folder)
    except (LibraryError, AudioFileError) as error:
        raise CallerError("detect.bad_library", str(error), folder=str(folder)) from error


def processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0))


def hear_all(
    clips: Sequence[Clip | Failure], library: Library | None, jobs: int, config: ListenerConfig | None = None
) -> Iterator[Hearing | Failure]:
    """What is heard in each clip, in order; in `jobs` processes when there are many. Raises BoxError."""
    global _library, _config
    _library, _config = library, config
    if jobs <= 1 or len(clips) < _POOL_FROM:
        yield from map(_hear, clips)
        return
    # forked, so that all processes share the library and the imports
    pool = ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("fork"))
    try:
        yield from pool.map(_hear, clips, chunksize=_AT_ONCE)
    except BrokenProcessPool as error:
        raise BoxError("detect.worker_died", "A process of the batch died (out of memory?); try --jobs 1.") from error
    finally:
        pool.shutdown(cancel_futures=True)


_library: Library | None = None
_config: ListenerConfig | None = None
"""What all clips of a batch share: set before the pool forks."""


def _hear(clip: Clip | Failure) -> Hearing | Failure:
    if isinstance(clip, Failure):
        return clip
    try:
        return hear(clip.path, name=clip.name, phase=clip.phase, country=clip.country, library=_library, config=_config)
    except AudioFileError as error:
        return Failure(clip.name, "detect.unreadable", str(error))


def with_progress(results: Iterator[Hearing | Failure], total: int) -> Iterator[Hearing | Failure]:
    """The results; long work says on stderr how far it is."""
    told = time.monotonic()
    for done, result in enumerate(results, 1):
        yield result
        if time.monotonic() - told >= _TELL_EVERY_S:
            told = time.monotonic()
            print(f"callbox: {done} of {total} files", file=sys.stderr)
