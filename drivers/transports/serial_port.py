"""A serial port over pyserial: exclusive twice (lock file, TIOCEXCL), at ease with ptys."""

from __future__ import annotations

import contextlib
import fcntl
import termios
from pathlib import Path

import serial

from drivers.lines import ReaderError
from drivers.resources import SerialPort
from drivers.transports.lock import PortLock


class SerialTransport:
    """An open serial port, 8N1 without flow control."""

    def __init__(self, port: SerialPort, lock_dir: Path) -> None:
        self.name = port.name
        self._port = port
        self._lock = PortLock(lock_dir, port.name)
        self._serial: serial.Serial | None = None

    def open(self) -> None:
        """Take the port. Raises :class:`ReaderError` that says whether it is gone, forbidden or taken."""
        self._lock.take()
        try:
            opened = serial.Serial(self._port.device, self._port.baud, timeout=0, write_timeout=5, exclusive=True)
        except (serial.SerialException, OSError, ValueError) as error:
            self._lock.give()
            number = getattr(error, "errno", None)
            if isinstance(error, serial.SerialException) and "lock" in str(error):
                raise ReaderError("line.port_taken", f"{self._port.device} is used by another program.") from error
            what = {2: "is not there: is the cable plugged in?", 13: "may not be opened by this user"}.get(
                number or 0, f"cannot be opened: {error}"
            )
            raise ReaderError("line.no_port", f"{self._port.device} {what}") from error
        fcntl.ioctl(opened.fileno(), termios.TIOCEXCL)
        for signal in ("dtr", "rts"):
            with contextlib.suppress(OSError):  # a pty has no modem lines (errno 25)
                setattr(opened, signal, True)
        self._serial = opened

    def close(self) -> None:
        """Give the port back; a port that has gone is fine."""
        if self._serial is not None:
            with contextlib.suppress(OSError, serial.SerialException):
                fcntl.ioctl(self._serial.fileno(), termios.TIOCNXCL)
            with contextlib.suppress(OSError, serial.SerialException):
                self._serial.close()
            self._serial = None
        self._lock.give()

    def fileno(self) -> int:
        """The descriptor. Raises :class:`ReaderError` when closed."""
        if self._serial is None:
            raise ReaderError("line.no_port", f"{self._port.device} is not open.")
        return int(self._serial.fileno())
