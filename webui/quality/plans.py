"""Sampling plans: how many calls of each agent are drawn a week, and of which."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from appliance.commands import DrawSample, SaveSamplingPlan
from appliance.errors import ValidationErrors
from appliance.store.read import campaigns, quality, roles
from appliance.types import Permission
from webui.access import needs
from webui.box import ask, store
from webui.error_texts import text_of
from webui.errors import done_at
from webui.supervisor.recording_search import length
from webui.versions import edits

blueprint = Blueprint("sampling_plans", __name__, url_prefix="/quality/plans")


@blueprint.get("")
@needs(Permission.QUALITY_MANAGE)
def page() -> str:
    """All of them."""
    return render_template("quality/plans.html", found=quality.plans(store()), cards=quality.cards(store()))


def _form(
    values: dict[str, Any], plan_id: str = "", errors: dict[str, str] | None = None, version: str | None = None
) -> str:
    return render_template(
        "quality/plan_form.html", values=values, plan_id=plan_id, errors=errors or {}, version=version,
        cards=quality.cards(store()),
        campaigns=campaigns.names(store()), teams=roles.departments(store()),
    )  # fmt: skip


@blueprint.get("/new")
@needs(Permission.QUALITY_MANAGE)
def new() -> str:
    """A new one."""
    return _form({"name": "", "scorecard_id": "", "enabled": True, "rules": quality.new_rules()})


@blueprint.get("/<plan_id>")
@needs(Permission.QUALITY_MANAGE)
@edits("sampling_plan", "plan_id")
def one(plan_id: str) -> str:
    """Change one."""
    found = quality.plan(store(), plan_id) or abort(404)
    return _form(vars(found), plan_id)


@blueprint.post("/save")
@needs(Permission.QUALITY_MANAGE)
def save() -> Response | tuple[str, int]:
    """Keep it; mistakes are shown beside their fields."""
    form = request.form
    plan_id = form.get("plan_id", "")
    rules = {
        "per_agent": form.get("per_agent", ""), "campaign_ids": form.getlist("campaign_ids"),
        "outcomes": form.getlist("outcomes"), "dispositions": form.getlist("dispositions"),
        "at_least_s": round(length(form.get("at_least_s") or "0") or 0),
        "at_most_s": round(length(form.get("at_most_s") or "0") or 0), "team": form.get("team", ""),
    }  # fmt: skip
    values: dict[str, Any] = {
        "name": form.get("name", ""), "scorecard_id": form.get("scorecard_id", ""),
        "enabled": form.get("enabled") == "1",
    }  # fmt: skip
    try:
        ask(SaveSamplingPlan, plan_id=plan_id or None, rules=rules, **values)
    except ValidationErrors as wrong:
        errors = {field: text_of(error_id, message) for field, error_id, message in wrong.errors}
        return _form({**values, "rules": rules}, plan_id, errors, form.get("version", "")), 400
    return done_at(url_for("sampling_plans.page"), _("Saved."))


@blueprint.post("/<plan_id>/draw")
@needs(Permission.QUALITY_MANAGE)
def draw(plan_id: str) -> Response:
    """Draw of this week what is there."""
    done = ask(DrawSample, plan_id=plan_id)
    return done_at(url_for("sampling_plans.page"), _("%(count)s calls were drawn.", count=done.data["drawn"]))
