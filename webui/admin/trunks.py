"""Trunks: list, form, preview of the number rules."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from appliance.commands import PreviewNumber, SaveTrunk
from appliance.errors import CallerError, ValidationErrors
from appliance.store.read import trunks
from appliance.types import Permission
from webui.access import needs
from webui.admin import trunk_form
from webui.admin.test_calls import last_call
from webui.admin.trunk_view import carried
from webui.box import ask, store
from webui.error_texts import error_text
from webui.errors import done_at
from webui.hardware import words
from webui.hardware.line_view import lines
from webui.hardware.readings import reading
from webui.versions import edits

blueprint = Blueprint("trunks", __name__, url_prefix="/trunks")


@blueprint.get("")
@needs(Permission.TRUNKS_WRITE)
def page() -> str:
    """All trunks."""
    return render_template("trunks/page.html", trunks=carried(reading("lines")), words=words, call=last_call())


@blueprint.get("/view")
@needs(Permission.TRUNKS_WRITE)
def view() -> str:
    """The trunks alone, after each reading."""
    return render_template("trunks/live.html", trunks=carried(reading("lines")), words=words)


@blueprint.route("/new", methods=["GET", "POST"])
@needs(Permission.TRUNKS_WRITE)
def new() -> Response | str:
    """A new trunk."""
    return _form(None, trunk_form.blank())


@blueprint.route("/<trunk_id>", methods=["GET", "POST"])
@needs(Permission.TRUNKS_WRITE)
@edits("trunk", "trunk_id")
def one(trunk_id: str) -> Response | str:
    """Change a trunk."""
    found = trunks.trunk(store(), trunk_id) or abort(404)
    return _form(found, {**trunk_form.blank(), **found.config})


def _form(found: trunks.TrunkView | None, config: dict[str, Any]) -> Response | str:
    complaints: list[str] = []
    if request.method == "POST":
        config = trunk_form.config_of(request.form)
        try:
            ask(
                SaveTrunk, id=found.id if found else request.form.get("id", ""), config=config,
                display_name=request.form.get("display_name", ""), enabled=request.form.get("enabled") == "y",
            )  # fmt: skip
            return done_at(url_for("trunks.page"), _("The trunk is saved."))
        except ValidationErrors as wrong:
            complaints = trunk_form.messages(wrong)
    known = lines(reading("lines"))
    return render_template(
        "trunks/form.html", trunk=found, config=config, complaints=complaints, form=request.form,
        lines=trunk_form.line_choices(known, list(config.get("lines") or ())),
        watched_only=[line for line in known if line.watched_only],
    )  # fmt: skip


@blueprint.post("/preview")
@needs(Permission.TRUNKS_WRITE)
def preview() -> str:
    """What the rules on the page make of a number, before they are saved."""
    number, direction = request.form.get("sample", "").strip(), request.form.get("direction", "outbound")
    try:
        sent = ask(PreviewNumber, config=trunk_form.rules_only(request.form), number=number, direction=direction).data
        error = ""
    except ValidationErrors as wrong:
        sent, error = {}, " ".join(trunk_form.messages(wrong))
    except CallerError as wrong:
        sent, error = {}, error_text(wrong)
    return render_template("trunks/preview.html", number=number, sent=sent, error=error, direction=direction)
