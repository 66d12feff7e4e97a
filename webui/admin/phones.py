"""Desk phones: a sheet to print for each seat, and the settings that a phone fetches by itself, once."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import segno
from flask import Blueprint, Response, abort, render_template, request, url_for
from flask_babel import gettext as _

from appliance.commands import PreparePhone, RedeemPhoneToken
from appliance.errors import CallerError
from appliance.store.read import seats
from appliance.types import Permission
from webui.access import needs, public
from webui.box import ask, box, store, tell

blueprint = Blueprint("phones", __name__)

MAKES = {"yealink": "Yealink (T2x, T3x, T4x, T5x)", "grandstream": "Grandstream (GXP, GRP)", "other": "SIP"}
"""Makes whose phones take a text file of settings; others are typed in."""
_PLAIN = re.compile(r"[\x00-\x1f\"<>&]")


@dataclass(frozen=True)
class Sheet:
    """What is printed for one seat."""

    seat_id: str
    display_name: str
    user: str
    password: str
    realm: str
    url: str
    qr: str


@blueprint.get("/seats/phones")
@needs(Permission.SEATS_WRITE)
def choose() -> str:
    """Which seats, which make."""
    desks = [seat for seat in seats.seats(store()) if seat.phone == "desk" and seat.enabled]
    return render_template("seats/phones.html", seats=desks, makes=MAKES)


@blueprint.post("/seats/phones")
@needs(Permission.SEATS_WRITE)
def sheets() -> str:
    """The sheets, with new passwords: those in the phones end."""
    make = request.form.get("make", "other")
    wanted = request.form.getlist("seat")
    known = {seat.id: seat for seat in seats.seats(store())}
    if make not in MAKES or not wanted or set(wanted) - set(known):
        raise CallerError("phones.none_chosen", _("Choose the seats and the make of their phones."))
    made = [_sheet(known[seat_id], make) for seat_id in wanted]
    return render_template("seats/sheets.html", sheets=made, sip=box().settings.sip, make=MAKES[make])


def _sheet(seat: seats.SeatView, make: str) -> Sheet:
    data: dict[str, Any] = ask(PreparePhone, seat_id=seat.id).data
    url = url_for("phones.settings", token=data["token"], make=make, _external=True) if make != "other" else ""
    content = url or f"sip:{data['user']}@{box().settings.sip.seat_address}:{box().settings.sip.seat_port}"
    qr = str(segno.make(content, error="m").svg_data_uri(scale=3, border=4, dark="#000", light="#fff"))
    return Sheet(seat.id, seat.display_name, data["user"], data["password"], data["realm"], url, qr)


@blueprint.get("/phone/<token>/<make>.cfg")
@public  # a phone cannot sign in: the token is good once and for a day
def settings(token: str, make: str) -> Response:
    """The settings of one phone as its make reads them."""
    if make not in _FILES:
        abort(404)
    data = tell(RedeemPhoneToken(token=token, actor_address=request.remote_addr or "")).data
    sip = box().settings.sip
    values = {key: _PLAIN.sub(" ", str(value)) for key, value in data.items()}
    values |= {"server": sip.seat_address, "port": str(sip.seat_port), "expires": str(sip.register_expires_s)}
    filled = [(key, value.format(**values)) for key, value in _FILES[make]]
    if make == "grandstream":
        inner = "".join(f"<{key}>{value}</{key}>" for key, value in filled)
        text, kind = f'<?xml version="1.0" encoding="UTF-8"?><gs_provision version="1"><config>{inner}', "text/xml"
        text += "</config></gs_provision>\n"
    else:
        text, kind = "#!version:1.0.0.1\n" + "".join(f"{key}={value}\n" for key, value in filled), "text/plain"
    return Response(text, content_type=f"{kind}; charset=utf-8", headers={"Cache-Control": "no-store"})


_FILES: dict[str, tuple[tuple[str, str], ...]] = {
    # account 1, UDP, auto-answer for the box's calls (Alert-Info and Call-Info), A-law first
    "yealink": (
        ("account.1.enable", "1"), ("account.1.label", "{display_name}"), ("account.1.display_name", "{display_name}"),
        ("account.1.user_name", "{user}"), ("account.1.auth_name", "{user}"), ("account.1.password", "{password}"),
        ("account.1.sip_server.1.address", "{realm}"), ("account.1.sip_server.1.port", "{port}"),
        ("account.1.outbound_proxy_enable", "1"), ("account.1.outbound_proxy.1.address", "{server}"),
        ("account.1.outbound_proxy.1.port", "{port}"), ("account.1.sip_server.1.transport_type", "0"),
        ("account.1.sip_server.1.expires", "{expires}"), ("account.1.codec.pcma.enable", "1"),
        ("account.1.codec.pcma.priority", "1"), ("account.1.codec.pcmu.enable", "1"),
        ("account.1.codec.pcmu.priority", "2"), ("account.1.dtmf.type", "1"),
        ("features.intercom.allow", "1"), ("features.intercom.tone", "0"), ("call_waiting.enable", "0"),
    ),
    "grandstream": (
        ("P271", "1"), ("P270", "{display_name}"), ("P3", "{display_name}"), ("P35", "{user}"), ("P36", "{user}"),
        ("P34", "{password}"), ("P47", "{realm}"), ("P48", "{server}:{port}"), ("P130", "0"), ("P32", "2"),
        ("P57", "8"), ("P58", "0"), ("P850", "101"), ("P79", "101"), ("P298", "1"), ("P91", "1"),
    ),
}  # fmt: skip
"""Parameter names after the makers' provisioning guides (Yealink's text, Grandstream's XML of P values)."""
