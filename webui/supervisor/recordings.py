"""Recordings: search, player, export, legal hold."""

from __future__ import annotations

from flask import Blueprint, abort, g, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from appliance.commands import LegalHold
from appliance.store.read import campaigns, heard, recordings, users
from appliance.types import Permission
from webui.access import may, needs, reach
from webui.box import ask, store
from webui.errors import done_at
from webui.supervisor import sound
from webui.supervisor.recording_search import older_url, shown_number, wanted

blueprint = Blueprint("recordings", __name__, url_prefix="/recordings")


def _own_or_all(recording_id: str) -> recordings.RecordingView:
    """The recording if the user may hear it."""
    found = recordings.one(store(), recording_id) or abort(404)
    people = reach(Permission.RECORDINGS_LISTEN)
    if people is not None and found.agent_id != g.user.id and found.agent_id not in people:
        abort(404)
    return found


@blueprint.get("")
@needs(Permission.RECORDINGS_LISTEN, Permission.RECORDINGS_LISTEN_OWN)
def page() -> str:
    """Search; agents find their own."""
    found = recordings.search(store(), wanted(request.args), before=request.args.get("before"))
    return render_template(
        "recordings/page.html", found=found, older=older_url(found.older), campaigns=campaigns.names(store()),
        people=users.names(store()) if may(Permission.RECORDINGS_LISTEN) else {}, shown_number=shown_number,
    )  # fmt: skip


@blueprint.get("/<recording_id>")
@needs(Permission.RECORDINGS_LISTEN, Permission.RECORDINGS_LISTEN_OWN)
def one(recording_id: str) -> str:
    """One recording with its player. The sound is asked for (and audited) only when it is played."""
    found = _own_or_all(recording_id)
    return render_template(
        "recordings/one.html", recording=found, peaks=recordings.peaks(store(), recording_id),
        shown_number=shown_number, marks=heard.of_recording(store(), recording_id),
    )  # fmt: skip


@blueprint.get("/<recording_id>/sound")
@needs(Permission.RECORDINGS_LISTEN, Permission.RECORDINGS_LISTEN_OWN)
def listen(recording_id: str) -> Response:
    """The sound, by ranges."""
    return sound.ranged(_own_or_all(recording_id))


@blueprint.get("/<recording_id>/file")
@needs(Permission.RECORDINGS_EXPORT)
def export(recording_id: str) -> Response:
    """The whole file to take away; audited as an export."""
    return sound.whole(_own_or_all(recording_id))


@blueprint.post("/<recording_id>/hold")
@needs(Permission.RECORDINGS_RETAIN)
def hold(recording_id: str) -> Response:
    """Set or lift the legal hold."""
    holds = request.form.get("hold") == "1"
    ask(LegalHold, recording_id=recording_id, hold=holds, reason=request.form.get("reason", "")[:500])
    said = _("The recording is held; retention does not delete it.") if holds else _("The hold is lifted.")
    return done_at(url_for("recordings.one", recording_id=recording_id), said)
