"""Scorecards: sections and questions, made in a form that works without a script."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from flask import Blueprint, abort, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from appliance.commands import RetireScorecard, SaveScorecard
from appliance.errors import ValidationErrors
from appliance.store.read import quality
from appliance.types import Permission
from webui.access import needs
from webui.box import ask, store
from webui.error_texts import text_of
from webui.errors import done_at
from webui.versions import edits_by

blueprint = Blueprint("scorecards", __name__, url_prefix="/quality/scorecards")
_FIELD = re.compile(r"s(\d{1,2})\.(?:q(\d{1,2})\.)?([a-z_]{1,12})")
_QUESTION: dict[str, Any] = {"id": "", "text": "", "kind": "yes_no", "weight": 1, "top": 5, "hint": ""}
_NEW: dict[str, Any] = {"sections": [{"title": "", "weight": 1, "questions": [dict(_QUESTION)]}]}


@blueprint.get("")
@needs(Permission.QUALITY_MANAGE)
def page() -> str:
    """All of them."""
    return render_template("quality/scorecards.html", found=quality.cards(store(), in_use=False))


def card_of(form: Mapping[str, str]) -> dict[str, Any]:
    """The card as the form has it: fields `s0.title`, `s0.q1.text`, in the order of their numbers."""
    sections: dict[int, dict[str, Any]] = {}
    for name, value in form.items():
        found = _FIELD.fullmatch(name)
        if found is None:
            continue
        section = sections.setdefault(int(found[1]), {"questions": {}})
        if found[2] is None:
            section[found[3]] = value
        else:
            section["questions"].setdefault(int(found[2]), {})[found[3]] = value
    return {
        "sections": [
            {**section, "questions": [one for _n, one in sorted(section["questions"].items())]}
            for _n, section in sorted(sections.items())
        ]
    }


def changed(card: dict[str, Any], action: str) -> dict[str, Any]:
    """The card after a button of the form: add_section, add_question.S, drop_section.S, drop_question.S.Q."""
    what, *places = action.split(".")
    sections = card["sections"]
    at = [int(place) for place in places if place.isdecimal()]
    if what == "add_section":
        sections.append({"title": "", "weight": 1, "questions": [dict(_QUESTION)]})
    elif at and at[0] < len(sections):
        questions = sections[at[0]]["questions"]
        if what == "add_question":
            questions.append(dict(_QUESTION))
        elif what == "drop_section":
            del sections[at[0]]
        elif what == "drop_question" and len(at) > 1 and at[1] < len(questions):
            del questions[at[1]]
    return card


def _form(
    card: dict[str, Any], name: str, scorecard_id: str = "", version: str | None = None,
    errors: dict[str, str] | None = None, used: int = 0,
) -> str:  # fmt: skip
    return render_template(
        "quality/scorecard_form.html", card=card, name=name, scorecard_id=scorecard_id, version=version,
        errors=errors or {}, used=used,
    )  # fmt: skip


@blueprint.get("/new")
@needs(Permission.QUALITY_MANAGE)
def new() -> str:
    """An empty one."""
    return _form(_NEW, "")


@blueprint.get("/<scorecard_id>")
@needs(Permission.QUALITY_MANAGE)
@edits_by(lambda scorecard_id: quality.card_version(store(), scorecard_id))
def one(scorecard_id: str) -> str:
    """Change one."""
    found = next((one for one in quality.cards(store(), in_use=False) if one.id == scorecard_id), None) or abort(404)
    return _form(quality.plain(found), found.name, found.id, used=found.scores)


@blueprint.post("/save")
@needs(Permission.QUALITY_MANAGE)
def save() -> str | Response | tuple[str, int]:
    """Keep it, or add and take away parts of the form."""
    form = request.form
    card, name, scorecard_id = card_of(form), form.get("name", ""), form.get("scorecard_id", "")
    version = form.get("version", "")
    if form.get("do"):
        return _form(changed(card, form["do"]), name, scorecard_id, version)
    try:
        ask(SaveScorecard, scorecard_id=scorecard_id or None, name=name, card=card)
    except ValidationErrors as wrong:
        errors = {field: text_of(error_id, message) for field, error_id, message in wrong.errors}
        return _form(card, name, scorecard_id, version, errors), 400
    return done_at(url_for("scorecards.page"), _("Saved."))


@blueprint.post("/<scorecard_id>/retire")
@needs(Permission.QUALITY_MANAGE)
def retire(scorecard_id: str) -> Response:
    """Out of use, or back."""
    ask(RetireScorecard, scorecard_id=scorecard_id, back=request.form.get("back") == "1")
    return done_at(url_for("scorecards.page"), _("Saved."))
