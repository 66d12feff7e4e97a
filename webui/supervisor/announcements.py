"""The library of announcements: what the ear knows by heart, taught from a file or from a call."""

from __future__ import annotations

from flask import Blueprint, abort, render_template, request, send_file, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from appliance.commands import EnrolAnnouncement, RetireAnnouncement, SaveAnnouncement
from appliance.errors import CallerError, ValidationErrors
from appliance.store.read import announcements, heard, recordings, versions
from appliance.types import Permission
from webui.access import needs
from webui.box import ask, box, store
from webui.error_texts import error_text
from webui.errors import done_at
from webui.supervisor import uploads

blueprint = Blueprint("announcements", __name__, url_prefix="/announcements")


def _seconds(name: str) -> float:
    try:
        return max(0.0, float(request.form.get(name, "").replace(",", ".") or 0))
    except ValueError:
        return 0.0


@blueprint.get("")
@needs(Permission.EAR_TEACH)
def page() -> str:
    """What is known, and what was."""
    folder = box().home.announcements
    return render_template(
        "announcements/page.html", known=announcements.announcements(store(), folder),
        retired=announcements.announcements(store(), folder, retired=True),
        version_of=lambda entry: versions.version_of(versions.of_announcement(entry)),
    )  # fmt: skip


@blueprint.route("/new", methods=["GET", "POST"])
@needs(Permission.EAR_TEACH)
def new() -> Response | str:
    """Enrol from a file, or from the recording that `recording` names."""
    recording_id, error = request.values.get("recording", ""), ""
    if request.method == "POST":
        try:
            return _enrol(recording_id)
        except ValidationErrors as wrong:
            error = " ".join(error_text(CallerError(e[1], e[2])) for e in wrong.errors)
        except CallerError as wrong:
            error = error_text(wrong)
    recording = recordings.one(store(), recording_id) or abort(404) if recording_id else None
    return render_template(
        "announcements/new.html", recording=recording, error=error, given=request.form,
        peaks=recordings.peaks(store(), recording_id) if recording else {},
        marks=heard.of_recording(store(), recording_id) if recording else [],
    )  # fmt: skip


def _enrol(recording_id: str) -> Response:
    form = request.form
    path = "" if recording_id else str(uploads.keep(request.files.get("file"), sound=True).path)
    ask(
        EnrolAnnouncement, label=form.get("label", ""), name=form.get("name", ""), path=path,
        country=form.get("country", "").strip().upper(), language=form.get("language", "").strip().lower(),
        recording_id=recording_id, from_s=_seconds("from_s"), to_s=_seconds("to_s"), timeout_s=15.0,
    )  # fmt: skip
    said = _("Enrolled: the next calls with this announcement are named.")
    return done_at(url_for("announcements.page"), said)


@blueprint.get("/<ann_id>/sound")
@needs(Permission.EAR_TEACH)
def sound(ann_id: str) -> Response:
    """The enrolled sound."""
    path = announcements.sound(box().home.announcements, ann_id) or abort(404)
    return send_file(path, mimetype="audio/wav", conditional=True, max_age=0)


@blueprint.post("/<ann_id>")
@needs(Permission.EAR_TEACH)
def save(ann_id: str) -> Response:
    """Another name or meaning."""
    form = request.form
    ask(
        SaveAnnouncement, id=ann_id, label=form.get("label", ""), name=form.get("name", ""),
        country=form.get("country", "").strip().upper(), language=form.get("language", "").strip().lower(),
    )  # fmt: skip
    return done_at(url_for("announcements.page"), _("Saved."))


@blueprint.post("/<ann_id>/retire")
@needs(Permission.EAR_TEACH)
def retire(ann_id: str) -> Response:
    """Listen for it no more, or again."""
    back = request.form.get("back") == "1"
    ask(RetireAnnouncement, id=ann_id, back=back)
    said = _("The ear listens for it again.") if back else _("Retired. “Use again” below undoes it.")
    return done_at(url_for("announcements.page"), said)
