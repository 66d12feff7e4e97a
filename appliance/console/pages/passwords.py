"""Passwords: the first log-in's link, a new password for somebody, a new service code."""

from __future__ import annotations

from appliance.console import code
from appliance.console.entries import Desk


def show(desk: Desk, words: list[str]) -> int:
    """`passwords`: the set-up link of a new box, else: `reset LOGIN` or `code`."""
    link = desk.doors.set_up_link()
    if link:
        desk.terminal.say("Open this link once and set the administrator's password:")
        desk.terminal.write(f"{link}\n")  # whole, however long
        return 0
    what = words[0] if words else desk.terminal.read_line("reset (a password) or code (a new service code): ")
    if what not in ("reset", "code"):
        return 2
    actor = desk.access.actor()
    if not actor:
        return 1
    if what == "code":
        desk.doors.note(actor, "console.service_code", "made")
        desk.terminal.say(f"The service code, to be written down now: {code.make(desk.home.console_code)}")
        return 0
    login = words[1] if len(words) > 1 else desk.terminal.read_line(f"Whose ({', '.join(desk.doors.logins())[:50]}): ")
    password = desk.terminal.read_line("New password: ", secret=True)
    if password != desk.terminal.read_line("Again: ", secret=True):
        desk.terminal.say("Not the same. Nothing was changed.")
        return 2
    desk.doors.set_password(login, password, actor)
    desk.terminal.say(f"'{login}' has a new password; all sessions of that name have ended.")
    return 0
