"""The box's serial line as a person at a terminal has it: always read, waited on for a text, typed into."""

from __future__ import annotations

import re
import socket
import threading
import time


class SerialLine:
    """Reads all the time, in a thread: a line that nobody reads is full after a few hundred letters, and then whatever
    writes to it (GRUB, kernel, console) stands still."""

    def __init__(self, line: socket.socket, started_s: float) -> None:
        self._line = line
        self._started_s = started_s
        self._text = ""
        self._at = 0
        self._changed = threading.Condition()
        line.settimeout(None)
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        while True:
            try:
                more = self._line.recv(65536)
            except OSError:
                return
            if not more:
                return
            with self._changed:
                self._text += more.decode("latin-1")
                self._changed.notify_all()

    def see(self, pattern: str, timeout_s: float) -> float:
        """Wait for a text after the last one seen; returns the seconds since power-on. Raises AssertionError."""
        deadline = time.monotonic() + timeout_s
        with self._changed:
            while (found := re.search(pattern, self._text[self._at :])) is None:
                left_s = deadline - time.monotonic()
                assert left_s > 0, f"no {pattern!r} on the serial line; it ends: {self._text[-500:]!r}"
                self._changed.wait(left_s)
            self._at += found.end()
        return time.monotonic() - self._started_s

    def enter(self, text: str) -> None:
        """Keys, with `\\n` for Enter."""
        self._line.sendall(text.encode("latin-1"))
