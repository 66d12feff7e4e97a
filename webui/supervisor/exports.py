"""Tables to take away: a job of the box writes the file, the page offers it when it is ready."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask_babel import get_locale
from werkzeug.wrappers import Response

from appliance.commands import ExportReport
from appliance.events import LiveJob
from appliance.store.read import call_filter
from appliance.store.read.report_scope import FIELDS
from appliance.types import Permission
from webui.access import needs
from webui.box import ask, box
from webui.supervisor import uploads

blueprint = Blueprint("exports", __name__, url_prefix="/exports")

KINDS = {
    "campaign": Permission.REPORTS_EXPORT, "figures": Permission.REPORTS_EXPORT, "attempts": Permission.REPORTS_EXPORT,
    "recordings": Permission.REPORTS_EXPORT, "rejects": Permission.LISTS_IMPORT,
    "contacts": Permission.REPORTS_EXPORT, "answers": Permission.REPORTS_EXPORT,
}  # fmt: skip


def chosen(form: Mapping[str, str]) -> dict[str, str]:
    """The choice of a report, or the search for recordings, as its page sends it along."""
    return {name: form[name] for name in (*FIELDS, *call_filter.FIELDS, "by", "q") if form.get(name)}


def _job(job_id: str) -> LiveJob | None:
    return box().live.job(job_id)


@blueprint.post("/<report>")
@needs(Permission.REPORTS_EXPORT, Permission.LISTS_IMPORT)
def make(report: str) -> Response:
    """Have a table written. `jobs` checks the permission of its kind again."""
    if report not in KINDS:
        abort(404)
    done = ask(
        ExportReport, report=report, campaign_id=request.form.get("campaign_id") or None,
        import_id=request.form.get("import_id") or None, file_format=request.form.get("format", "xlsx"),
        language=str(get_locale()), choice=chosen(request.form), timeout_s=15.0,
    )  # fmt: skip
    return redirect(url_for("exports.wait", job_id=str(done.id)))


@blueprint.get("/<job_id>")
@needs(Permission.REPORTS_EXPORT, Permission.LISTS_IMPORT)
def wait(job_id: str) -> str:
    """Progress; then the button."""
    return render_template("exports/wait.html", job_id=job_id, job=_job(job_id))


@blueprint.get("/<job_id>/state")
@needs(Permission.REPORTS_EXPORT, Permission.LISTS_IMPORT)
def state(job_id: str) -> str:
    """The progress alone."""
    return render_template("exports/state.html", job_id=job_id, job=_job(job_id))


@blueprint.get("/<job_id>/file")
@needs(Permission.REPORTS_EXPORT, Permission.LISTS_IMPORT)
def file(job_id: str) -> Response:
    """The file itself."""
    job = _job(job_id)
    if job is None or job.state != "finished" or "path" not in job.result:
        abort(404)
    return uploads.to_send(job.result)
