"""Scores and appeals: agents see their own and may object, supervisors answer."""

from __future__ import annotations

from flask import Blueprint, abort, g, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from appliance.commands import AppealScore, DecideAppeal
from appliance.errors import ValidationErrors
from appliance.store.read import quality, recordings
from appliance.types import Permission
from webui.access import may, needs, reach
from webui.box import ask, store
from webui.error_texts import text_of
from webui.errors import done_at
from webui.quality.scoring import answers_of
from webui.supervisor.recording_search import shown_number
from webui.supervisor.recordings import player

blueprint = Blueprint("scores", __name__, url_prefix="/quality/scores")


@blueprint.get("")
@needs(Permission.QUALITY_OWN, Permission.QUALITY_SCORE)
def page() -> str:
    """Scores, newest first: one's own, or those in reach."""
    own = not may(Permission.QUALITY_SCORE) or request.args.get("mine") == "1"
    people = frozenset({g.user.id}) if own else reach(Permission.QUALITY_SCORE)
    return render_template("quality/scores.html", found=quality.scores(store(), people=people), own=own)


@blueprint.get("/appeals")
@needs(Permission.QUALITY_SCORE)
def appeals() -> str:
    """What waits for an answer."""
    return render_template("quality/appeals.html", found=quality.open_appeals(store(), reach(Permission.QUALITY_SCORE)))


def open_to_me(evaluation_id: str) -> quality.ScoreView | None:
    """A score that the user may see: his own, or in his reach; of a calibration when it is over, or given by him."""
    found = quality.score(store(), evaluation_id)
    if found is None:
        return None
    people = reach(Permission.QUALITY_SCORE)
    scores = may(Permission.QUALITY_SCORE) and (people is None or found.agent_id in people)
    if found.calibration_id and found.scorer_id != g.user.id:
        calibration = quality.calibration(store(), found.calibration_id)
        scores = scores and calibration is not None and calibration.closed_at is not None
    own = found.agent_id == g.user.id and not found.calibration_id
    return found if scores or own else None


def _visible(evaluation_id: str) -> quality.ScoreView:
    return open_to_me(evaluation_id) or abort(404)


def _shown(found: quality.ScoreView, errors: dict[str, str], status: int = 200) -> tuple[str, int]:
    recording = recordings.one(store(), found.recording_id) or abort(404)
    card = quality.card(store(), found.scorecard_id, found.version) or abort(404)
    people = reach(Permission.RECORDINGS_LISTEN)
    own = found.agent_id == g.user.id
    hears = recording.state == "archived" and (
        (own and may(Permission.RECORDINGS_LISTEN_OWN))
        or (may(Permission.RECORDINGS_LISTEN) and (people is None or found.agent_id in people))
    )
    scored_reach = reach(Permission.QUALITY_SCORE)
    decides = not own and may(Permission.QUALITY_SCORE) and (scored_reach is None or found.agent_id in scored_reach)
    return render_template(
        "quality/score.html", found=found, recording=recording, card=card, own=own, hears=hears, errors=errors,
        decides=decides, given=answers_of(request.form) or found.answers, shown_number=shown_number,
        **(player(recording) if hears else {}),
    ), status  # fmt: skip


@blueprint.get("/<evaluation_id>")
@needs(Permission.QUALITY_OWN, Permission.QUALITY_SCORE)
def one(evaluation_id: str) -> tuple[str, int]:
    """One score with its answers, the call, and what was said about it."""
    return _shown(_visible(evaluation_id), {})


@blueprint.post("/<evaluation_id>/appeal")
@needs(Permission.QUALITY_OWN)
def appeal(evaluation_id: str) -> tuple[str, int] | Response:
    """Object to a score of one's own."""
    found = _visible(evaluation_id)
    try:
        ask(AppealScore, evaluation_id=evaluation_id, text=request.form.get("text", ""))
    except ValidationErrors as wrong:
        return _shown(found, {field: text_of(error_id, text) for field, error_id, text in wrong.errors}, 400)
    return done_at(
        url_for("scores.one", evaluation_id=evaluation_id), _("Your appeal is in the hands of the supervisor.")
    )


@blueprint.post("/<evaluation_id>/appeals/<appeal_id>")
@needs(Permission.QUALITY_SCORE)
def decide(evaluation_id: str, appeal_id: str) -> tuple[str, int] | Response:
    """Accept an appeal with another score, or refuse it."""
    found = _visible(evaluation_id)
    accept = request.form.get("decision") == "accept"
    try:
        ask(
            DecideAppeal, appeal_id=appeal_id, accept=accept, answer=request.form.get("answer", ""),
            answers=answers_of(request.form) if accept else {},
        )  # fmt: skip
    except ValidationErrors as wrong:
        return _shown(found, {field: text_of(error_id, text) for field, error_id, text in wrong.errors}, 400)
    return done_at(url_for("scores.one", evaluation_id=evaluation_id), _("The appeal is answered."))
