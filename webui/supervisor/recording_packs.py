"""Recordings taken away in one zip: those that are ticked, or all that a search finds."""

from __future__ import annotations

from flask import Blueprint, abort, g, redirect, render_template, request, url_for
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from appliance.commands import ExportRecordings
from appliance.store.read import call_search, recording_notes
from appliance.types import Permission
from webui.access import needs
from webui.box import ask, store
from webui.supervisor import uploads
from webui.supervisor.recording_search import wanted

blueprint = Blueprint("recording_packs", __name__, url_prefix="/recordings/packs")
COUNT_MAX = 500
"""As jobs.recordings_zip.COUNT_MAX: a search that finds more is packed up to there, newest first."""


@blueprint.post("")
@needs(Permission.RECORDINGS_EXPORT)
def make() -> Response:
    """Have them packed; `jobs` checks each again."""
    if request.form.get("all"):
        search: MultiDict[str, str] = MultiDict(request.form.items())
        chosen = call_search.recording_ids(store(), wanted(search), COUNT_MAX)
    else:
        chosen = request.form.getlist("id")
    done = ask(ExportRecordings, recording_ids=chosen, timeout_s=15.0)
    return redirect(url_for("recording_packs.wait", job_id=str(done.id)))


def _mine(job_id: str) -> recording_notes.PackView:
    return recording_notes.pack(store(), job_id, g.user.id) or abort(404)


@blueprint.get("/<job_id>")
@needs(Permission.RECORDINGS_EXPORT)
def wait(job_id: str) -> str:
    """Progress; then the button."""
    return render_template("recordings/pack.html", pack=_mine(job_id))


@blueprint.get("/<job_id>/state")
@needs(Permission.RECORDINGS_EXPORT)
def state(job_id: str) -> str:
    """The progress alone."""
    return render_template("recordings/pack_state.html", pack=_mine(job_id))


@blueprint.get("/<job_id>/file")
@needs(Permission.RECORDINGS_EXPORT)
def file(job_id: str) -> Response:
    """The zip itself, for who asked for it."""
    pack = _mine(job_id)
    if pack.state != "finished":
        abort(404)
    return uploads.to_send(pack.result)
