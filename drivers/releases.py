"""When a test must end: noted in a file before it begins, so that a crash or a power cut cannot leave a line looped."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from drivers.lines import ReaderError, Verb
from drivers.protocols import Arg


@dataclass(frozen=True, slots=True)
class Release:
    """What is to be done, and when at the latest (Unix time)."""

    line_id: str
    verb: Verb
    args: dict[str, Arg]
    at_unix_s: float
    limit_s: float
    """The time limit it was noted with: a clock set back never lengthens a test beyond it."""


class Releases:
    """The file of open tests; written through."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def open(self) -> tuple[Release, ...]:
        """All that is noted. An unreadable file is kept aside and reported once as an error."""
        try:
            rows = json.loads(self._path.read_text(encoding="utf-8"))
            return tuple(
                Release(row["line_id"], Verb(row["verb"]), row["args"], float(row["at_unix_s"]), float(row["limit_s"]))
                for row in rows
            )
        except FileNotFoundError:
            return ()
        except (OSError, ValueError, KeyError, TypeError) as error:
            aside = self._path.with_suffix(".unreadable")
            self._path.replace(aside)
            raise ReaderError(
                "line.releases_lost",
                f"{aside} cannot be read ({error}). A test may still be running on a line: end loops by hand.",
            ) from error

    def note(self, release: Release) -> None:
        """Note before the test begins; replaces what was noted for the same line and verb."""
        self._write((*self._others(release.line_id, release.verb), release))

    def done(self, line_id: str, verb: Verb) -> None:
        """Strike out what has been done."""
        self._write(self._others(line_id, verb))

    def _others(self, line_id: str, verb: Verb) -> tuple[Release, ...]:
        return tuple(row for row in self.open() if (row.line_id, row.verb) != (line_id, verb))

    def _write(self, rows: tuple[Release, ...]) -> None:
        new = self._path.with_suffix(".new")
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with new.open("w", encoding="utf-8") as file:
            json.dump([asdict(row) for row in rows], file)
            file.flush()
            os.fsync(file.fileno())
        new.replace(self._path)
