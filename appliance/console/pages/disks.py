"""Disks: arrays, each disk by bay and serial, and the way of replacing one."""

from __future__ import annotations

from typing import Any

from appliance.console import facts
from appliance.console.entries import Desk

_ROLES = {
    "good": "DO NOT TOUCH", "going": "to be pulled", "joining": "being filled", "new": "NEW", "refused": "not usable",
}  # fmt: skip


def _named(disk: dict[str, Any]) -> str:
    """A disk as its label says it: by bay and serial, never by the kernel's name."""
    return f"bay {disk.get('bay') or '?'}: {str(disk.get('model'))[:22]} serial {disk.get('serial')}"


def _section(desk: Desk) -> dict[str, Any]:
    data = facts.hardware(desk.home).get("disks", {}).get("data", {})
    return data if isinstance(data, dict) else {}


def show(desk: Desk, words: list[str]) -> int:
    """`disks`: as last read; `disks replace`: bring a new disk in; `disks test SERIAL`: its short self-test;
    `disks light SERIAL [off]`: the lamp of its bay."""
    if words[:1] == ["replace"]:
        return _replace(desk)
    if words[:1] == ["test"] and len(words) > 1:
        return _test(desk, words[1])
    if words[:1] == ["light"] and len(words) > 1:
        return _light(desk, words[1], on=words[2:] != ["off"])
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
        report = health.get("report") or {}
        warm = report.get("temperature_c")
        figures = ["" if warm is None else f"{warm} C", *map(str, report.get("troubles") or [])]
        if health.get("replace_by"):
            figures.append(f"replace by {health['replace_by']}")
        lines.append(f"{_named(disk)} {(disk.get('size_bytes') or 0) / 1e9:.0f} GB {' '.join(figures)}".rstrip())
    desk.terminal.page(lines or ["No disk has been read yet."])
    if any(disk.get("has_lamp") for disk in section.get("disks", [])):
        desk.terminal.say("To light the lamp of a bay: disks light SERIAL")
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
    bays = {disk.get("serial"): disk.get("bay") for disk in shown.get("disks", [])}
    ready = [picture for picture in shown.get("pictures", []) if picture.get("ready")]
    for picture in ready or shown.get("pictures", []):
        for placed in picture.get("placed", []):
            disk = {**placed["disk"], "bay": bays.get(placed["disk"].get("serial"))}
            refusal = placed.get("refusal") or placed.get("found")
            why = f" ({refusal})" if placed.get("role") == "refused" and refusal else ""
            desk.terminal.say(f"{_ROLES.get(str(placed.get('role')), '?'):12} {_named(disk)}{why}")
    if not ready:
        desk.terminal.say("No disk in the box can take the place of a missing one. Put one in, then try again.")
        return 1
    picture = ready[0]
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


def _light(desk: Desk, serial: str, *, on: bool) -> int:
    from appliance.commands import LocateDisk

    actor = desk.access.actor()
    if not actor:
        return 1
    desk.doors.ask(LocateDisk(actor_id=actor, serial=serial, on=on))
    desk.terminal.say("Its lamp burns for ten minutes." if on else "Its lamp is out.")
    return 0


def _test(desk: Desk, serial: str) -> int:
    from appliance.commands import RunDiskTest

    actor = desk.access.actor()
    if not actor:
        return 1
    desk.doors.ask(RunDiskTest(actor_id=actor, serial=serial))
    desk.terminal.say("The disk tests itself (about two minutes); calls are not disturbed. See: disks")
    return 0
