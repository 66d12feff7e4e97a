"""Reboot, shut down and factory reset, by privd."""

from __future__ import annotations

import socket

from appliance.console.entries import Desk
from appliance.home import WAITS_AT_START


def _end(desk: Desk, action: str, what: str) -> int:
    if action not in desk.doors.root_actions():
        desk.terminal.say(f"This box cannot be {what} from here.")
        return 1
    if action == "reboot":
        _say_who_waits(desk)
    if not desk.terminal.yes(f"Calls in progress end. Shall the box be {what} now"):
        return 1
    actor = desk.access.actor()
    desk.doors.note(actor, action, "")
    desk.doors.root(action, actor)
    desk.terminal.say(f"The box is being {what}.")
    return 0


def _say_who_waits(desk: Desk) -> None:
    if WAITS_AT_START.exists():
        desk.terminal.say("After the restart the box waits here for the passphrase of its data.")


def reboot(desk: Desk, words: list[str]) -> int:
    """Asks once more."""
    del words
    return _end(desk, "reboot", "rebooted")


def shut_down(desk: Desk, words: list[str]) -> int:
    """Asks once more."""
    del words
    return _end(desk, "power-off", "shut down")


def factory_reset(desk: Desk, words: list[str]) -> int:
    """All data is made anew at the next boot, which follows at once. Asks for the name; works without services."""
    name = socket.gethostname()
    if "data-reset" not in desk.doors.root_actions():
        desk.terminal.say("This box has no data partition of its own.")
        return 1
    desk.terminal.say("All users, settings, lists and recordings are deleted for ever.")
    _say_who_waits(desk)
    typed = words[0] if words else desk.terminal.read_line(f"Type the box's name, {name}, to go on: ")
    if typed.strip() != name:
        desk.terminal.say("Nothing was changed.")
        return 1
    actor = desk.access.actor()
    desk.doors.note(actor, "box.reset", "box")
    desk.doors.root("data-reset", actor)
    desk.doors.root("reboot", actor)
    desk.terminal.say("The box restarts with new data.")
    return 0
