"""The menu as a table. Code of an entry is imported when it is chosen, so that the menu opens at once.

Services that come later (backup, restore, update, rollback, factory reset) register: a JSON file in `run/console.d`
{"name", "title", "command": [...], "changes": true}. An entry whose service is not there is not shown.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from appliance.console import facts
from appliance.home import Home

if TYPE_CHECKING:
    from appliance.console.access import Access
    from appliance.console.doors import Doors
    from appliance.console.terminal import Terminal


class Desk(NamedTuple):  # dataclasses would cost a third of the first paint
    """What an entry works with."""

    home: Home
    doors: Doors
    terminal: Terminal
    access: Access


Page = Callable[[Desk, list[str]], int]
"""Runs an entry with the words that followed its name; returns an exit status (0 well, 1 fault, 2 wrong use)."""


def _always(_home: Home) -> bool:
    return True


def _has(section: str) -> Callable[[Home], bool]:
    """Whether `watch` has read any of these (lines, disks)."""
    return lambda home: bool((facts.hardware(home).get(section) or {}).get("data", {}).get(section))


def _privd(home: Home) -> bool:
    return (home.run / "privd.sock").exists()


class Entry(NamedTuple):
    """One line of the menu. `changes`: asked for a password before it runs (pages that ask themselves say False)."""

    name: str
    title: str
    page: str = ""
    changes: bool = False
    available: Callable[[Home], bool] = _always
    command: tuple[str, ...] = ()

    def load(self) -> Page:
        """Import the page now."""
        if self.command:
            command = self.command
            return lambda desk, words: desk.doors.run([*command, *words], desk.terminal.say)
        module, _, function = self.page.partition(":")
        page: Page = getattr(importlib.import_module(f"appliance.console.pages.{module}"), function)
        return page


ENTRIES = (
    Entry("lines", "Lines", "lines:show", available=_has("lines")),
    Entry("alarms", "Alarms", "alarms:show"),
    Entry("disks", "Disks, replace", "disks:show", available=_has("disks")),
    Entry("network", "Network", "network:show"),
    Entry("call", "Test call", "call:dial", changes=True),
    Entry("loop", "Loop-back", "lines:loop", changes=True, available=_has("lines")),
    Entry("linetest", "Line test", "line_test:run"),
    Entry("check", "Full check", "check:run"),
    Entry("logs", "Logs", "logs:show"),
    Entry("services", "Services", "services:show"),
    Entry("passwords", "Passwords", "passwords:show"),
    Entry("bundle", "Support bundle", "check:bundle"),
    Entry("reset", "Factory reset", "power:factory_reset", changes=True, available=_privd),
    Entry("reboot", "Reboot", "power:reboot", changes=True, available=_privd),
    Entry("shutdown", "Shut down", "power:shut_down", changes=True, available=_privd),
)
_BEFORE = "reset"
"""Registered entries stand before this one."""


def registered(home: Home) -> list[Entry]:
    """What services have registered; a broken file registers nothing."""
    found = []
    for path in sorted(home.console_entries.glob("*.json")):
        try:
            told = json.loads(path.read_bytes())
            command = tuple(str(word) for word in told["command"])
            entry = Entry(str(told["name"]), str(told["title"])[:16], changes=bool(told["changes"]), command=command)
        except (OSError, ValueError, KeyError, TypeError):
            continue
        if command and entry.name.isascii() and entry.name.isidentifier():
            found.append(entry)
    return found


def entries(home: Home) -> list[Entry]:
    """The menu as it is now, in its order."""
    shown = [entry for entry in ENTRIES if entry.available(home)]
    at = next((n for n, entry in enumerate(shown) if entry.name == _BEFORE), len(shown))
    taken = {entry.name for entry in ENTRIES}
    return [*shown[:at], *(entry for entry in registered(home) if entry.name not in taken), *shown[at:]]
