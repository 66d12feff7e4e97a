"""A test call: dials a number by a trunk, listens, says what the exchange and the ear say."""

from __future__ import annotations

from appliance.console.entries import Desk


def dial(desk: Desk, words: list[str]) -> int:
    """`call NUMBER [TRUNK]`; exit 1 when the call failed."""
    trunks = desk.doors.trunks()
    if not trunks:
        desk.terminal.say("No trunk is in use. Web: Trunks.")
        return 1
    number = words[0] if words else desk.terminal.read_line("Number, with + and country code: ")
    if not (number.startswith("+") and number[1:].isdigit() and 7 <= len(number) <= 16):
        desk.terminal.say("A number begins with + and has 7 to 15 digits.")
        return 2
    trunk = words[1] if len(words) > 1 else trunks[0]
    if not words and len(trunks) > 1:
        trunk = desk.terminal.read_line(f"Trunk ({', '.join(trunks)[:50]}) [{trunks[0]}]: ") or trunks[0]
    if trunk not in trunks:
        desk.terminal.say(f"No such trunk: {', '.join(trunks)}.")
        return 2
    desk.doors.note(desk.access.actor(), "console.test_call", trunk)
    found = desk.doors.test_call(number, trunk, desk.terminal.say)
    desk.terminal.say(f"Verdict: {found['outcome']} ({found['reason']}), {found['seconds']:.1f} s")
    return 0 if found["outcome"] not in ("trunk_failed", "congestion", "lost") else 1
