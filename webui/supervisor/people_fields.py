"""Which fields people have beside name and numbers: the administrator says so."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from appliance.commands import OrderContactFields, SaveContactField
from appliance.errors import ValidationErrors
from appliance.store.read import people
from appliance.types import Permission
from webui import fields
from webui.access import needs
from webui.box import ask, store
from webui.error_texts import text_of
from webui.errors import done, done_at
from webui.supervisor.form_questions import key_of, question_of
from webui.versions import edits

blueprint = Blueprint("people_fields", __name__, url_prefix="/people/fields")


@blueprint.get("")
@needs(Permission.SETTINGS_WRITE)
def page() -> str:
    """All fields in their order."""
    return render_template("people/fields.html", fields=people.fields(store(), retired=True), kinds=fields.KINDS)


@blueprint.post("/order")
@needs(Permission.SETTINGS_WRITE)
def order() -> Response:
    """Keep the order in which they stand now."""
    ask(OrderContactFields, ids=request.form.getlist("id"))
    if request.headers.get("HX-Request"):
        return done(_("The order is kept."))
    return done_at(url_for("people_fields.page"), _("The order is kept."))


@blueprint.route("/new", methods=["GET", "POST"])
@needs(Permission.SETTINGS_WRITE)
def new() -> Response | str | tuple[str, int]:
    """A new field."""
    return _form(None)


@blueprint.route("/<field_id>", methods=["GET", "POST"])
@needs(Permission.SETTINGS_WRITE)
@edits("contact_field", "field_id")
def one(field_id: str) -> Response | str | tuple[str, int]:
    """Change a field, or put it out of use."""
    found = next((one for one in people.fields(store(), retired=True) if one.id == field_id), None) or abort(404)
    return _form(found)


def _form(found: people.FieldView | None) -> Response | str | tuple[str, int]:
    errors: dict[str, str] = {}
    config: dict[str, Any] = dict(found.config) if found else {"kind": "text"}
    if request.method == "POST":
        config = _config(request.form, found)
        try:
            ask(
                SaveContactField, new=found is None, config=config, on_pop="on_pop" in request.form,
                retired="retired" in request.form,
            )  # fmt: skip
            return done_at(url_for("people_fields.page"), _("The field is saved."))
        except ValidationErrors as wrong:
            errors = {name: text_of(error_id, message) for name, error_id, message in wrong.errors}
    page = render_template(
        "people/field_form.html", field=found, config=config, errors=errors, kinds=fields.KINDS, shapes=fields.SHAPES,
        on_pop="on_pop" in request.form if errors else found is None or found.on_pop,
        retired=found is not None and found.retired,
    )  # fmt: skip
    return (page, 422) if errors else page


def _config(form: MultiDict[str, str], found: people.FieldView | None) -> dict[str, Any]:
    config = question_of(form, "")
    if found is not None:
        return {**config, "id": found.id, "kind": found.kind}
    return {**config, "id": config["id"] or key_of(str(config["label"]))}

