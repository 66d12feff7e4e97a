"""Logs: the end of one, filtered, and what comes."""

from __future__ import annotations

import re
from collections import deque
from pathlib import Path

from appliance.console.entries import Desk
from appliance.console.terminal import Interrupted

_TAIL = 20
_READ_BYTES = 200_000
_LOOK_S = 0.5
_TIME = re.compile(r"^timestamp=\d{4}-\d\d-\d\dT(\d\d:\d\d:\d\d)\S* ")


def _short(line: str) -> str:
    """The hour is enough on a narrow screen."""
    return _TIME.sub(r"\1 ", line)


def _tail(path: Path, wanted: str, count: int) -> list[str]:
    with path.open("rb") as handle:
        handle.seek(0, 2)
        handle.seek(max(0, handle.tell() - _READ_BYTES))
        text = handle.read().decode("utf-8", "replace")
    return list(deque((_short(line) for line in text.splitlines() if wanted in line.lower()), maxlen=count))


def show(desk: Desk, words: list[str]) -> int:
    """`logs NAME [FILTER] [follow]`."""
    names = sorted(path.stem for path in desk.home.logs.glob("*.log"))
    if not names:
        desk.terminal.say("There is no log yet.")
        return 1
    name = words[0] if words else desk.terminal.read_line(f"{' '.join(names)}\nWhich: ")
    path = desk.home.logs / f"{name}.log"
    if name not in names:
        desk.terminal.say("No such log.")
        return 2
    follow = words[-1:] == ["follow"]
    given = words[1:-1] if follow else words[1:]
    wanted = " ".join(given).lower()
    if not words:
        wanted = desk.terminal.read_line("Only lines with (Enter: all): ").lower()
    desk.terminal.say(*_tail(path, wanted, _TAIL))
    if follow or (not words and desk.terminal.choice("f: follow, else: menu ") == "f"):
        _follow(desk, path, wanted)
    return 0


def _follow(desk: Desk, path: Path, wanted: str) -> None:
    """New lines until a key; a log that was rotated is begun anew."""
    desk.terminal.say("Following; any key ends.")
    size, rest = path.stat().st_size, b""
    while desk.terminal.key("", _LOOK_S) is None:
        now = path.stat().st_size if path.exists() else 0
        if now < size:
            size, rest = 0, b""
        if now == size:
            continue
        with path.open("rb") as handle:
            handle.seek(size)
            rest += handle.read(65_536)
            size = handle.tell()
        *whole, rest = rest.split(b"\n")
        for raw in whole:
            line = raw.decode("utf-8", "replace")
            if wanted in line.lower():
                desk.terminal.say(_short(line))
            if desk.terminal.key("", 0.0) is not None:
                raise Interrupted
