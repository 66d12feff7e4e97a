"""The full check, and the support bundle (on a USB stick when one is plugged in)."""

from __future__ import annotations

import os
from pathlib import Path

from appliance.console.entries import Desk

_STICKS = Path("/run/media/callbox")
"""Where the device mounts sticks."""


def run(desk: Desk, words: list[str]) -> int:
    """Each part of the box, one line each; exit 1 when one is bad."""
    del words
    found = desk.doors.check(desk.terminal.say)
    desk.terminal.say("All is well." if found["ok"] else "Something is wrong: see the lines with BAD.")
    return 0 if found["ok"] else 1


def bundle(desk: Desk, words: list[str]) -> int:
    """`bundle [FOLDER]`: personal data are masked; no recording and no row of the database is in it."""
    if words:
        folder = Path(words[0])
    else:
        sticks = [stick for stick in sorted(_STICKS.glob("*")) if os.path.ismount(stick)]
        folder = sticks[0] if sticks else desk.home.root / "support"
        if not sticks:
            desk.terminal.say(f"No USB stick is plugged in; it goes to {folder}.")
    path = desk.doors.bundle(folder, desk.terminal.say)
    desk.terminal.say(f"{path} ({path.stat().st_size // 1024} KB)")
    return 0
