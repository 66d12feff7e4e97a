"""Recordings: search, player with comments, legal hold."""

from __future__ import annotations

from flask import Blueprint, abort, g, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from appliance.commands import DeleteRecordingNote, LegalHold, SaveRecordingNote
from appliance.store.read import call_search, campaigns, heard, quality, recording_notes, recordings, roles, users
from appliance.types import Permission
from webui.access import may, needs, reach
from webui.box import ask, store
from webui.errors import done_at
from webui.supervisor import sound
from webui.supervisor.recording_search import length, older_url, shown_number, wanted

blueprint = Blueprint("recordings", __name__, url_prefix="/recordings")


def own_or_all(recording_id: str) -> recordings.RecordingView:
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
    choice = wanted(request.args)
    found = call_search.search(store(), choice, cursor=request.args.get("before", ""))
    every = may(Permission.RECORDINGS_LISTEN)
    return render_template(
        "recordings/page.html", found=found, older=older_url(found.older), choice=choice,
        campaigns=campaigns.names(store()), people=users.names(store()) if every else {},
        teams=roles.departments(store()) if every else [], shown_number=shown_number, sorts=call_search.SORTS,
    )  # fmt: skip


@blueprint.get("/<recording_id>")
@needs(Permission.RECORDINGS_LISTEN, Permission.RECORDINGS_LISTEN_OWN)
def one(recording_id: str) -> str:
    """One recording with its player. The sound is asked for (and audited) only when it is played."""
    found = own_or_all(recording_id)
    scores = quality.scores(store(), recording_id=recording_id) if may(Permission.QUALITY_SCORE) else []
    people = reach(Permission.QUALITY_SCORE)
    return render_template(
        "recordings/one.html", recording=found, shown_number=shown_number, **player(found),
        scores=[one for one in scores if people is None or one.agent_id in people],
        cards=quality.cards(store()) if may(Permission.QUALITY_SCORE) else [],
        parts=recording_notes.parts(store(), found.conversation_id),
        scorers=quality.scorers(store(), found.agent_id) if may(Permission.QUALITY_MANAGE) else {},
    )  # fmt: skip


def player(found: recordings.RecordingView) -> dict[str, object]:
    """What recordings/player.html shows of a recording beside itself."""
    return {
        "peaks": recordings.peaks(store(), found.id), "marks": heard.of_recording(store(), found.id),
        "gaps": recording_notes.gaps(store(), found.id), "notes": recording_notes.notes(store(), found.id),
        "start_s": length(request.args.get("t")) or 0.0,
    }  # fmt: skip


@blueprint.get("/<recording_id>/sound")
@needs(Permission.RECORDINGS_LISTEN, Permission.RECORDINGS_LISTEN_OWN)
def listen(recording_id: str) -> Response:
    """The sound, by ranges."""
    return sound.ranged(own_or_all(recording_id))


@blueprint.get("/<recording_id>/file")
@needs(Permission.RECORDINGS_EXPORT)
def export(recording_id: str) -> Response:
    """The whole file to take away; audited as an export."""
    return sound.whole(own_or_all(recording_id))


@blueprint.post("/<recording_id>/notes")
@needs(Permission.RECORDINGS_LISTEN, Permission.RECORDINGS_LISTEN_OWN)
def note(recording_id: str) -> str:
    """Write a comment or marker, or change one's own; answers with the list."""
    form = request.form
    ask(
        SaveRecordingNote, recording_id=recording_id, note_id=form.get("note_id") or None,
        at_s=length(form.get("at_s")) or 0.0, text=form.get("text", ""),
    )  # fmt: skip
    return _notes(recording_id)


@blueprint.post("/<recording_id>/notes/<note_id>/delete")
@needs(Permission.RECORDINGS_LISTEN, Permission.RECORDINGS_LISTEN_OWN)
def delete_note(recording_id: str, note_id: str) -> str:
    """Take one's own off; answers with the list."""
    ask(DeleteRecordingNote, note_id=note_id)
    return _notes(recording_id)


def _notes(recording_id: str) -> str:
    found = own_or_all(recording_id)
    return render_template("recordings/notes.html", recording=found, notes=recording_notes.notes(store(), recording_id))


@blueprint.post("/<recording_id>/hold")
@needs(Permission.RECORDINGS_RETAIN)
def hold(recording_id: str) -> Response:
    """Set or lift the legal hold."""
    holds = request.form.get("hold") == "1"
    ask(LegalHold, recording_id=recording_id, hold=holds, reason=request.form.get("reason", "")[:500])
    said = _("The recording is held; retention does not delete it.") if holds else _("The hold is lifted.")
    return done_at(url_for("recordings.one", recording_id=recording_id), said)
