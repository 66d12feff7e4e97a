"""Room for the next lines of the log, granted by the disk beforehand: what fails on a full disk is written at once.

Recordings and log lie on the same file system. When it is full, a line that needs another block would wait in
supervisor's memory until there is room, and be lost with it. Blocks behind a file's end are the file's own: whoever
appends to it later, in whatever process, gets them, and its length stays what was written.
"""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

AHEAD_BYTES = 1 << 16
"""Some three hundred lines of each log."""
_KEEP_SIZE = 1  # FALLOC_FL_KEEP_SIZE, fallocate(2); Python has the other kind only
_BLOCK_BYTES = 512  # of st_blocks

_libc = ctypes.CDLL(None, use_errno=True)
_libc.fallocate.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64)


def keep(folder: Path) -> None:
    """See that each log in a folder has room for its next lines; safe to call often.

    On a full disk each keeps what it was granted before.
    """
    for path in folder.glob("*.log"):
        try:
            fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
        except OSError:
            continue  # it has been rotated away, or is somebody else's
        try:
            found = os.fstat(fd)
            if found.st_blocks * _BLOCK_BYTES < found.st_size + AHEAD_BYTES // 2:
                _libc.fallocate(fd, _KEEP_SIZE, 0, found.st_size + AHEAD_BYTES)
        finally:
            os.close(fd)
