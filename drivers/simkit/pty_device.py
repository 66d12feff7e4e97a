"""A device on a pseudo terminal: what a program on the other side sees is a serial port.

A pty passes bytes at any speed; `bytes_per_s` paces what the device sends, as a real line would.
"""

from __future__ import annotations

import contextlib
import os
import select
import threading
import tty
from pathlib import Path

_POLL_S = 0.05


class PtyDevice(threading.Thread):
    """A thread that owns a pty. Subclasses implement :meth:`received`; `path` is a link that survives re-plugging."""

    def __init__(self, folder: Path, name: str, *, bytes_per_s: float | None = None) -> None:
        super().__init__(name=f"sim-{name}", daemon=True)
        self.path = folder / name
        self._bytes_per_s = bytes_per_s
        self._stopped = threading.Event()
        self._plug = threading.Lock()
        self._master = self._slave = -1
        self.plug()

    def plug(self) -> None:
        """Put the cable in: a new terminal under the same name."""
        with self._plug:
            self._master, self._slave = os.openpty()
            tty.setraw(self._slave)
            self.path.unlink(missing_ok=True)
            self.path.symlink_to(os.ttyname(self._slave))

    def unplug(self) -> None:
        """Pull the cable: whoever has the port open gets EIO, and the name is gone."""
        with self._plug:
            self.path.unlink(missing_ok=True)
            for fd in (self._master, self._slave):
                if fd >= 0:
                    os.close(fd)
            self._master = self._slave = -1

    def run(self) -> None:
        """Serve until stopped."""
        while not self._stopped.is_set():
            with self._plug:
                master = self._master
                ready = bool(master >= 0 and select.select([master], [], [], 0)[0])
                data = _read(master) if ready else b""
            if data:
                self.received(data.decode("latin-1"))
            elif not ready:
                self._stopped.wait(_POLL_S if master < 0 else 0.002)
        self.unplug()

    def stop(self) -> None:
        """End the thread and take the port away."""
        self._stopped.set()
        if self.is_alive():
            self.join(timeout=10)

    def send(self, text: str) -> None:
        """Send text (lines end in carriage return and line feed)."""
        data = text.replace("\n", "\r\n").encode("latin-1", "replace")
        step = 64 if self._bytes_per_s else 1024
        for start in range(0, len(data), step):
            piece = data[start : start + step]
            with self._plug, contextlib.suppress(OSError):
                if self._master >= 0:
                    os.write(self._master, piece)
            if self._bytes_per_s:
                self._stopped.wait(len(piece) / self._bytes_per_s)

    def received(self, text: str) -> None:
        """Take what came; the subclass answers."""
        raise AssertionError(f"{self.name} has no manners: {text!r}")  # a subclass forgot it: a program's mistake


def _read(fd: int) -> bytes:
    try:
        return os.read(fd, 512)
    except OSError:
        return b""
