"""Retention: how long recordings are kept, what would go, and the run itself."""

from __future__ import annotations

import shutil

from flask import Blueprint, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from appliance.commands import RunRetention, SaveRetention
from appliance.errors import CallerError
from appliance.store.read import campaigns, retention, seats
from appliance.types import Permission
from webui.access import needs
from webui.box import ask, box, store
from webui.errors import done_at

blueprint = Blueprint("retention", __name__, url_prefix="/retention")


def _scopes() -> dict[str, str]:
    """All scopes a rule can be for, with their names."""
    named = {f"campaign:{key}": name for key, name in campaigns.names(store()).items()}
    named.update({f"seat:{seat.id}": seat.display_name or seat.id for seat in seats.seats(store())})
    return {"default": _("All recordings"), **named}


@blueprint.get("")
@needs(Permission.RECORDINGS_RETAIN)
def page() -> str:
    """Rules, and what the archive holds."""
    disk = shutil.disk_usage(box().home.root)
    return render_template(
        "retention/page.html", rules=retention.rules(store()), scopes=_scopes(),
        figures=retention.archive_figures(store()), disk=disk, default_days=box().settings.recording.keep_days,
        plan=None,
    )  # fmt: skip


@blueprint.post("")
@needs(Permission.RECORDINGS_RETAIN)
def save() -> Response:
    """Set one rule."""
    days = request.form.get("keep_days", type=int)
    if days is None:
        raise CallerError("retention.days", _("Give the number of days."))
    ask(SaveRetention, scope=request.form.get("scope", ""), keep_days=days)
    return done_at(url_for("retention.page"), _("The rule is saved."))


@blueprint.post("/run")
@needs(Permission.RECORDINGS_RETAIN)
def run() -> Response | str:
    """Show what would be deleted, or delete it."""
    dry_run = request.form.get("for_good") != "1"
    data = ask(RunRetention, dry_run=dry_run, timeout_s=60.0).data
    if not dry_run:
        return done_at(url_for("retention.page"), _("Retention has run."))
    return render_template("retention/plan.html", plan=data)
