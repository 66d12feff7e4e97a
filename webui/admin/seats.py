"""Seats: list, form, several at once, the password that is shown once."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, render_template, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import BooleanField, IntegerField, RadioField, StringField
from wtforms.validators import InputRequired, Length, NumberRange, Optional, Regexp

from appliance.commands import ReleaseSeat, SaveSeat
from appliance.errors import ValidationErrors
from appliance.store.read import seats, users
from appliance.types import Permission
from webui import labels
from webui.access import needs
from webui.box import ask, box, store
from webui.errors import done_at
from webui.forms import choices, put_errors
from webui.versions import edits

blueprint = Blueprint("seats", __name__, url_prefix="/seats")

SEATS_MAX = 30


class SeatForm(FlaskForm):  # type: ignore[misc]
    """One seat."""

    id = StringField(
        _l("Seat number"), [InputRequired(), Regexp(r"^[a-z0-9][a-z0-9_-]{0,31}$", message=_l("a–z, 0–9, dash."))],
        description=_l("The phone's user name, for instance seat01."),
    )  # fmt: skip
    display_name = StringField(_l("Shown as"), [Length(max=120)])
    phone = RadioField(_l("Phone"), choices=choices(labels.PHONES.items()), default="desk")
    password = StringField(
        _l("Phone password"), [Optional(), Length(min=8, max=64)],
        description=_l("Empty: the box makes one and shows it once."), render_kw={"autocomplete": "off"},
    )  # fmt: skip
    recording = RadioField(
        _l("Recording"), choices=choices([("", _l("As the campaign says")), *labels.RECORDING_POLICIES.items()]),
        default="", description=_l("The more reserved of campaign and seat holds, unless the rules ask for recording."),
    )  # fmt: skip
    enabled = BooleanField(_l("In use"), default=True)


class ManyForm(FlaskForm):  # type: ignore[misc]
    """Several seats at once."""

    count = IntegerField(_l("How many"), [NumberRange(1, SEATS_MAX)], default=10)
    phone = RadioField(_l("Phone"), choices=choices(labels.PHONES.items()), default="browser")


def _save(fields: dict[str, Any]) -> dict[str, str]:
    """Save one seat; returns its id and the password that was made, for the sheet."""
    done = ask(SaveSeat, **fields)
    return {"id": fields["id"], "password": str(done.data.get("password") or "")}


def _sheet(made: list[dict[str, str]]) -> str:
    """The passwords, shown this once."""
    return render_template("seats/sheet.html", made=made, sip=box().settings.sip)


@blueprint.get("")
@needs(Permission.SEATS_WRITE)
def page() -> str:
    """All seats."""
    return render_template(
        "seats/page.html", seats=seats.seats(store()), people=users.names(store()), many=ManyForm(), limit=SEATS_MAX
    )


@blueprint.post("/many")
@needs(Permission.SEATS_WRITE)
def many() -> Response | str:
    """Make the next free seat numbers."""
    form, taken = ManyForm(), {seat.id for seat in seats.seats(store())}
    if not form.validate_on_submit():
        abort(400)
    free = [f"seat{n:02}" for n in range(1, SEATS_MAX + 1) if f"seat{n:02}" not in taken][: form.count.data]
    made = [_save({"id": seat_id, "display_name": seat_id, "phone": form.phone.data}) for seat_id in free]
    if any(seat["password"] for seat in made) and form.phone.data == "desk":
        return _sheet(made)
    return done_at(url_for("seats.page"), _("The seats are made."))


@blueprint.post("/<seat_id>/release")
@needs(Permission.SEATS_WRITE)
def release(seat_id: str) -> Response:
    """Sign out who sits there."""
    ask(ReleaseSeat, seat_id=seat_id)
    return done_at(url_for("seats.page"), _("The seat is free, or will be after the conversation."))


@blueprint.route("/new", methods=["GET", "POST"])
@needs(Permission.SEATS_WRITE)
def new() -> Response | str:
    """A new seat."""
    return _form(SeatForm(), None)


@blueprint.route("/<seat_id>", methods=["GET", "POST"])
@needs(Permission.SEATS_WRITE)
@edits("seat", "seat_id")
def one(seat_id: str) -> Response | str:
    """Change a seat."""
    found = seats.seat(store(), seat_id) or abort(404)
    return _form(SeatForm(obj=found), found)


def _form(form: SeatForm, seat: seats.SeatView | None) -> Response | str:
    if form.validate_on_submit():
        fields = {name: form[name].data for name in ("display_name", "phone", "enabled", "recording")}
        try:
            made = _save({"id": seat.id if seat else form.id.data, "password": form.password.data or None, **fields})
        except ValidationErrors as wrong:
            put_errors(form, wrong)
        else:
            shown = made["password"] and form.phone.data == "desk"  # a browser phone gets its own by itself
            return _sheet([made]) if shown else done_at(url_for("seats.page"), _("The seat is saved."))
    return render_template("seats/form.html", form=form, seat=seat)
