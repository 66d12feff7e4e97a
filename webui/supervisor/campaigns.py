"""Campaigns: list, page with live counters, form, start and stop."""

from __future__ import annotations

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from appliance.commands import CampaignAction, SaveCampaign
from appliance.errors import ValidationErrors
from appliance.store.read import campaigns, imports
from appliance.types import Permission
from webui.access import needs
from webui.box import ask, store
from webui.errors import done, done_at
from webui.forms import put_errors
from webui.supervisor import room
from webui.supervisor.campaign_form import CampaignForm, save
from webui.versions import edits

blueprint = Blueprint("campaigns", __name__, url_prefix="/campaigns")

_SAID = {
    "start": lambda: _("The campaign is started."),
    "pause": lambda: _("No new calls; calls in progress go on."),
    "resume": lambda: _("The campaign goes on."),
    "stop": lambda: _("The campaign is stopped; calls in progress go on to their end."),
}


def _campaign(campaign_id: str) -> campaigns.CampaignView:
    return campaigns.campaign_with_figures(store(), campaign_id) or abort(404)


@blueprint.get("")
@needs(Permission.CAMPAIGNS_READ)
def page() -> str:
    """All campaigns."""
    return render_template("campaigns/page.html", campaigns=campaigns.campaigns(store()))


@blueprint.route("/new", methods=["GET", "POST"])
@needs(Permission.CAMPAIGNS_WRITE)
def new() -> Response | str:
    """A new campaign; a name is enough."""
    form = CampaignForm.fresh()
    if form.validate_on_submit():
        try:
            return done_at(url_for("campaigns.one", campaign_id=save(form)), _("The campaign is made."))
        except ValidationErrors as wrong:
            put_errors(form, wrong)
    return render_template("campaigns/form.html", form=form, campaign=None)


@blueprint.get("/<campaign_id>")
@needs(Permission.CAMPAIGNS_READ)
def one(campaign_id: str) -> str:
    """One campaign: state, counters, list, outcomes."""
    found = _campaign(campaign_id)
    lists = imports.recent(store(), campaign_id=campaign_id, limit=5)
    return render_template("campaigns/one.html", campaign=found, live=room.campaign(campaign_id), imports=lists)


@blueprint.get("/<campaign_id>/live")
@needs(Permission.CAMPAIGNS_READ)
def live(campaign_id: str) -> str:
    """The counters alone, after each live event."""
    return render_template("campaigns/live.html", campaign=_campaign(campaign_id), live=room.campaign(campaign_id))


@blueprint.route("/<campaign_id>/edit", methods=["GET", "POST"])
@needs(Permission.CAMPAIGNS_WRITE)
@edits("campaign", "campaign_id")
def edit(campaign_id: str) -> Response | str:
    """Change a campaign."""
    found = _campaign(campaign_id)
    form = CampaignForm.of(found)
    if form.validate_on_submit():
        try:
            save(form, found)
            return done_at(url_for("campaigns.one", campaign_id=campaign_id), _("The campaign is saved."))
        except ValidationErrors as wrong:
            put_errors(form, wrong)
    return render_template("campaigns/form.html", form=form, campaign=found)


@blueprint.post("/<campaign_id>/copy")
@needs(Permission.CAMPAIGNS_WRITE)
def copy(campaign_id: str) -> Response:
    """The same settings under another name, without the list; the form opens to change what shall differ."""
    found, taken = _campaign(campaign_id), set(campaigns.names(store()).values())
    names = (_("%(name)s, copy %(number)s", name=found.name[:100], number=n) for n in range(1, len(taken) + 2))
    name = next(name for name in names if name not in taken)
    new_id = ask(SaveCampaign, id=None, name=name, mode=found.mode, config=found.config).id
    said = _("Copied without its list. Change what shall differ.")
    return done_at(url_for("campaigns.edit", campaign_id=new_id), said)


@blueprint.post("/<campaign_id>/action")
@needs(Permission.CAMPAIGNS_WRITE)
def act(campaign_id: str) -> Response:
    """Start, pause, resume, stop."""
    action = request.form.get("do", "")
    if action not in _SAID:
        abort(400)
    ask(CampaignAction, campaign_id=campaign_id, action=action)
    if request.headers.get("HX-Request"):
        return done(_SAID[action](), **{f"campaign-{campaign_id}": {}})
    return redirect(url_for("campaigns.one", campaign_id=campaign_id))
