"""How drivers ask the programs of the system (smartctl, mdadm, chronyc ...): fixed words, a deadline, no shell.

Behind a Protocol, because some of them need root: on the box a request goes to the root helper instead.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from drivers.lines import ReaderError

_SYSTEM_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, slots=True)
class Ran:
    """What a program said. `status` is its exit code."""

    status: int
    output: str


class Programs(Protocol):
    """Runs programs."""

    def run(self, words: Sequence[str], timeout_s: float) -> Ran:
        """Run and wait. Raises ReaderError `program.missing` or `program.timeout`."""
        ...


class LocalPrograms:
    """Programs of this machine. `path` is searched before the system's own folders (simulators stand there)."""

    def __init__(self, path: str = "", environment: Mapping[str, str] | None = None) -> None:
        self._path = f"{path}:{_SYSTEM_PATH}" if path else _SYSTEM_PATH
        self._environment = dict(environment or {})

    def run(self, words: Sequence[str], timeout_s: float) -> Ran:
        """See Programs."""
        environment = {**self._environment, "PATH": self._path, "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}
        program = next(
            (f"{folder}/{words[0]}" for folder in self._path.split(":") if os.access(f"{folder}/{words[0]}", os.X_OK)),
            None,
        )
        if program is None:
            raise ReaderError("program.missing", f"'{words[0]}' is not installed on this box.")
        try:
            done = subprocess.run(
                [program, *words[1:]], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                timeout=timeout_s, check=False, env=environment,
            )  # fmt: skip
        except subprocess.TimeoutExpired as error:
            raise ReaderError("program.timeout", f"'{words[0]}' gave no answer within {timeout_s:g} s.") from error
        except OSError as error:
            raise ReaderError("program.missing", f"'{words[0]}' cannot be started: {error.strerror}.") from error
        return Ran(done.returncode, done.stdout.decode("utf-8", "replace"))
