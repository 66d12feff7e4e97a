"""The hand-over report: versions, serial numbers, test results, alarms; as page and as PDF with a QR code."""

from __future__ import annotations

import platform
import socket
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import segno
from flask import Response, request
from flask_babel import gettext as _

from appliance.store.read import alerts, campaigns, seats, trunks, users
from webui import labels
from webui.alert_texts import told
from webui.box import store
from webui.i18n import instant, number, seconds, size
from webui.setup import wizard
from webui.signed_pdf import Part, signed_pdf
from webui.supervisor.rules_form import RULES

_MACHINE_ID = Path("/etc/machine-id")


def _box() -> Part:
    machine = _MACHINE_ID.read_text("ascii").strip() if _MACHINE_ID.exists() else ""
    return Part(_("The box"), [
        (_("Name"), socket.gethostname(), ""), (_("Serial number"), machine[:16] or "–", ""),
        (_("Version"), version("callbox"), ""), (_("System"), platform.platform(terse=True), ""),
        (_("Time"), instant(_now(), "full"), ""),
    ])  # fmt: skip


def _now() -> datetime:
    return datetime.now(UTC)


def _state(step: str) -> tuple[str, str]:
    place = next((place for place in wizard.places() if place.step.name == step), None)
    state = place.state if place else "open"
    return {"done": (_("done"), "good"), "skipped": (_("left out"), "open"), "open": (_("not done"), "open")}[state]


def _tests() -> Part:
    rows = [(str(p.step.title), *_state(p.step.name)) for p in wizard.places() if p.step.name != "hand_over"]
    call = wizard.data_of("trunks").get("test_call") or {}
    if call:
        what = f"{labels.text(labels.OUTCOMES, call.get('outcome') or 'unknown')} ({seconds(call.get('seconds'))})"
        rows.append((_("Test call"), what, "good" if call.get("answered") else "open"))
    ended = wizard.data_of("campaign").get("calls") or []
    if ended:
        answered = int(wizard.data_of("campaign").get("answered") or 0)
        said = ", ".join(str(labels.text(labels.OUTCOMES, outcome)) for outcome in ended)
        rows.append((_("Test campaign"), said, "good" if answered else "open"))
    return Part(_("Steps and tests"), rows)


def _hardware() -> Part:
    rows = [(_("Disk"), name, "") for name in wizard.data_of("disks").get("disks") or []]
    rows += [(_("Mirror"), text, "") for text in wizard.data_of("disks").get("arrays") or []]
    for card in wizard.data_of("cards").get("cards") or []:
        text = _("%(profile)s, serial number %(serial)s, %(up)s of %(lines)s lines up", profile=card.get("profile"),
                 serial=card.get("serial") or "–", up=card.get("up"), lines=card.get("lines"))  # fmt: skip
        rows.append((str(card.get("id")), text, "good" if card.get("up") == card.get("lines") else "bad"))
    return Part(_("Hardware"), rows or [(_("Disks and cards"), _("none was looked at"), "open")])


def _set_up() -> Part:
    found, room, rules = seats.seats(store()), wizard.data_of("recording"), wizard.data_of("rules").get("profile")
    lines = trunks.trunks(store())
    rows = [
        (_("Time zone"), str(wizard.data_of("network").get("zone") or "–"), ""),
        (_("Addresses"), ", ".join(wizard.data_of("network").get("addresses") or []) or "–", ""),
        (_("Trunks"), ", ".join(f"{t.display_name or t.id} ({t.channels})" for t in lines) or "–", ""),
        (_("Seats"), number(len(found)), ""), (_("Users"), number(len(users.users(store()))), ""),
        (_("Recordings are kept"), _("%(days)s days", days=room["days"]) if "days" in room else "–", ""),
        (_("Rules"), str(RULES.get(str(rules), rules or "–")), ""),
        (_("Campaigns"), number(len(campaigns.campaigns(store()))), ""),
    ]  # fmt: skip
    if free := wizard.data_of("disks").get("free"):
        rows.append((_("Free for recordings"), size(free), ""))
    return Part(_("What is set up"), rows)


def _alarms() -> Part:
    standing = alerts.standing(store())
    rows = [(str(labels.text(labels.SEVERITIES, alert.severity)), told(alert).title, "bad") for alert in standing]
    return Part(_("Alarms"), rows or [(_("Standing alarms"), _("none"), "good")])


def report() -> list[Part]:
    """All parts."""
    return [_box(), _tests(), _hardware(), _set_up(), _alarms()]


def page_facts() -> dict[str, Any]:
    """What the page shows."""
    url = request.url_root
    qr = segno.make(url, error="m").svg_data_uri(scale=5, border=4, dark="#000", light="#fff")
    return {"report": report(), "url": url, "qr": str(qr)}


def save() -> dict[str, Any]:
    """Reaching the end is what is noted."""
    return {"version": version("callbox")}


# ---- PDF ---------------------------------------------------------------------------------------------------------


def pdf(by: str) -> Response:
    """The report to print and sign."""
    signed = [_("Handed over by"), _("Taken over by"), _("Date")]
    return signed_pdf(_("Hand-over report"), report(), signed, by, "hand-over")
