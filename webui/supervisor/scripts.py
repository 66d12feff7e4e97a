"""The script of a campaign as it is written: placeholders from a list, a preview, what is wrong, versions."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response

from appliance.commands import SaveScript
from appliance.errors import CallerError, ValidationErrors
from appliance.store.read import campaign_texts as texts
from appliance.store.read import campaigns
from appliance.types import Permission
from webui import fields
from webui.access import needs
from webui.agent import scripts
from webui.agent.shortcuts import keys_of
from webui.box import ask, store
from webui.error_texts import text_of
from webui.errors import done_at
from webui.line_diff import line_diff
from webui.rule_texts import DISCLOSURES
from webui.versions import edits_by

blueprint = Blueprint("scripts", __name__, url_prefix="/campaigns/<campaign_id>/script")

PLACEHOLDERS: dict[str, Any] = {
    "name": _l("Name"), "amount": _l("Amount"), "external_id": _l("Reference"), "number": _l("Number"),
    "currency": _l("Currency"),
}  # fmt: skip
FAULTS: dict[str, Any] = {
    "unknown_placeholder": _l("Nobody's record has {%(what)s}."),
    "unreachable": _l("No way leads to the step “%(what)s”."),
    "no_such_step": _l("An answer leads to “%(what)s”, and there is no such step."),
    "twice": _l("There are two steps “%(what)s”."),
    "missing_disclosure": _l("The rules want it said: %(what)s. Write a line that begins with “! %(key)s:”."),
}  # fmt: skip


def _campaign(campaign_id: str) -> campaigns.CampaignView:
    return campaigns.campaign(store(), campaign_id) or abort(404)


def _standing(campaign: campaigns.CampaignView, number: int | None = None) -> str:
    """The newest text, or that of a version."""
    known = texts.versions(store(), campaign.id, texts.SCRIPT)
    found = next((one for one in known if number in (None, one.version)), None)
    return found.text if found is not None else str(campaign.config.get("script") or "")


@blueprint.route("", methods=["GET", "POST"])
@needs(Permission.CAMPAIGNS_WRITE)
@edits_by(lambda campaign_id: texts.edit_version(store(), campaign_id, texts.SCRIPT))
def page(campaign_id: str) -> Response | str | tuple[str, int]:
    """Write the script; a draft may have faults, what goes live may not."""
    campaign, wrong = _campaign(campaign_id), list[str]()
    text = request.form.get("text", "") if request.method == "POST" else _standing(campaign, _asked())
    if request.method == "POST":
        live = request.form.get("do") == "live"
        try:
            ask(SaveScript, campaign_id=campaign_id, text=text, live=live)
            said = _("It holds from the next call on.") if live else _("The draft is kept; agents do not see it.")
            return done_at(url_for("scripts.page", campaign_id=campaign_id), said)
        except ValidationErrors as error:
            wrong = [_sentence(error_id.removeprefix("script."), what) for _name, error_id, what in error.errors]
    shown = render_template(
        "scripts/page.html", campaign=campaign, text=text, wrong=wrong, placeholders=_placeholders(campaign_id),
        samples=texts.samples(store(), campaign_id), must=texts.must_say(campaign.config), disclosures=DISCLOSURES,
        versions=texts.versions(store(), campaign_id, texts.SCRIPT), **_preview(campaign, text),
    )  # fmt: skip
    return (shown, 422) if wrong else shown


def _asked() -> int | None:
    return request.args.get("from", type=int)


def _placeholders(campaign_id: str) -> list[tuple[str, str]]:
    found = texts.placeholders(store(), campaign_id)
    return [(name, str(PLACEHOLDERS.get(name, label or name))) for name, label in found]


@blueprint.post("/preview")
@needs(Permission.CAMPAIGNS_WRITE)
def preview(campaign_id: str) -> str:
    """What is typed, as an agent would see it with the sample's record; what is wrong with it."""
    campaign = _campaign(campaign_id)
    return render_template("scripts/preview.html", **_preview(campaign, request.form.get("text", "")[:30_000]))


def _preview(campaign: campaigns.CampaignView, text: str) -> dict[str, Any]:
    samples = texts.samples(store(), campaign.id)
    wanted = request.form.get("sample", "")
    sample = next((one for one in samples if one.lead_id == wanted), samples[0] if samples else None)
    record, custom = (sample.record, sample.record["custom"]) if sample else (_anybody(), {})
    try:
        faults = [_sentence(one.fault, one.what) for one in texts.faults(store(), campaign.id, campaign.config, text)]
    except CallerError as error:  # the campaign names rules that are not there any more
        faults = [text_of(error.error_id, error.message)]
    return {"work": {"script": scripts.shown(text, record, custom)}, "faults": faults, "keys_of": keys_of}


def _anybody() -> dict[str, Any]:
    return {"name": _("Name of the customer"), "number": "+10000000000", "external_id": "A-1001",
            "amount_minor": 123450, "currency": "",
            "fields": {one.id: one.label for one in fields.in_use()}}  # fmt: skip


def _sentence(fault: str, what: str) -> str:
    if fault not in FAULTS:
        return text_of(f"script.{fault}", what)
    return str(FAULTS[fault]) % {"what": DISCLOSURES.get(what, what), "key": what}


@blueprint.get("/versions/<number>")
@needs(Permission.CAMPAIGNS_WRITE)
def version(campaign_id: str, number: str) -> str:
    """One version, and what it changed."""
    return version_page(_campaign(campaign_id), texts.SCRIPT, number, url_for("scripts.page", campaign_id=campaign_id))


def version_page(campaign: campaigns.CampaignView, part: str, number: str, editor: str) -> str:
    """A version of a script or a form."""
    known = texts.versions(store(), campaign.id, part)
    at = next((index for index, one in enumerate(known) if str(one.version) == number), None)
    if at is None:
        abort(404)
    before = known[at + 1].text if at + 1 < len(known) else ""
    return render_template(
        "scripts/version.html", campaign=campaign, shown=known[at], diff=line_diff(before, known[at].text),
        editor=editor,
    )  # fmt: skip
