"""One owner per port: a lock file that names its holder and falls with the process that held it."""

from __future__ import annotations

import fcntl
import os
import re
from pathlib import Path

from drivers.lines import ReaderError


class PortLock:
    """A lock file for a port; advisory, kernel-released when the holder dies."""

    def __init__(self, folder: Path, name: str) -> None:
        self._path = folder / f"callbox-{re.sub(r'[^A-Za-z0-9._-]', '_', name)}.lock"
        self._fd = -1

    def take(self) -> None:
        """Take it. Raises :class:`ReaderError` (``line.port_taken``) that names the holder."""
        try:
            fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise ReaderError("line.no_lock", f"{self._path} cannot be written: {error.strerror}.") from error
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as taken:
            holder = os.pread(fd, 32, 0).decode("ascii", "replace").strip() or "unknown"
            os.close(fd)
            raise ReaderError(
                "line.port_taken", f"The port is used by process {holder}. Stop that program, then try again."
            ) from taken
        os.ftruncate(fd, 0)
        os.pwrite(fd, f"{os.getpid()}\n".encode("ascii"), 0)
        self._fd = fd

    def give(self) -> None:
        """Give it back; not held is fine."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
