"""The pace of a campaign while it runs: what a change will do is shown first, and the last change can be undone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, abort, render_template, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import DecimalField, IntegerField, SelectField
from wtforms.validators import NumberRange, Optional

from appliance.commands import ForecastPace, SavePace
from appliance.errors import CallboxError, CallerError, ConflictError, ValidationErrors
from appliance.store.read import campaigns, users
from appliance.types import CampaignState, Permission
from webui import labels
from webui.access import needs
from webui.box import ask, store
from webui.error_texts import error_text
from webui.errors import done_at
from webui.forms import choices, put_errors
from webui.supervisor import room
from webui.versions import edits

blueprint = Blueprint("pace", __name__, url_prefix="/campaigns/<campaign_id>/pace")

_DEFAULTS = {"abandoned_limit": 0.01, "max_lines": None, "weight": 1, "priority_order": "due"}
CANNOT_KNOW = {
    "mode": _l("What it will do is foretold for predictive campaigns only: the others dial one line for each agent."),
    "not_running": _l("The campaign does not run: what it will do is not known before it does."),
    "no_agents": _l("No agent is there: what it will do is not known before one is."),
    "too_few_calls": _l("Too few calls yet: after some sixty dials and twenty talks it can be foretold."),
}
BOUNDS = {
    "limit": _l("the limit for abandoned calls holds it back"),
    "lines": _l("the number of lines holds it back"),
    "agents": _l("one line for each free agent is all it takes"),
}


class PaceForm(FlaskForm):  # type: ignore[misc]
    """What may change while the campaign dials."""

    abandoned_percent = DecimalField(
        _l("Abandoned calls, at most %"), [NumberRange(0.1, 10)], places=1,
        description=_l("Of the people who answer. The rules of the country may be stricter."),
    )  # fmt: skip
    max_lines = IntegerField(
        _l("Lines at most"), [Optional(), NumberRange(1, 1000)], description=_l("Empty: all of its trunks.")
    )
    weight = IntegerField(
        _l("Weight"), [NumberRange(1, 100)],
        description=_l("Share of the agents' time when several campaigns run at once."),
    )  # fmt: skip
    priority_order = SelectField(_l("Order of the list"), choices=choices(labels.PRIORITY_ORDERS.items()))
    mode = SelectField(_l("Mode"), choices=choices(labels.CAMPAIGN_MODES.items()))

    @classmethod
    def of(cls, campaign: campaigns.CampaignView) -> PaceForm:
        """The form as the campaign is."""
        values = {**_DEFAULTS, **{name: campaign.config[name] for name in _DEFAULTS if name in campaign.config}}
        return cls(
            abandoned_percent=round(100.0 * values["abandoned_limit"], 2), max_lines=values["max_lines"],
            weight=values["weight"], priority_order=values["priority_order"], mode=campaign.mode,
        )  # fmt: skip

    def figures(self) -> dict[str, Any]:
        """What is foretold from."""
        return {
            "abandoned_limit": round(float(self.abandoned_percent.data) / 100.0, 5), "max_lines": self.max_lines.data,
            "weight": self.weight.data,
        }  # fmt: skip


@dataclass(frozen=True)
class Forecast:
    """What will be, or the one sentence why that is not known. `now`, `then`: domain.pacing_outlook.Expected."""

    sentence: str = ""
    now: dict[str, Any] | None = None
    then: dict[str, Any] | None = None

    @property
    def bound(self) -> str:
        return str(BOUNDS.get(str((self.then or {}).get("bound")), ""))


def _forecast(campaign_id: str, form: PaceForm) -> Forecast:
    try:
        data = ask(ForecastPace, campaign_id=campaign_id, **form.figures()).data
    except CallboxError as error:
        return Forecast(error_text(error))
    if data.get("reason"):
        return Forecast(str(CANNOT_KNOW.get(str(data["reason"]), data["reason"])))
    return Forecast(now=data["now"], then=data["then"])


def _campaign(campaign_id: str) -> campaigns.CampaignView:
    return campaigns.campaign(store(), campaign_id) or abort(404)


@blueprint.route("", methods=["GET", "POST"])
@needs(Permission.CAMPAIGNS_WRITE)
@edits("campaign", "campaign_id")
def page(campaign_id: str) -> Response | str:
    """Show, or set."""
    found = _campaign(campaign_id)
    form = PaceForm.of(found)
    if found.state == CampaignState.RUNNING:
        form.mode.validate_choice = False  # it is shown, not sent
    if form.validate_on_submit():
        mode = form.mode.data if found.state != CampaignState.RUNNING else None
        try:
            ask(SavePace, campaign_id=campaign_id, priority_order=form.priority_order.data, mode=mode,
                **form.figures())  # fmt: skip
            return done_at(url_for("pace.page", campaign_id=campaign_id), _("The new pace holds from now on."))
        except ValidationErrors as wrong:
            put_errors(form, wrong)
        except ConflictError:
            raise
        except CallerError as wrong:
            form.form_errors = [*form.form_errors, error_text(wrong)]
    return _page(found, form)


def _page(found: campaigns.CampaignView, form: PaceForm) -> str:
    change = campaigns.last_pace_change(store(), found.id)
    return render_template(
        "pace/page.html", campaign=found, form=form, live=room.campaign(found.id), change=change,
        by=users.names(store()).get(change.actor_id, "") if change else "", forecast=None,
        runs=found.state == CampaignState.RUNNING,
    )  # fmt: skip


@blueprint.post("/forecast")
@needs(Permission.CAMPAIGNS_WRITE)
def forecast(campaign_id: str) -> str:
    """What the figures of the form will do; nothing is changed."""
    form = PaceForm()
    form.mode.validate_choice = False
    told = _forecast(campaign_id, form) if form.validate() else Forecast(_("Correct the figures first."))
    return render_template("pace/forecast.html", forecast=told)


@blueprint.post("/undo")
@needs(Permission.CAMPAIGNS_WRITE)
def undo(campaign_id: str) -> Response:
    """Set what was before the last change; done twice it is as it was."""
    change = campaigns.last_pace_change(store(), campaign_id)
    if change is None:
        raise CallerError("pace.nothing_to_undo", _("The pace was changed otherwise meanwhile: nothing to undo."))
    before = {**_DEFAULTS, **{name: value for name, value in change.before.items() if value is not None}}
    mode = before.pop("mode", None)
    ask(SavePace, campaign_id=campaign_id, mode=mode if mode != change.after.get("mode") else None, **before)
    return done_at(url_for("pace.page", campaign_id=campaign_id), _("As it was before."))
