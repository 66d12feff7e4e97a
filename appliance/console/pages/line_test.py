"""The line test: a pair measured with a SCPI meter, step by step; the signed report goes to a USB stick."""

from __future__ import annotations

import os
from pathlib import Path

from appliance.console.entries import Desk

_STICKS = Path("/run/media/callbox")
"""Where the device mounts sticks."""


def run(desk: Desk, words: list[str]) -> int:
    """`linetest PAIR [RESOURCE|simulate]`; exit 1 when a figure is not in order."""
    actor = desk.access.actor()
    if not actor:
        return 1
    pair = words[0] if words else desk.terminal.read_line("Pair, as on the frame: ")
    if not pair:
        return 2
    resource = words[1] if len(words) > 1 else desk.terminal.read_line("Meter (Enter: as set; or: simulate): ")
    simulate = resource == "simulate"
    desk.doors.note(actor, "line_test.begin", pair)
    found = desk.doors.line_test(
        pair, "" if simulate else resource, desk.terminal.say, desk.terminal.read_line, actor_id=actor,
        simulate=simulate,
    )  # fmt: skip
    if not found:
        desk.terminal.say("Nothing was measured.")
        return 1
    desk.terminal.say(f"{found['pair']}: {str(found['verdict']).upper()}{' (simulated)' if found['simulated'] else ''}")
    sticks = [stick for stick in sorted(_STICKS.glob("*")) if os.path.ismount(stick)]
    folder = sticks[0] if sticks else desk.home.root / "support"
    desk.terminal.say(f"Signed report: {desk.doors.line_test_report(str(found['id']), folder)}")
    return 1 if found["verdict"] == "bad" else 0
