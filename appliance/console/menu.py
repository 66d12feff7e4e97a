"""The menu: banner, red lines first, numbered entries; runs one and comes back, whatever happened in it."""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING

from appliance.console import facts
from appliance.console.access import Access
from appliance.console.entries import Desk, Entry, entries
from appliance.console.terminal import COLUMNS, Hangup, IdleTooLong, Interrupted, Terminal, fit, wrap
from appliance.errors import CallboxError
from appliance.home import Home, product_version

if TYPE_CHECKING:
    from appliance.console.doors import Doors

_IDLE_S = 900.0
_RED_LINES = 2
_IN_A_ROW = 3


def banner(home: Home) -> list[str]:
    """Name, addresses, version, time, role."""
    where = [f"{name} {address}" for name, address in facts.addresses().items()] or ["no address"]
    now = time.strftime("%Y-%m-%d %H:%M:%S %Z")
    first = f"Callbox {product_version()} on {socket.gethostname()}, {facts.role(home)}, {now}"
    return [first[: COLUMNS - 1], f"{', '.join(where[:3])}, web port {facts.web_port(home)}"]


def menu_lines(shown: list[Entry]) -> list[str]:
    """Three entries a line; no trailing blanks, each byte counts."""
    cells = [f"{number:2} {entry.title}" for number, entry in enumerate(shown, start=1)]
    rows = [cells[start : start + _IN_A_ROW] for start in range(0, len(cells), _IN_A_ROW)]
    return ["".join(f"{cell:20}" for cell in row).rstrip() for row in rows]


def paint(home: Home) -> str:
    """The first screen: at most 600 bytes."""
    red = facts.red_lines(home)
    more = [f"!  and {len(red) - _RED_LINES} more: alarms"] if len(red) > _RED_LINES else []
    lines = [*banner(home), *(line[:60] for line in red[:_RED_LINES]), *more, *menu_lines(entries(home))]
    return "".join(f"{fit(line)}\n" for line in lines) + "> "


class Menu:
    """One technician's visit."""

    def __init__(self, home: Home, doors: Doors, terminal: Terminal) -> None:
        self._home = home
        self._terminal = terminal
        self._access = Access(home, doors, terminal)
        self._desk = Desk(home, doors, terminal, self._access)

    def run(self) -> None:
        """Until the line is gone."""
        prompt = paint(self._home)
        while True:
            try:
                typed = self._terminal.read_line(prompt, idle_s=_IDLE_S)
                prompt = self._choose(typed)
            except Hangup:
                return
            except Interrupted:
                prompt = "^C\n> "
            except IdleTooLong:
                self._access.lock()
                prompt = "\n" + paint(self._home)

    def _choose(self, typed: str) -> str:
        """Run what was typed; returns the next prompt."""
        words = typed.split()
        if not words:
            return paint(self._home)
        shown = entries(self._home)
        entry = find(shown, words[0])
        if entry is None:
            return f"No such entry. 1 to {len(shown)}, a name, or Enter for the menu.\n> "
        self.run_entry(entry, words[1:])
        return "> "

    def run_entry(self, entry: Entry, words: list[str]) -> int:
        """Run one entry; a failure is a line on the screen. Raises Hangup and Interrupted alone."""
        try:
            if entry.changes and not self._access.actor():
                return 1
            return entry.load()(self._desk, words)
        except CallboxError as error:
            self._terminal.say(*wrap(f"{entry.name}: {error.message}", ""))
        except IdleTooLong:
            self._terminal.say(f"{entry.name}: nothing typed, left.")
        except (Hangup, Interrupted):
            raise
        except Exception as error:  # the console must stand when nothing else does  # noqa: BLE001
            import traceback

            self._note(traceback.format_exc())
            self._terminal.say(f"{entry.name} broke: {type(error).__name__}: {error}")
        return 1

    def _note(self, text: str) -> None:
        try:
            with (self._home.logs / "console.log").open("a", encoding="utf-8") as handle:
                handle.write(f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())} {text}\n")
        except OSError:
            return  # a full or broken disk: the line on the screen has said it


def find(shown: list[Entry], word: str) -> Entry | None:
    """By number or name."""
    if word.isdigit():
        return shown[int(word) - 1] if 1 <= int(word) <= len(shown) else None
    return next((entry for entry in shown if entry.name == word.lower()), None)
