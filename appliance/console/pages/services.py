"""Services: state of each; restart one."""

from __future__ import annotations

from appliance.console.entries import Desk
from appliance.console.facts import duration


def show(desk: Desk, words: list[str]) -> int:
    """`services`: all; `services restart NAME`."""
    services = desk.doors.services()
    names = [service.name for service in services]
    if words[:1] == ["restart"]:
        name = words[1] if len(words) > 1 else desk.terminal.read_line(f"Which ({', '.join(names)}): ")
        return _restart(desk, name, names)
    desk.terminal.page([f"{service.name:12} {service.state:9} {duration(service.since_s)}" for service in services])
    if desk.terminal.interactive and not words:
        name = desk.terminal.read_line("Restart which (Enter: none): ")
        if name:
            return _restart(desk, name, names)
    return 0 if all(service.state == "RUNNING" for service in services) else 1


def _restart(desk: Desk, name: str, names: list[str]) -> int:
    if name not in names:
        desk.terminal.say("No such service.")
        return 2
    actor = desk.access.actor()
    if not actor:
        return 1
    desk.doors.note(actor, "service.restart", name)
    desk.doors.restart(name)
    desk.terminal.say(f"{name} was restarted.")
    return 0
