"""Network: what is; and a change that takes itself back unless it is confirmed."""

from __future__ import annotations

import re

from appliance.console import facts
from appliance.console.entries import Desk

_REVERT_S = 120
_ADDRESS = re.compile(r"(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})(/\d{1,2})?")
_TRY, _KEEP, _BACK = "network-try", "network-keep", "network-back"


def _is_address(text: str, *, prefix: bool) -> bool:
    found = _ADDRESS.fullmatch(text)
    if not found or bool(found[5]) != prefix:
        return False
    return all(int(part) <= 255 for part in found.groups()[:4]) and int((found[5] or "/0")[1:]) <= 32


def show(desk: Desk, words: list[str]) -> int:
    """`network`: addresses and links; `network set`: change, with automatic revert."""
    if words[:1] == ["set"]:
        return _set(desk)
    for name, address in facts.addresses().items():
        desk.terminal.say(f"{name}: {address} {_link(name)}")
    desk.terminal.say(f"gateway: {_gateway() or 'none'}", f"web: port {facts.web_port(desk.home)}")
    if _TRY in desk.doors.root_actions():
        desk.terminal.say("To change: network set")
    return 0


def _link(name: str) -> str:
    try:
        with open(f"/sys/class/net/{name}/operstate", encoding="ascii") as handle:  # noqa: PTH123 - no pathlib needed
            return f"link {handle.read().strip()}"
    except OSError:
        return ""


def _gateway() -> str:
    """The default route of /proc/net/route (address as little-endian hexadecimal)."""
    try:
        with open("/proc/net/route", encoding="ascii") as handle:  # noqa: PTH123
            rows = [line.split() for line in handle][1:]
    except OSError:
        return ""
    for row in rows:
        if len(row) > 2 and row[1] == "00000000":
            return ".".join(str(byte) for byte in reversed(bytes.fromhex(row[2])))
    return ""


def _set(desk: Desk) -> int:
    if _TRY not in desk.doors.root_actions():
        desk.terminal.say("The network of this box is not set from here.")
        return 1
    actor = desk.access.actor()
    if not actor:
        return 1
    port = desk.terminal.read_line("Port (like eth0): ")
    address = desk.terminal.read_line("Address with prefix (192.168.1.10/24), or dhcp: ")
    gateway = "" if address == "dhcp" else desk.terminal.read_line("Gateway: ")
    if address != "dhcp" and not (_is_address(address, prefix=True) and _is_address(gateway, prefix=False)):
        desk.terminal.say("Not an address. Nothing was changed.")
        return 2
    if not desk.terminal.yes(f"Try {port} {address} {gateway}; back by itself in {_REVERT_S} s unless kept"):
        return 1
    desk.doors.root(_TRY, actor, port=port, address=address, gateway=gateway or "none", seconds=str(_REVERT_S))
    desk.doors.note(actor, "network.try", f"{port} {address}")
    if desk.terminal.choice(f"Changed. Check it, then k to keep within {_REVERT_S} s; else: back. ", _REVERT_S) == "k":
        desk.doors.root(_KEEP, actor)
        desk.terminal.say("Kept.")
        return 0
    desk.doors.root(_BACK, actor)
    desk.terminal.say("Taken back.")
    return 1
