"""Disks: arrays, each disk by bay and serial, and the way of replacing one."""

from __future__ import annotations

from typing import Any

from appliance.console import facts
from appliance.console.entries import Desk


def _section(desk: Desk) -> dict[str, Any]:
    data = facts.hardware(desk.home).get("disks", {}).get("data", {})
    return data if isinstance(data, dict) else {}


def show(desk: Desk, words: list[str]) -> int:
    """`disks`: as last read; `disks replace`: bring a new disk in; `disks test SERIAL`: the disk's short self-test."""
    if words[:1] == ["replace"]:
        return _replace(desk)
    if words[:1] == ["test"] and len(words) > 1:
        return _test(desk, words[1])
    section = _section(desk)
    lines = []
    for array in section.get("arrays", []):
        missing = array.get("missing") or 0
        state = f"DEGRADED, {missing} missing" if missing else str(array.get("state", "?"))
        progress = array.get("progress")
        busy = f", {progress:.0%} done" if isinstance(progress, float) else ""
        lines.append(f"array {array.get('name')}: {state}{busy}")
    for disk in section.get("disks", []):
        health = disk.get("health") or {}
        warm = health.get("temperature_c")
        figures = "" if warm is None else f"{warm} C"
        size_gb = (disk.get("size_bytes") or 0) / 1e9
        lines.append(
            f"bay {disk.get('bay') or '?'}: {str(disk.get('model'))[:22]} serial {disk.get('serial')} "
            f"{size_gb:.0f} GB {figures}"
        )
    desk.terminal.page(lines or ["No disk has been read yet."])
    degraded = any(array.get("missing") for array in section.get("arrays", []))
    if degraded:
        desk.terminal.say("To bring a new disk in: disks replace")
    return 1 if degraded else 0


def _replace(desk: Desk) -> int:
    """Both disks are shown with bay and serial; the new one's last four characters are typed; the box does the rest."""
    from appliance.commands import ReplaceDisk, ShowDisks

    actor = desk.access.actor()
    if not actor:
        return 1
    shown = desk.doors.ask(ShowDisks(actor_id=actor)).data
    pictures = [picture for picture in shown.get("pictures", []) if picture.get("candidates")]
    if not pictures:
        desk.terminal.say("No disk in the box can take the place of a missing one. Put one in, then try again.")
        return 1
    picture = pictures[0]
    for disk in picture.get("good", []):
        desk.terminal.say(f"DO NOT TOUCH  bay {disk.get('bay') or '?'} {disk.get('model')} serial {disk.get('serial')}")
    for disk in picture["candidates"]:
        desk.terminal.say(f"new           bay {disk.get('bay') or '?'} {disk.get('model')} serial {disk.get('serial')}")
    serial = desk.terminal.read_line("Serial of the NEW disk: ")
    last_four = desk.terminal.read_line("Its last four characters again, to erase it: ")
    desk.doors.ask(
        ReplaceDisk(actor_id=actor, array=str(picture.get("array")), serial=serial, confirmation=last_four)
    )
    desk.terminal.say("Begun. It goes on by itself, also over a restart; any key leaves the view.")
    before = ""
    while desk.terminal.key("", 1.0) is None:
        running = facts.hardware(desk.home).get("replacement", {}).get("data", {})
        fraction, eta_s = running.get("fraction"), running.get("eta_s")
        done = f" {fraction:.0%}" if isinstance(fraction, int | float) else ""
        left = f", {facts.duration(eta_s)} left" if isinstance(eta_s, int | float) else ""
        line = f"{running.get('step')}{done}{left} {running.get('trouble', '')}".rstrip()
        if line != before:
            desk.terminal.say(line)
        before = line
        if running and not running.get("running", True):
            return 0
    return 0


def _test(desk: Desk, serial: str) -> int:
    from appliance.commands import RunDiskTest

    actor = desk.access.actor()
    if not actor:
        return 1
    desk.doors.ask(RunDiskTest(actor_id=actor, serial=serial))
    desk.terminal.say("The disk tests itself (about two minutes); calls are not disturbed. See: disks")
    return 0
