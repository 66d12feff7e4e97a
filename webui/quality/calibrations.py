"""Calibrations: the same call scored by several, and how far they agree."""

from __future__ import annotations

from flask import Blueprint, abort, g, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from appliance.commands import CloseCalibration, StartCalibration
from appliance.store.read import quality
from appliance.types import Permission
from webui.access import needs, reach
from webui.box import ask, store
from webui.errors import done_at

blueprint = Blueprint("calibrations", __name__, url_prefix="/quality/calibrations")


@blueprint.get("")
@needs(Permission.QUALITY_MANAGE)
def page() -> str:
    """All of them."""
    return render_template("quality/calibrations.html", found=quality.calibrations(store()))


@blueprint.get("/<calibration_id>")
@needs(Permission.QUALITY_MANAGE)
def one(calibration_id: str) -> str:
    """Who scored what, once it is over; before, only who has."""
    found = quality.calibration(store(), calibration_id) or abort(404)
    card = quality.card(store(), found.scorecard_id, found.version) or abort(404)
    tasks = quality.queue(store(), g.user.id, reach(Permission.QUALITY_SCORE))
    mine = next((task for task in tasks if task.calibration_id == calibration_id), None)
    return render_template("quality/calibration.html", found=found, card=card, mine=mine)


@blueprint.post("/start")
@needs(Permission.QUALITY_MANAGE)
def start() -> Response:
    """Give a recording to several scorers."""
    done = ask(
        StartCalibration, recording_id=request.form.get("recording_id", ""),
        scorecard_id=request.form.get("scorecard_id", ""), scorers=request.form.getlist("scorers"),
    )  # fmt: skip
    return done_at(
        url_for("calibrations.one", calibration_id=str(done.id)), _("Each of them finds the call in the queue.")
    )


@blueprint.post("/<calibration_id>/close")
@needs(Permission.QUALITY_MANAGE)
def close(calibration_id: str) -> Response:
    """End it with what is in."""
    ask(CloseCalibration, calibration_id=calibration_id)
    return done_at(url_for("calibrations.one", calibration_id=calibration_id), _("The calibration is over."))
