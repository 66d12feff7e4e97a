"""The hand-over report: versions, serial numbers, test results, alarms; as page and as PDF with a QR code."""

from __future__ import annotations

import io
import platform
import socket
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from importlib.metadata import version
from pathlib import Path
from typing import Any

import segno
from flask import Response, request
from flask_babel import get_locale
from flask_babel import gettext as _
from reportlab.graphics.barcode.qr import QrCodeWidget
from reportlab.graphics.shapes import Drawing
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.platypus import KeepTogether, Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

from appliance.outside.pdf_fonts import BUILT_IN, font_for, has
from appliance.store.read import alerts, campaigns, seats, trunks, users
from webui import labels
from webui.alert_texts import told
from webui.box import store
from webui.i18n import instant, number, seconds, size
from webui.setup import wizard
from webui.supervisor.rules_form import RULES

_MACHINE_ID = Path("/etc/machine-id")
_QR_MM = 32


@dataclass(frozen=True)
class Part:
    """One part of the report; a row is (what, value, state), state good | bad | open | empty."""

    title: str
    rows: list[tuple[str, str, str]]


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
    parts, url = report(), request.url_root
    title, signed = _("Hand-over report"), [_("Handed over by"), _("Taken over by"), _("Date")]
    words = [title, by, url, *signed, *(part.title for part in parts)]
    words += [text for part in parts for row in part.rows for text in row[:2]]
    font = font_for("".join(words)) or BUILT_IN
    data = _Pdf(font).make(title, parts, signed, by, url)
    name = f"callbox-{socket.gethostname()}-{_now():%Y%m%d}.pdf"
    return Response(
        data, content_type="application/pdf", headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )


class _Pdf:
    def __init__(self, font: str) -> None:
        self._font = font
        wrap = "CJK" if str(get_locale()) == "zh" else None
        self._body = ParagraphStyle("body", fontName=font, fontSize=9, leading=12, wordWrap=wrap)
        self._head = ParagraphStyle("head", parent=self._body, fontSize=12, leading=18)
        self._title = ParagraphStyle("title", parent=self._body, fontSize=18, leading=26)

    def _say(self, text: str, style: ParagraphStyle | None = None) -> Paragraph:
        known = "".join(c if c == " " or has(self._font, c) else "?" for c in text)
        return Paragraph(escape(known, quote=False), style or self._body)

    def _grid(self, rows: list[list[Any]], widths: tuple[float, ...]) -> Table:
        line = ("LINEBELOW", (0, 0), (-1, -1), 0.3, colors.HexColor("#bbbbbb"))
        style = TableStyle([line, ("VALIGN", (0, 0), (-1, -1), "TOP")])
        return Table(rows, colWidths=widths, hAlign="LEFT", style=style)

    def _part(self, part: Part) -> list[Any]:
        rows = []
        for name, value, state in part.rows:
            colour = {"good": "#1a7f37", "bad": "#cf222e", "open": "#9a6700"}.get(state, "#000000")
            value_style = ParagraphStyle("value", parent=self._body, textColor=colors.HexColor(colour))
            rows.append([self._say(name), self._say(value, value_style)])
        return [self._say(part.title, self._head), self._grid(rows, (58 * mm, 116 * mm)), Spacer(1, 4 * mm)]

    def make(self, title: str, parts: list[Part], signed: list[str], by: str, url: str) -> bytes:
        """The PDF's bytes."""
        code = QrCodeWidget(url, barLevel="M", barWidth=_QR_MM * mm, barHeight=_QR_MM * mm)
        picture = Drawing(_QR_MM * mm, _QR_MM * mm)
        picture.add(code)
        top = Table([[self._say(title, self._title), picture], [self._say(url), ""]], colWidths=(140 * mm, 34 * mm),
                    style=TableStyle([("SPAN", (1, 0), (1, 1)), ("VALIGN", (0, 0), (-1, -1), "TOP")]))  # fmt: skip
        flow: list[Any] = [top, Spacer(1, 4 * mm)]
        for part in parts:
            flow += [KeepTogether(self._part(part))] if len(part.rows) < 12 else self._part(part)
        lines = [[self._say(signed[0]), self._say(by)], [self._say(signed[1]), ""], [self._say(signed[2]), ""]]
        flow.append(KeepTogether([Spacer(1, 6 * mm), self._grid(lines, (58 * mm, 116 * mm))]))
        out = io.BytesIO()
        SimpleDocTemplate(
            out, pagesize=A4, leftMargin=18 * mm, rightMargin=18 * mm, topMargin=15 * mm, bottomMargin=15 * mm,
            title=title, author="Callbox", lang=str(get_locale()),
        ).build(flow)  # fmt: skip
        return out.getvalue()
