"""`console@ttyS0`, `callbox-console` and `callbox console`: the menu with the box put behind it.

Only the standard library is imported here: the menu is on the screen before the first entry needs more.
"""

from __future__ import annotations

import signal
import sys
from types import FrameType

from appliance.console.entries import ENTRIES, registered
from appliance.console.menu import Menu, find
from appliance.console.terminal import Hangup, Interrupted, Terminal
from appliance.home import Home, home_from_environment
from appliance.services.console_doors import RealDoors

_WRONG_USE = 2


def _on_hangup(_number: int, _frame: FrameType | None) -> None:
    raise Hangup


def run(home: Home, words: list[str]) -> int:
    """The menu until the line is gone, or one entry; returns the exit status."""
    signal.signal(signal.SIGHUP, _on_hangup)
    signal.signal(signal.SIGTERM, _on_hangup)
    doors = RealDoors(home)
    try:
        with Terminal() as terminal:
            menu = Menu(home, doors, terminal)
            if not words:
                menu.run()
                return 0
            # a subcommand also runs where the menu would not show it: it says itself what is missing
            entry = find([*ENTRIES, *registered(home)], words[0])
            if entry is None or words[0].isdigit():
                names = ", ".join(entry.name for entry in [*ENTRIES, *registered(home)])
                terminal.say(f"No such entry. One of: {names}")
                return _WRONG_USE
            return menu.run_entry(entry, words[1:])
    except (Hangup, Interrupted):
        return 0 if not words else 1


def main() -> int:
    """Entry point of `callbox-console`."""
    return run(home_from_environment(), sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
