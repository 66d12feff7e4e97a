"""Lines: a map of each span's slots, live; loop-backs."""

from __future__ import annotations

import time
from typing import Any

from appliance.console import facts
from appliance.console.entries import Desk

_SLOTS = {"idle": ".", "busy": "B", "blocked": "x", "signalling": "S", "alarm": "!", "unknown": "?"}
_LEGEND = ". idle  B busy  x blocked  S signalling  ! alarm  ? unknown"
_STALE_S = 30.0
_LIVE_S = 1.0
_LOOP_VERBS = {"local": "loop_local", "line": "loop_line", "payload": "loop_payload", "off": "loop_off"}


def _lines(desk: Desk) -> list[dict[str, Any]]:
    """Lines as last read; a section that failed or is old makes each of them stale."""
    section = facts.hardware(desk.home).get("lines", {})
    rows = section.get("data", {}).get("lines", [])
    old = bool(section.get("error")) or (facts.hardware_age_s(desk.home) or 0.0) > _STALE_S
    return [{**row, "stale": row.get("stale") or old} for row in rows if isinstance(row, dict)]


def _state(line: dict[str, Any]) -> str:
    if line.get("alarms"):
        return "+".join(sorted(str(alarm).upper() for alarm in line["alarms"]))
    return {True: "up", False: "DOWN", None: "?"}[line.get("up")]


def _row(line: dict[str, Any]) -> str:
    name = str(line.get("line_id", "?"))[:12]
    channels = [str(channel) for channel in line.get("channels", [])]
    slots = "".join(_SLOTS.get(channel, "?") for channel in channels)
    if line.get("kind") == "fxo":
        fxo = line.get("fxo") or {}
        figures = [f"{fxo[key]:g} {unit}" for key, unit in (("volts", "V"), ("milliamps", "mA"))
                   if isinstance(fxo.get(key), int | float)]  # fmt: skip
        slots = f"{slots} {' '.join(figures)}"
    else:
        layers = [line.get("d_channel_l1"), line.get("d_channel_l2")]
        slots = f"{slots:31} D{''.join({True: '+', False: '-', None: '?'}[layer] for layer in layers)}"
    used = "" if line.get("in_use") is None else f" {line['in_use']} used"
    stale = " OLD" if line.get("stale") else ""
    return f"{name:12} {_state(line):9} {slots}{used}{stale}".rstrip()


def show(desk: Desk, words: list[str]) -> int:
    """Each line with its slots; `lines watch` goes on and shows what changes until a key is pressed."""
    lines = _lines(desk)
    if not lines:
        desk.terminal.say("No line is set up. Web: Lines.")
        return 0
    desk.terminal.say(f"{'':22} 1234567890123456789012345678901   {_LEGEND[:8]}")
    desk.terminal.page([_row(line) for line in lines])
    desk.terminal.say(_LEGEND)
    down = any(line.get("alarms") or line.get("up") is False for line in lines)
    if words[:1] == ["watch"] or (desk.terminal.interactive and not words and
                                  desk.terminal.choice("w: watch, else: menu ") in ("w", "W")):  # fmt: skip
        _watch(desk)
    return 1 if down else 0


def _watch(desk: Desk) -> None:
    """A line again whenever it changed: nothing is sent while nothing happens."""
    before: dict[str, str] = {}
    desk.terminal.say("Watching; any key ends.")
    while desk.terminal.key("", _LIVE_S) is None:
        now = {str(line.get("line_id")): _row(line) for line in _lines(desk)}
        desk.terminal.say(*(f"{time.strftime('%H:%M:%S')} {row}" for key, row in now.items() if before.get(key) != row))
        before = now


def loop(desk: Desk, words: list[str]) -> int:
    """`loop LINE local|line|payload|off [seconds]`: a loop-back, released by itself."""
    from appliance.commands import ControlLine

    names = [str(line.get("line_id")) for line in _lines(desk)]
    line = words[0] if words else desk.terminal.read_line(f"Line ({', '.join(names)[:50]}): ")
    if line not in names:
        desk.terminal.say("No such line.")
        return 2
    which = words[1] if len(words) > 1 else desk.terminal.read_line("local, line, payload or off: ")
    verb = _LOOP_VERBS.get(which)
    if verb is None:
        desk.terminal.say("One of: local, line, payload, off.")
        return 2
    seconds = int(words[2]) if len(words) > 2 and words[2].isdigit() else 60
    arguments = {} if verb == "loop_off" else {"seconds": seconds}
    done = desk.doors.ask(
        ControlLine(actor_id=desk.access.actor(), line_id=line, verb=verb, arguments=arguments, force=False)
    )
    desk.terminal.say(f"{line}: {done.data.get('before', '?')} -> {done.data.get('after', '?')}")
    if verb != "loop_off":
        desk.terminal.say(f"It is released by itself after {seconds} s.")
    return 0
