"""Settings, made from the model."""

from __future__ import annotations

from flask import Blueprint, abort, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from appliance.commands import EarCurve, SaveSettings, TestSink
from appliance.errors import CallboxError, CallerError, ConflictError
from appliance.settings import Settings, load_settings
from appliance.store.read import versions
from appliance.types import Permission
from webui import labels
from webui.access import needs
from webui.admin.settings_model import changes, sections
from webui.box import ask, box, tell
from webui.error_texts import error_text
from webui.errors import done, done_at
from webui.supervisor.chart import Curve, tradeoff
from webui.versions import edits_by

_SINK_ANSWERS_S = 45.0  # a mail server may think for long

blueprint = Blueprint("settings", __name__, url_prefix="/settings")


def _curve(saved: Settings) -> Curve | None:
    """The ear's trade-off; the page stands without it when the office does not answer."""
    try:
        points = tell(EarCurve(), timeout_s=2.0).data.get("points", [])
    except CallboxError:
        return None
    return tradeoff(points, saved.dialling.machine_certainty)


def _what_is_wrong(error: CallerError, saved: Settings) -> str:
    """Each field that does not fit with what it takes, in the reader's language."""
    known = {field.path: field for section in sections(saved) for field in section.fields}
    paths = error.placeholders.get("fields")
    wrong = [known[path] for path in paths if path in known] if isinstance(paths, list) else []
    if not wrong:
        return error_text(error)
    told = [f"{field.title}: {field.description} {field.range}".rstrip() for field in wrong]
    return str(_("Not saved. What does not fit: %(fields)s", fields=" · ".join(told)))


@blueprint.route("", methods=["GET", "POST"])
@needs(Permission.SETTINGS_WRITE)
@edits_by(lambda: versions.version_of(versions.of_settings(load_settings(box().home))))
def page() -> Response | str:
    """Show and change; services take most settings up when they start next."""
    saved, error = load_settings(box().home), ""
    if request.method == "POST":
        try:
            if changed := changes(request.form, saved):
                ask(SaveSettings, changes=changed)
            return done_at(url_for("settings.page"), _("Saved. Restart the box to put all of it into effect."))
        except ConflictError:
            raise
        except CallerError as wrong:
            error = _what_is_wrong(wrong, saved)
    return render_template("settings/page.html", sections=sections(saved), error=error, given=request.form,
                           curve=_curve(saved))  # fmt: skip


@blueprint.post("/test/<sink>")
@needs(Permission.SETTINGS_WRITE)
def test_sink(sink: str) -> Response:
    """Send a test alert one way, as the running settings have it."""
    if sink not in labels.SINKS:
        abort(404)
    seconds = ask(TestSink, sink=sink, timeout_s=_SINK_ANSWERS_S).data.get("seconds")
    return done(_("Sent and taken in %(seconds)s s.", seconds=seconds))
