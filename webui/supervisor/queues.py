"""Queues of callers: list with what goes on in them, form, removal."""

from __future__ import annotations

from datetime import datetime, time
from zoneinfo import ZoneInfo

from flask import Blueprint, abort, render_template, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from appliance.commands import RemoveQueue
from appliance.errors import ValidationErrors
from appliance.store.read import campaigns, inbound
from appliance.types import Permission
from webui.access import needs
from webui.box import ask, box, store
from webui.errors import done_at
from webui.forms import put_errors
from webui.supervisor.queue_form import QueueForm, save
from webui.versions import edits

blueprint = Blueprint("queues", __name__, url_prefix="/queues")


@blueprint.get("")
@needs(Permission.CAMPAIGNS_READ)
def page() -> str:
    """All queues with their figures of today."""
    zone = ZoneInfo(box().settings.dialling.timezone)
    today = datetime.combine(datetime.now(zone).date(), time(), tzinfo=zone)
    return render_template(
        "queues/page.html", queues=inbound.queues(store()), campaigns=campaigns.names(store()),
        figures=inbound.queue_figures(store(), today), nothing=inbound.QueueFigures(),
        in_time_s=inbound.SERVICE_LEVEL_S,
    )  # fmt: skip


@blueprint.route("/new", methods=["GET", "POST"])
@needs(Permission.CAMPAIGNS_WRITE)
def new() -> Response | str:
    """A new queue."""
    return _form(QueueForm().offered(None), None)


@blueprint.route("/<queue_id>", methods=["GET", "POST"])
@needs(Permission.CAMPAIGNS_WRITE)
@edits("queue", "queue_id")
def one(queue_id: str) -> Response | str:
    """Change a queue."""
    found = inbound.queue(store(), queue_id) or abort(404)
    return _form(QueueForm.of(found), found)


def _form(form: QueueForm, queue: inbound.QueueView | None) -> Response | str:
    if form.validate_on_submit():
        try:
            save(form, queue)
            return done_at(url_for("queues.page"), _("The queue is saved."))
        except ValidationErrors as wrong:
            put_errors(form, wrong)
    return render_template("queues/form.html", form=form, queue=queue)


@blueprint.post("/<queue_id>/remove")
@needs(Permission.CAMPAIGNS_WRITE)
def remove(queue_id: str) -> Response:
    """Take a queue away."""
    ask(RemoveQueue, id=queue_id)
    return done_at(url_for("queues.page"), _("The queue is removed."))
