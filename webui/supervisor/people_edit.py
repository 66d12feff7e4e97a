"""A person by hand: made, changed; two who are one, merged and taken apart again."""

from __future__ import annotations

from typing import Any

from flask import abort, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from appliance.commands import MergeContacts, SaveContact, UndoMerge
from appliance.errors import ValidationErrors
from appliance.store.read import people
from appliance.types import Permission
from webui import fields
from webui.access import needs
from webui.box import ask, store
from webui.error_texts import text_of
from webui.errors import done_at
from webui.supervisor.people import blueprint as blueprint
from webui.versions import edits_by


@blueprint.route("/new", methods=["GET", "POST"])
@needs(Permission.LISTS_IMPORT)
def new() -> Response | str | tuple[str, int]:
    """Add a person."""
    return _form(None)


@blueprint.route("/<contact_id>/edit", methods=["GET", "POST"])
@needs(Permission.LISTS_IMPORT)
@edits_by(lambda contact_id: people.edit_version(store(), contact_id))
def edit(contact_id: str) -> Response | str | tuple[str, int]:
    """Change a person."""
    return _form(people.card(store(), contact_id) or abort(404))


def _form(card: people.PersonCard | None) -> Response | str | tuple[str, int]:
    given = _given(request.form) if request.method == "POST" else _of(card)
    errors: dict[str, str] = {}
    if request.method == "POST":
        try:
            done = ask(SaveContact, contact_id=card.id if card else None, **given)
            return done_at(url_for("people.one", contact_id=str(done.id)), _("Saved."))
        except ValidationErrors as wrong:
            errors = {name: _complaint(name, error_id, message) for name, error_id, message in wrong.errors}
    taken = people.by_number(store(), _taken_number(given)) if "numbers.0" in errors else None
    page = render_template(
        "people/form.html", card=card, given=given, errors=errors, fields=fields.in_use(),
        taken=taken if card is None or taken != card.id else None,
    )  # fmt: skip
    return (page, 422) if errors else page


def _complaint(name: str, error_id: str, message: str) -> str:
    config = next((one.config for one in fields.in_use() if f"custom.{one.id}" == name), None)
    if config is not None:
        return _("Fill this in.") if error_id == "survey.required" else fields.expected(config)
    return text_of(error_id, message)


def _given(form: MultiDict[str, str]) -> dict[str, Any]:
    numbers = [
        {"number": number.strip()[:60], "type": kind}
        for number, kind in zip(form.getlist("number"), form.getlist("number_type"), strict=False)
        if number.strip()
    ]
    return {"name": form.get("name", ""), "numbers": numbers, "custom": fields.typed_in(form)}


def _of(card: people.PersonCard | None) -> dict[str, Any]:
    if card is None:
        return {"name": "", "numbers": [{"number": request.args.get("number", ""), "type": ""}], "custom": {}}
    kept = card.custom
    custom = {
        one.id: kept.get(one.id) if one.kind == "several" else people.typed(one.config, kept.get(one.id))
        for one in fields.in_use()
    }
    numbers = [{"number": one.number, "type": one.type} for one in card.numbers]
    return {"name": card.name, "numbers": numbers, "custom": custom}


def _taken_number(given: dict[str, Any]) -> str:
    return str(given["numbers"][0]["number"]) if given["numbers"] else ""


@blueprint.get("/duplicates")
@needs(Permission.LISTS_IMPORT)
def duplicates() -> str:
    """People who share a number."""
    return render_template("people/duplicates.html", pairs=people.pairs(store()))


@blueprint.get("/<contact_id>/merge/<other_id>")
@needs(Permission.LISTS_IMPORT)
def compare(contact_id: str, other_id: str) -> str:
    """Two people side by side: who stays, and who goes into him."""
    kept = people.card(store(), contact_id) or abort(404)
    gone = people.card(store(), other_id) or abort(404)
    return render_template("people/merge.html", kept=kept, gone=gone, fields=fields.in_use())


@blueprint.post("/<contact_id>/merge/<other_id>")
@needs(Permission.LISTS_IMPORT)
def merge(contact_id: str, other_id: str) -> Response:
    """Make one of them."""
    form = request.form
    take = [name.removeprefix("take.") for name, value in form.items() if name.startswith("take.") and value == "gone"]
    ask(
        MergeContacts, kept_id=contact_id, gone_id=other_id, kept_version=form.get("kept_version", ""),
        gone_version=form.get("gone_version", ""), take=take,
    )  # fmt: skip
    return done_at(url_for("people.one", contact_id=contact_id), _("They are one person now."))


@blueprint.post("/merges/<merge_id>/undo")
@needs(Permission.LISTS_IMPORT)
def undo(merge_id: str) -> Response:
    """Make two of them again."""
    done = ask(UndoMerge, merge_id=merge_id)
    return done_at(url_for("people.one", contact_id=str(done.id)), _("They are two people again."))
