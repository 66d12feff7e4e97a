"""The form of a campaign as it is designed: questions of several kinds, their order and conditions; its results."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from flask import Blueprint, abort, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response

from appliance.commands import SaveForm
from appliance.errors import ValidationErrors
from appliance.store.read import campaign_texts as texts
from appliance.store.read import campaigns, form_results
from appliance.store.read.report_scope import scope_of
from appliance.types import Permission
from webui import fields
from webui.access import needs
from webui.box import ask, box, store
from webui.errors import done_at
from webui.supervisor.form_questions import questions_of
from webui.supervisor.scripts import version_page
from webui.versions import edits_by

blueprint = Blueprint("forms", __name__, url_prefix="/campaigns/<campaign_id>/form")
_RESULT_DAYS = 30


def _campaign(campaign_id: str) -> campaigns.CampaignView:
    return campaigns.campaign(store(), campaign_id) or abort(404)


def _standing(campaign: campaigns.CampaignView, number: int | None = None) -> list[dict[str, Any]]:
    known = texts.versions(store(), campaign.id, texts.SURVEY)
    found = next((one for one in known if number in (None, one.version)), None)
    return list(found.content.get("questions", []) if found is not None else campaign.config.get("survey") or [])


@blueprint.route("", methods=["GET", "POST"])
@needs(Permission.CAMPAIGNS_WRITE)
@edits_by(lambda campaign_id: texts.edit_version(store(), campaign_id, texts.SURVEY))
def page(campaign_id: str) -> Response | str | tuple[str, int]:
    """Design the form."""
    campaign, errors = _campaign(campaign_id), list[tuple[int | None, str]]()
    questions = _standing(campaign, request.args.get("from", type=int))
    if request.method == "POST":
        questions, live = questions_of(request.form), request.form.get("do") == "live"
        try:
            ask(SaveForm, campaign_id=campaign_id, questions=questions, live=live)
            said = _("Agents have the form now.") if live else _("The draft is kept; agents do not see it.")
            return done_at(url_for("forms.page", campaign_id=campaign_id), said)
        except ValidationErrors as wrong:
            errors = [_placed(name, message) for name, _error_id, message in wrong.errors]
    shown = render_template(
        "forms/page.html", campaign=campaign, questions=questions, errors=errors, kinds=fields.KINDS,
        shapes=fields.SHAPES, versions=texts.versions(store(), campaign_id, texts.SURVEY), work=_work(questions),
    )  # fmt: skip
    return (shown, 422) if errors else shown


_COMPLAINTS: tuple[tuple[str, Any], ...] = (
    ("the key", _l("Two questions have the same key.")),
    ("depends on", _l("A question hangs on a key that no question before it has.")),
    ("choose from", _l("Give at least one choice.")),
    ("a choice is there twice", _l("A choice is there twice.")),
    ("a choice has", _l("A choice is too long.")),
    ("currency", _l("Give the currency as three capital letters, such as CNY.")),
    ("'at least'", _l("“At least” is more than “at most”.")),
)  # fmt: skip
"""What the check says, and how people are told."""
_OF_FIELDS: dict[str, Any] = {
    "id": _l("A key has small letters, digits and _, and begins with a letter."), "label": _l("Write the question."),
    "least": _l("This is no number."), "most": _l("This is no number."),
    "longest": _l("Characters at most: a whole number from 1 to 2000."),
    "currency": _l("Give the currency as three capital letters, such as CNY."),
}  # fmt: skip


def _placed(name: str, message: str) -> tuple[int | None, str]:
    """Which question a complaint is about (from 0; None: the whole form), and in words."""
    place, _dot, field = name.removeprefix("survey.").removeprefix("survey").partition(".")
    told = _OF_FIELDS.get(field) or next((text for words, text in _COMPLAINTS if words in message), message)
    return (int(place) if place.isdigit() else None, str(told))


def _work(questions: list[dict[str, Any]]) -> SimpleNamespace:
    return SimpleNamespace(survey=questions, draft=SimpleNamespace(answers={}))


@blueprint.post("/preview")
@needs(Permission.CAMPAIGNS_WRITE)
def preview(campaign_id: str) -> str:
    """What is designed so far, as the agent will see it; what cannot be kept like this."""
    _campaign(campaign_id)
    questions = [one for one in questions_of(request.form) if one["id"] and one["label"]]
    wrong = [_placed(name, message) for name, _error_id, message in texts.check_questions(questions)]
    return render_template("forms/preview.html", work=_work(questions), wrong=wrong)


@blueprint.get("/versions/<number>")
@needs(Permission.CAMPAIGNS_WRITE)
def version(campaign_id: str, number: str) -> str:
    """One version, and what it changed."""
    return version_page(_campaign(campaign_id), texts.SURVEY, number, url_for("forms.page", campaign_id=campaign_id))


@blueprint.get("/results")
@needs(Permission.CAMPAIGNS_READ)
def results(campaign_id: str) -> str:
    """What was answered, question by question."""
    campaign, zone = _campaign(campaign_id), box().settings.dialling.timezone
    since = request.args.get("since") or (datetime.now(UTC) - timedelta(days=_RESULT_DAYS)).date().isoformat()
    until = request.args.get("until", "")
    scope = scope_of({"since": since, "until": until}, zone, datetime.now(UTC), period="all")
    return render_template(
        "forms/results.html", campaign=campaign, since=since, until=until, yes_no=fields.YES_NO,
        results=form_results.results(store(), campaign_id, scope.since, scope.until),
    )  # fmt: skip
