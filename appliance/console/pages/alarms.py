"""Alarms: what stands, why, and what to do; what stood last. The box is looked at anew, whatever `watch` says."""

from __future__ import annotations

import time

from appliance.console import facts
from appliance.console.entries import Desk
from appliance.console.terminal import wrap


def show(desk: Desk, words: list[str]) -> int:
    """`alarms`: now; `alarms past`: the last ones that are over; `alarms ack KEY`."""
    if words[:1] == ["past"]:
        recent = facts.read_json(desk.home.alerts_file).get("recent", [])
        desk.terminal.page([f"{_at(alert['since_unix_s'])} - {_at(alert['until_unix_s'])} {alert['title']}"
                            for alert in recent])  # fmt: skip
        return 0
    if words[:1] == ["ack"]:
        return _acknowledge(desk, words[1:])
    desk.terminal.say("Looking...")
    health = desk.doors.health()
    found = [finding for finding in health["findings"] if finding["severity"] != "info"]
    alone = [finding for finding in found if not finding["caused_by"]]
    lines = []
    for finding in alone:
        lines += [f"{finding['severity'].upper()} {finding['title']}  [{finding['key']}]", *wrap(finding["text"])]
        lines += [f"  and so: {other['title']}" for other in found if other["caused_by"] == finding["key"]]
    unknown = [condition["title"] for condition in health["conditions"] if condition["state"] == "unknown"]
    if unknown:
        lines.append(f"Not seen: {', '.join(unknown)}")
    desk.terminal.page(lines or ["All is well."])
    return 1 if alone else 0


def _acknowledge(desk: Desk, words: list[str]) -> int:
    from appliance.commands import AcknowledgeAlert

    if not words:
        desk.terminal.say("alarms ack KEY")
        return 2
    actor = desk.access.actor()
    if not actor:
        return 1
    desk.doors.ask(AcknowledgeAlert(actor_id=actor, key=words[0]))
    desk.terminal.say("Acknowledged: it goes no further.")
    return 0


def _at(unix_s: float) -> str:
    return time.strftime("%m-%d %H:%M", time.localtime(unix_s))
