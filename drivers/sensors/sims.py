"""Sensors that are not there: a NUT server on TCP, files of hwmon, network and pressure, programs that answer
from files. Each can be told to fail.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Self


class NutFault(StrEnum):
    """What the server does wrong."""

    NONE = ""
    STALE = "stale"
    """The driver has lost the UPS: ERR DATA-STALE."""
    HANG = "hang"
    """Takes everything, says nothing."""
    HALF = "half"
    """Closes in mid-list."""
    NOISE = "noise"
    """Is no NUT server at all."""
    ENDLESS = "endless"
    """A line without an end."""


class NutServer:
    """Serves `variables` of UPS `ups` on a free loopback port until closed. `fault` may be changed at any time."""

    def __init__(self, variables: dict[str, str] | None = None) -> None:
        self.variables = {"ups.status": "OL", "battery.charge": "100", **(variables or {})}
        self.fault = NutFault.NONE
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        self._closing = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError), connection.makefile("rb") as lines:
            for line in lines:
                if self.fault is NutFault.HANG:
                    self._closing.wait()
                    return
                if line.strip() == b"LOGOUT":
                    return
                connection.sendall(self._answer(line.decode("ascii", "replace").strip()))
                if self.fault is NutFault.HALF:
                    return

    def _answer(self, line: str) -> bytes:
        if self.fault is NutFault.NOISE:
            return b"HTTP/1.1 400 Bad Request\r\n\r\n"
        if self.fault is NutFault.ENDLESS:
            return b"x" * 5000
        if line == "LIST UPS":
            rows = ['UPS office "in the rack"']
        elif line == "LIST VAR office":
            if self.fault is NutFault.STALE:
                return b"ERR DATA-STALE\n"
            rows = [f'VAR office {name} "{value}"' for name, value in self.variables.items()]
        else:
            return b"ERR INVALID-ARGUMENT\n"
        if self.fault is NutFault.HALF:
            return f"BEGIN {line}\n{rows[0][:9]}".encode()
        return "\n".join([f"BEGIN {line}", *rows, f"END {line}", ""]).encode()

    def close(self) -> None:
        """Stop; may be called twice."""
        self._closing.set()
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class SensorTree:
    """Files below `root` as the kernel shows them."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def sensor(self, chip: str, name: str, value: int | None, **limits: int | str) -> None:
        """`sensor("coretemp", "temp1", 45000, max=80000, label="Core 0")`; None takes it away."""
        folder = self.root / "sys/class/hwmon" / f"hwmon-{chip}"
        _put(folder, "name", chip)
        if value is None:
            (folder / f"{name}_input").unlink(missing_ok=True)
        else:
            _put(folder, f"{name}_input", value)
        for limit, at in limits.items():
            _put(folder, f"{name}_{limit}", at)

    def link(self, name: str, *, up: bool | None, speed: int = 1000, duplex: str = "full") -> None:
        """`up` None: switched off, where the kernel refuses to say."""
        folder = self.root / "sys/class/net" / name
        (folder / "device").mkdir(parents=True, exist_ok=True)
        for file, value in (("speed", speed), ("duplex", duplex), ("address", "52:54:00:00:00:01")):
            _put(folder, file, value)
        if up is None:
            (folder / "carrier").unlink(missing_ok=True)
        else:
            _put(folder, "carrier", int(up))

    def memory(self, *, total_mb: int, free_mb: int, waiting: float = 0.0) -> None:
        """`waiting`: fraction of the last minute in which everything waited for memory."""
        _put(self.root / "proc", "meminfo", f"MemTotal: {total_mb * 1024} kB\nMemAvailable: {free_mb * 1024} kB")
        self.pressure("memory", waiting)

    def pressure(self, what: str, waiting: float) -> None:
        """`what`: memory or io."""
        line = f"avg10={waiting * 100:.2f} avg60={waiting * 100:.2f} avg300=0.00 total=1"
        _put(self.root / "proc/pressure", what, f"some {line}\nfull {line}")


class SimPrograms:
    """Programs in a folder for PATH that answer from files: what they say, their exit status, or nothing at all."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def say(self, name: str, output: str, status: int = 0) -> None:
        """From now on the program `name` prints this and ends so."""
        (self.folder / f"{name}.out").write_text(output, "utf-8")
        self._script(name, f'cat "{self.folder}/{name}.out"; exit {status}')

    def hang(self, name: str) -> None:
        """It never answers."""
        self._script(name, "exec sleep 3600")

    def _script(self, name: str, line: str) -> None:
        path = self.folder / name
        new = path.with_suffix(".new")  # never a half-written program
        new.write_text(f"#!/bin/sh\n{line}\n", "utf-8")
        new.chmod(0o755)
        new.replace(path)


def _put(folder: Path, name: str, value: int | str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(f"{value}\n", "utf-8")
