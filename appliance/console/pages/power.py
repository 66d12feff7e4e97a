"""Reboot and shut down, by privd."""

from __future__ import annotations

from appliance.console.entries import Desk


def _end(desk: Desk, action: str, what: str) -> int:
    if action not in desk.doors.root_actions():
        desk.terminal.say(f"This box cannot be {what} from here.")
        return 1
    if not desk.terminal.yes(f"Calls in progress end. Shall the box be {what} now"):
        return 1
    actor = desk.access.actor()
    desk.doors.note(actor, action, "")
    desk.doors.root(action, actor)
    desk.terminal.say(f"The box is being {what}.")
    return 0


def reboot(desk: Desk, words: list[str]) -> int:
    """Asks once more."""
    del words
    return _end(desk, "reboot", "rebooted")


def shut_down(desk: Desk, words: list[str]) -> int:
    """Asks once more."""
    del words
    return _end(desk, "power-off", "shut down")
