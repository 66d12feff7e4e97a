"""Steps about the box itself: network and time, disks, cards, recordings."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import Any
from zoneinfo import available_timezones

from flask import request
from flask_babel import gettext as _

from appliance.commands import (
    KeepNetwork,
    SaveRetention,
    SaveSeat,
    SaveSettings,
    SetTimeZone,
    ShowDisks,
    ShowLineCards,
    ShowNetwork,
    TryNetwork,
)  # fmt: skip
from appliance.errors import CallboxError, CallerError
from appliance.settings import load_settings
from appliance.store.read import retention, seats
from appliance.types import RecordingPolicy
from webui import labels
from webui.box import ask, box, store
from webui.error_texts import error_text
from webui.hardware import words
from webui.hardware.disk_view import arrays
from webui.hardware.disk_view import disks as disk_views
from webui.hardware.line_view import lines
from webui.hardware.readings import reading
from webui.setup import wizard

_WATCH_S, _DISKS_S, _ROOT_S = 10.0, 60.0, 65.0
_SYSTEM_ZONES = ("Etc/", "SystemV/", "posix/", "right/", "localtime", "Factory")
_SEATS_MAX, _HOURS_MAX, _DAYS_MAX = 30, 24, 3650


# ---- network and time ------------------------------------------------------------------------------------------


def network() -> dict[str, Any]:
    """Ports, whether they may be changed, zones, and how sure the clock is."""
    saved = load_settings(box().home)
    away = ""
    try:
        found: dict[str, Any] = ask(ShowNetwork, timeout_s=_WATCH_S).data
    except CallboxError as wrong:
        found, away = {}, error_text(wrong)
    zones = sorted(zone for zone in available_timezones() if "/" in zone and not zone.startswith(_SYSTEM_ZONES))
    return {
        "ports": found.get("ports", []), "gateway": found.get("gateway", ""), "can_change": found.get("can_change"),
        "trial_ends": found.get("trial_ends_unix_s"), "network_error": away, "zones": ["UTC", *zones],
        "zone": saved.dialling.timezone, "host_name": saved.web.host_name, "clock": reading("clock"),
    }  # fmt: skip


def save_network() -> dict[str, Any]:
    """The zone and the name by which the box is called."""
    zone, host = request.form.get("zone", ""), request.form.get("host_name", "").strip()
    ask(SaveSettings, changes={"dialling": {"timezone": zone}, "web": {"host_name": host}})
    found = ask(ShowNetwork, timeout_s=_WATCH_S).data
    if found.get("can_change"):
        ask(SetTimeZone, zone=zone, timeout_s=_ROOT_S)
    return {"zone": zone, "addresses": [a for port in found.get("ports", []) for a in port["addresses"]]}


def try_network() -> None:
    """Change a port for a minute. Raises CallboxError."""
    form = request.form
    address = "dhcp" if form.get("how") == "dhcp" else form.get("address", "").strip()
    ask(TryNetwork, port=form.get("port", ""), address=address, gateway=form.get("gateway", "").strip(),
        timeout_s=_ROOT_S)  # fmt: skip


def keep_network(*, keep: bool) -> None:
    """End the trial. Raises CallboxError."""
    ask(KeepNetwork, keep=keep, timeout_s=_ROOT_S)


# ---- disks and what they hold ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Room:
    """What the recordings need and what the disk has, in bytes; `days_held`: for how long it lasts."""

    seats: int
    hours: float
    days: int
    needed: float
    free: int
    total: int
    days_held: float

    @property
    def enough(self) -> bool:
        return self.needed <= self.free

    @property
    def share(self) -> float:
        """How much of what is free the recordings take."""
        return min(1.0, self.needed / self.free) if self.free else 1.0


def _between(name: str, default: float, highest: float) -> float:
    given = request.values.get(name, default, type=float)
    return min(max(given, 0.1), highest) if given == given else default  # NaN is what was never typed


def room(days: int | None = None) -> Room:
    """From the figures of the form, else from what is set."""
    saved = load_settings(box().home)
    known = wizard.data_of("disks")
    count = int(_between("seats", known.get("seats") or len(seats.seats(store())) or _SEATS_MAX, _SEATS_MAX))
    hours = _between("hours", known.get("hours") or 6.0, _HOURS_MAX)
    default_days = days or known.get("days") or saved.recording.keep_days
    wanted = max(1, int(_between("days", default_days, _DAYS_MAX)))
    disk = shutil.disk_usage(box().home.root)
    free = max(0, disk.free - saved.recording.reserve_mb * 2**20)
    a_day = max(1, count) * hours * 3600 * saved.recording.opus_bitrate_bps / 8
    needed = 0.0 if request.values.get("recording") == RecordingPolicy.NEVER else a_day * wanted
    return Room(max(1, count), hours, wanted, needed, free, disk.total, free / a_day)


def disks() -> dict[str, Any]:
    """Disks as last read, and the room."""
    found = reading("disks")
    return {"reading": found, "arrays": arrays(found), "disks": disk_views(found), "words": words, "room": room()}


def save_disks() -> dict[str, Any]:
    """Look at them anew, and keep the figures."""
    found = room()
    try:
        told = ask(ShowDisks, timeout_s=_DISKS_S).data
        states = [f"{a.get('name')}: {a.get('state')}, {a.get('missing') or 0} missing" for a in told.get("arrays", [])]
        names = [f"{d.get('model')} {d.get('serial')}" for d in told.get("disks", [])]
    except CallboxError:
        states, names = [], []  # a checkout has no disks to ask; the report says so
    return {
        "seats": found.seats, "hours": found.hours, "days": found.days, "needed": found.needed, "free": found.free,
        "arrays": states, "disks": names,
    }  # fmt: skip


# ---- cards -------------------------------------------------------------------------------------------------------


def cards() -> dict[str, Any]:
    """The cards that are watched, with what was read of them."""
    known = ask(ShowLineCards, timeout_s=_WATCH_S).data
    found = reading("lines")
    told = {str(row.get("id") or row.get("card") or ""): row for row in found.rows("cards")}
    return {"cards": known.get("cards", []), "told": told, "lines": lines(found), "reading": found, "words": words}


def save_cards() -> dict[str, Any]:
    """Whatever is there goes into the report."""
    found = cards()
    rows = []
    for card in found["cards"]:
        told = found["told"].get(card["id"], {})
        up = [line for line in found["lines"] if line.id.startswith(f"{card['id']}:")]
        rows.append(
            {"id": card["id"], "profile": card["profile"], "serial": str(told.get("serial") or ""),
             "lines": len(up), "up": sum(line.state == "up" for line in up)}
        )  # fmt: skip
    return {"cards": rows}


# ---- recordings --------------------------------------------------------------------------------------------------


def recording() -> dict[str, Any]:
    """The rule for all recordings, what the seats say, and what the disk holds."""
    saved, known = load_settings(box().home), wizard.data_of("disks")
    days = retention.rules(store()).get("default") or known.get("days") or saved.recording.keep_days
    policies = {seat.recording for seat in seats.seats(store())}
    chosen = request.form.get("recording", policies.pop() if len(policies) == 1 else "")
    return {"days": days, "room": room(days), "policies": labels.RECORDING_POLICIES, "chosen": chosen}


def save_recording() -> dict[str, Any]:
    """Set the rule; refused when the disk cannot hold so much, unless that was seen."""
    days = request.form.get("days", type=int)
    if days is None or not 1 <= days <= _DAYS_MAX:
        raise CallerError("retention.bad_days", "Give the number of days.")
    found = room()
    if not found.enough and request.form.get("sure") != "y":
        raise CallerError(
            "set_up.no_room",
            _("The disk holds %(held)s days of this, not %(days)s. Keep them for less, or say that you know it.",
              held=int(found.days_held), days=days),
        )  # fmt: skip
    ask(SaveRetention, scope="default", keep_days=days)
    policy = request.form.get("recording", "")
    for seat in seats.seats(store()):
        if seat.recording != policy:
            ask(SaveSeat, id=seat.id, display_name=seat.display_name, phone=seat.phone, enabled=seat.enabled,
                recording=policy)  # fmt: skip
    return {"days": days, "days_held": found.days_held, "recording": policy}
