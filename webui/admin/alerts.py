"""The bell and the list of alerts."""

from __future__ import annotations

from flask import Blueprint, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from appliance.commands import AcknowledgeAlert
from appliance.store.read import alerts, users
from appliance.types import Permission
from webui.access import needs
from webui.box import ask, store
from webui.errors import done_at

blueprint = Blueprint("alerts", __name__, url_prefix="/alerts")


@blueprint.get("")
@needs(Permission.ALERTS_READ)
def page() -> str:
    """What stands, and what stood."""
    return render_template(
        "alerts/page.html", standing=alerts.standing(store()), history=alerts.history(store()),
        people=users.names(store()),
    )  # fmt: skip


@blueprint.get("/bell")
@needs(Permission.ALERTS_READ)
def bell() -> str:
    """The bell alone, after each live alert."""
    return render_template("alerts/bell.html")


@blueprint.post("/acknowledge")
@needs(Permission.ALERTS_READ)
def acknowledge() -> Response:
    """Somebody has seen it."""
    ask(AcknowledgeAlert, key=request.form.get("key", ""))
    return done_at(url_for("alerts.page"), _("Acknowledged."))
