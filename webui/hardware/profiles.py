"""A make that the box does not know: its profile from a captured terminal session, looked at first, then kept."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from appliance.commands import ProfileFromTranscript
from appliance.errors import CallerError
from appliance.types import Permission
from webui.access import needs
from webui.box import ask
from webui.error_texts import error_text
from webui.errors import done_at
from webui.hardware import words

blueprint = Blueprint("line_profiles", __name__, url_prefix="/line-profiles")

_TRANSCRIPT_MAX = 256 * 1024
_FIELDS = ("profile_id", "make", "model", "kind")


@blueprint.route("/new", methods=["GET", "POST"])
@needs(Permission.HARDWARE_WRITE)
def new() -> Response | str:
    """Transcript in, preview out; the second time it is kept."""
    given = {name: request.form.get(name, "").strip() for name in _FIELDS}
    given["kind"] = given["kind"] if given["kind"] in words.KINDS else "e1"
    transcript = _transcript() if request.method == "POST" else ""
    found: dict[str, Any] | None = None
    error = ""
    if request.method == "POST":
        save = request.form.get("do") == "save"
        try:
            if not transcript.strip():
                raise CallerError("line.no_transcript", _("Choose the captured session's file, or paste its text."))
            found = ask(ProfileFromTranscript, transcript=transcript, save=save, timeout_s=15.0, **given).data
        except CallerError as wrong:
            error = error_text(wrong)
        else:
            if save:
                return done_at(url_for("line_cards.page"), _("The profile is kept. Choose it for a card."))
    return render_template(
        "lines/profile.html", given=given, transcript=transcript, found=found, error=error, words=words
    )


def _transcript() -> str:
    """The file that was sent, else the text that was pasted; bytes that are no text are replaced, never fatal."""
    file = request.files.get("file")
    if file is not None and file.filename:
        return str(file.read(_TRANSCRIPT_MAX + 1), "utf-8", "replace")
    return request.form.get("transcript", "")
