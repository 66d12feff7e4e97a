"""The queue of calls to score, and the page on which one is scored beside its player."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint, abort, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from appliance.commands import AskForScore, ScoreCall, SkipScoring
from appliance.errors import ValidationErrors
from appliance.store.read import quality, recordings
from appliance.types import Permission
from webui.access import may, needs, reach
from webui.box import ask, store
from webui.error_texts import text_of
from webui.errors import done_at
from webui.supervisor.recording_search import shown_number
from webui.supervisor.recordings import player

blueprint = Blueprint("quality", __name__, url_prefix="/quality")


@blueprint.get("")
@needs(Permission.QUALITY_SCORE)
def page() -> str:
    """What is to be scored, oldest first."""
    found = quality.queue(store(), g.user.id, reach(Permission.QUALITY_SCORE))
    waiting = quality.open_appeals(store(), reach(Permission.QUALITY_SCORE))
    return render_template("quality/queue.html", found=found, appeals=len(waiting))


def answers_of(form: Mapping[str, str]) -> dict[str, int | None]:
    """Answers by question as a form of questions sends them: a digit, or `-`: does not apply."""
    return {
        name.removeprefix("q."): None if value == "-" else int(value)
        for name, value in form.items()
        if name.startswith("q.") and (value == "-" or (value.isdecimal() and len(value) == 1))
    }


def open_to_me(task_id: str) -> quality.TaskView | None:
    """A call that the user may score: of somebody in his reach, and nobody else's to score."""
    found, people = quality.task(store(), task_id), reach(Permission.QUALITY_SCORE)
    if found is None or found.scorer_id not in (None, g.user.id):
        return None
    return found if people is None or found.agent_id in people else None


def _task(task_id: str) -> quality.TaskView:
    return open_to_me(task_id) or abort(404)


def _hearable(agent_id: str) -> bool:
    people = reach(Permission.RECORDINGS_LISTEN)
    return may(Permission.RECORDINGS_LISTEN) and (people is None or agent_id in people)


def _shown(found: quality.TaskView, errors: Mapping[str, str], status: int = 200) -> tuple[str, int]:
    recording = recordings.one(store(), found.recording_id) or abort(404)
    card = quality.card(store(), found.scorecard_id, found.version) or abort(404)
    hears = found.hearable and _hearable(found.agent_id)
    given = answers_of(request.form)
    page = render_template(
        "quality/task.html", task=found, recording=recording, card=card, errors=errors, given=given, hears=hears,
        comment=request.form.get("comment", ""), shown_number=shown_number, **(player(recording) if hears else {}),
    )  # fmt: skip
    return page, status


@blueprint.get("/tasks/<task_id>")
@needs(Permission.QUALITY_SCORE)
def task(task_id: str) -> tuple[str, int] | Response:
    """Score a call; one that was scored meanwhile leads back to the queue."""
    found = _task(task_id)
    return _shown(found, {}) if found.state == "open" else redirect(url_for("quality.page"))


@blueprint.post("/tasks/<task_id>/score")
@needs(Permission.QUALITY_SCORE)
def give(task_id: str) -> tuple[str, int] | Response:
    """Take the score and go on to the next call."""
    found = _task(task_id)
    try:
        done = ask(
            ScoreCall, task_id=task_id, answers=answers_of(request.form), comment=request.form.get("comment", "")
        )
    except ValidationErrors as wrong:
        return _shown(found, {field: text_of(error_id, text) for field, error_id, text in wrong.errors}, 400)
    following = quality.queue(store(), g.user.id, reach(Permission.QUALITY_SCORE))
    said = _("Scored: %(score)s per cent.", score=round(float(done.data["score"]) * 100))
    if following and request.form.get("next"):
        return done_at(url_for("quality.task", task_id=following[0].id), said)
    return done_at(url_for("quality.page"), said)


@blueprint.post("/tasks/<task_id>/skip")
@needs(Permission.QUALITY_SCORE)
def skip(task_id: str) -> Response:
    """Leave it out."""
    ask(SkipScoring, task_id=task_id, reason=request.form.get("reason", ""))
    return done_at(url_for("quality.page"), _("Left out; it is not drawn again."))


@blueprint.post("/ask")
@needs(Permission.QUALITY_SCORE)
def ask_for() -> Response:
    """Score one recording that was found by hand."""
    done = ask(
        AskForScore,
        recording_id=request.form.get("recording_id", ""),
        scorecard_id=request.form.get("scorecard_id", ""),
    )
    return redirect(url_for("quality.task", task_id=str(done.id)))
