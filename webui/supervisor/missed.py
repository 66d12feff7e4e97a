"""Missed calls: who called and reached nobody, and calling them back."""

from __future__ import annotations

from flask import Blueprint, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response

from appliance.commands import CallBackMissed
from appliance.store.read import campaigns, inbound
from appliance.types import Permission
from webui.access import needs
from webui.box import ask, store
from webui.errors import done_at

blueprint = Blueprint("missed", __name__, url_prefix="/missed")

SHOWN_MAX = 200


@blueprint.get("")
@needs(Permission.CAMPAIGNS_READ)
def page() -> str:
    """Open ones, newest first; with `all` those too about which something was done."""
    shows_all = request.args.get("all") == "1"
    queue_id = request.args.get("queue_id", "")
    calls = inbound.missed(store(), queue_id=queue_id, open_only=not shows_all, limit=SHOWN_MAX)
    return render_template(
        "missed/page.html", calls=calls, shows_all=shows_all, queue_id=queue_id, queues=inbound.queues(store()),
        campaigns=campaigns.names(store()), limit=SHOWN_MAX,
    )  # fmt: skip


@blueprint.post("/call-back")
@needs(Permission.CAMPAIGNS_WRITE)
def call_back() -> Response:
    """Put the chosen callers before the list of a campaign."""
    chosen = tuple(request.form.getlist("call_id"))
    data = ask(CallBackMissed, call_ids=chosen, campaign_id=request.form.get("campaign_id", "")).data
    count, skipped = int(data["called_back"]), int(data["skipped"])
    text = ngettext("%(num)s person is called back.", "%(num)s people are called back.", count)
    if skipped:
        text += " " + _("Left out: %(count)s (no number, no campaign, or not to be called).", count=skipped)
    return done_at(url_for("missed.page"), text)
