"""A console behind a terminal server: raw TCP, one owner by lock file."""

from __future__ import annotations

import contextlib
import socket
from pathlib import Path

from drivers.lines import ReaderError
from drivers.resources import TcpPort
from drivers.transports.lock import PortLock

_CONNECT_S = 5.0


class TcpTransport:
    """A connected socket."""

    def __init__(self, port: TcpPort, lock_dir: Path) -> None:
        self.name = port.name
        self._port = port
        self._lock = PortLock(lock_dir, port.name)
        self._socket: socket.socket | None = None

    def open(self) -> None:
        """Connect. Raises :class:`ReaderError` (``line.no_port``, ``line.port_taken``)."""
        self._lock.take()
        try:
            opened = socket.create_connection((self._port.host, self._port.port), timeout=_CONNECT_S)
        except OSError as error:
            self._lock.give()
            raise ReaderError(
                "line.no_port", f"{self.name} does not answer ({error}). Is the terminal server on and reachable?"
            ) from error
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self._socket = opened

    def close(self) -> None:
        """Hang up; may be called twice."""
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.close()
            self._socket = None
        self._lock.give()

    def fileno(self) -> int:
        """The descriptor. Raises :class:`ReaderError` when closed."""
        if self._socket is None:
            raise ReaderError("line.no_port", f"{self.name} is not connected.")
        return self._socket.fileno()
