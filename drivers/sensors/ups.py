"""Mains and battery by NUT (RFC 9271, TCP port 3493): a client of the few words that are needed."""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass

from drivers.lines import ReaderError

PORT = 3493
_MOST_LINES = 2000
_LONGEST_LINE = 1024
_NAME = r"[A-Za-z0-9_.-]{1,64}"
_UPS_LINE = re.compile(rf'UPS ({_NAME}) "(.*)"')
_VAR_LINE = re.compile(rf'VAR {_NAME} ([A-Za-z0-9_.-]+) "(.*)"')


@dataclass(frozen=True, slots=True)
class Ups:
    """One UPS. `error` is not empty when its driver has no fresh word: then the figures are unknown."""

    name: str
    model: str = ""
    on_battery: bool | None = None
    battery_low: bool = False
    replace_battery: bool = False
    overloaded: bool = False
    charge: float | None = None
    """Fraction."""
    runtime_s: int | None = None
    load: float | None = None
    error: str = ""


def parse_status(name: str, variables: dict[str, str]) -> Ups:
    """Make a status of a UPS's variables; `ups.status` is a list of words (OL, OB, LB, RB, OVER ...)."""
    words = set(variables.get("ups.status", "").split())
    on_battery = True if "OB" in words else False if "OL" in words else None
    model = " ".join(filter(None, (variables.get("ups.mfr"), variables.get("ups.model")))).strip()
    return Ups(
        name=name, model=model, on_battery=on_battery, battery_low="LB" in words, replace_battery="RB" in words,
        overloaded="OVER" in words, charge=_hundredth(variables.get("battery.charge")),
        runtime_s=_whole(variables.get("battery.runtime")), load=_hundredth(variables.get("ups.load")),
        error="" if on_battery is not None else f"its state is '{variables.get('ups.status', 'not told')}'",
    )  # fmt: skip


class NutClient:
    """Asks one server. Every call opens a connection of its own, so that nothing hangs on to a dead one."""

    def __init__(self, host: str, port: int = PORT, timeout_s: float = 3.0) -> None:
        self._host, self._port, self._timeout_s = host, port, timeout_s

    def read(self) -> tuple[Ups, ...]:
        """All UPS of the server. Raises ReaderError `ups.away` or `ups.protocol`."""
        try:
            with socket.create_connection((self._host, self._port), timeout=self._timeout_s) as connection:
                connection.settimeout(self._timeout_s)
                lines = _Lines(connection)
                names = [m[1] for line in lines.listed("UPS") if (m := _UPS_LINE.fullmatch(line))]
                found = tuple(self._one(lines, name) for name in names)
                connection.sendall(b"LOGOUT\n")
                return found
        except OSError as error:
            raise ReaderError(
                "ups.away", f"The UPS server at {self._host}:{self._port} does not answer ({error}). Check that "
                "nut-server runs there.",
            ) from error  # fmt: skip

    @staticmethod
    def _one(lines: _Lines, name: str) -> Ups:
        try:
            pairs = [m for line in lines.listed(f"VAR {name}") if (m := _VAR_LINE.fullmatch(line))]
        except _RefusedError as refused:  # DATA-STALE, DRIVER-NOT-CONNECTED: the cable to the UPS is out
            return Ups(name=name, error=str(refused))
        return parse_status(name, {m[1]: re.sub(r"\\(.)", r"\1", m[2]) for m in pairs})


class _RefusedError(ReaderError):
    """The server said ERR."""


class _Lines:
    """The server's answers, line by line, never more than so many."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._pending = b""

    def _line(self) -> str:
        while b"\n" not in self._pending:
            if len(self._pending) > _LONGEST_LINE:
                raise ReaderError("ups.protocol", "The UPS server sends lines without end; it is no NUT server.")
            part = self._connection.recv(4096)
            if not part:
                raise ReaderError("ups.protocol", "The UPS server closed the connection in mid-answer.")
            self._pending += part
        line, _, self._pending = self._pending.partition(b"\n")
        return line.decode("utf-8", "replace").strip()

    def listed(self, what: str) -> list[str]:
        """`LIST <what>`. Raises _RefusedError for ERR, ReaderError `ups.protocol` for anything odd."""
        self._connection.sendall(f"LIST {what}\n".encode())
        first = self._line()
        if first.startswith("ERR "):
            raise _RefusedError("ups.refused", first[4:])
        if first != f"BEGIN LIST {what}":
            raise ReaderError("ups.protocol", f"The UPS server answered '{first[:60]}'; it is no NUT server.")
        found: list[str] = []
        for _ in range(_MOST_LINES):
            line = self._line()
            if line == f"END LIST {what}":
                return found
            found.append(line)
        raise ReaderError("ups.protocol", "The UPS server's list has no end.")


def _hundredth(text: str | None) -> float | None:
    value = _number(text)
    return None if value is None else value / 100


def _whole(text: str | None) -> int | None:
    value = _number(text)
    return None if value is None else int(value)


def _number(text: str | None) -> float | None:
    """A figure that is finite and not negative."""
    found = re.fullmatch(r"\d{1,9}(\.\d{1,6})?", (text or "").strip())
    return float(found[0]) if found else None
