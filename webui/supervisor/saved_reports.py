"""Saved reports: made again by hand or when they are due, sent by e-mail."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from flask import Blueprint, abort, render_template, request, url_for
from flask_babel import get_locale
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from appliance.commands import DeleteReport, RunReport, SaveReport
from appliance.errors import ValidationErrors
from appliance.store.read import campaigns, imports, saved_reports, trunks, users
from appliance.store.read.report_scope import PERIODS
from appliance.store.read.saved_reports import SavedReportView
from appliance.store.read.tallies import DIMENSIONS
from appliance.texts import figure_words
from appliance.types import Permission
from webui.access import needs
from webui.box import ask, box, store
from webui.error_texts import text_of
from webui.errors import done_at
from webui.i18n import LANGUAGES
from webui.supervisor import uploads
from webui.supervisor.exports import chosen
from webui.versions import edits

blueprint = Blueprint("saved_reports", __name__, url_prefix="/reports/saved")


@blueprint.get("")
@needs(Permission.REPORTS_READ)
def page() -> str:
    """All of them, with what became of them last."""
    return render_template(
        "saved_reports/page.html", found=saved_reports.saved_reports(store()), words=_words(),
        mail=bool(box().settings.email.host), there=_there,
    )  # fmt: skip


def _words() -> dict[str, Any]:
    return dict(figure_words(str(get_locale())))


def _there(row: SavedReportView) -> bool:
    """Is the last table still on the box?"""
    return bool(row.last_file) and Path(row.last_file).exists()


def _form(values: dict[str, Any], report_id: str = "", errors: dict[str, str] | None = None) -> str:
    words = _words()
    return render_template(
        "saved_reports/form.html", values=values, report_id=report_id, errors=errors or {}, words=words,
        choice=values["choice"], periods=PERIODS, languages=LANGUAGES,
        by_options=[(one, words[f"by.{one}"].title) for one in DIMENSIONS],
        campaigns=campaigns.names(store()), people=users.names(store()),
        lists={one.id: one.file_name for one in imports.recent(store()) if not one.dry_run},
        trunks={one.id: one.display_name or one.id for one in trunks.trunks(store())},
    )  # fmt: skip


@blueprint.get("/new")
@needs(Permission.REPORTS_EXPORT)
def new() -> str:
    """A new one, with the choice of the page it was asked for on."""
    choice = chosen(request.args)
    values = {
        "name": "", "choice": {"period": "yesterday", **choice}, "every": "day", "at_time": "08:00", "on_day": 1,
        "recipients": box().settings.email.recipients, "file_format": "xlsx", "language": str(get_locale()),
    }  # fmt: skip
    return _form(values)


@blueprint.get("/<report_id>")
@needs(Permission.REPORTS_EXPORT)
@edits("saved_report", "report_id")
def one(report_id: str) -> str:
    """Change one."""
    row = _known(report_id)
    values = {name: getattr(row, name) for name in (
        "name", "choice", "every", "at_time", "on_day", "recipients", "file_format", "language",
    )}  # fmt: skip
    return _form(values, report_id)


def _known(report_id: str) -> SavedReportView:
    row = saved_reports.saved_report(store(), report_id)
    if row is None:
        abort(404)
    return row


@blueprint.post("/save")
@needs(Permission.REPORTS_EXPORT)
def save() -> Response | tuple[str, int]:
    """Keep it; mistakes are shown beside their fields."""
    form = request.form
    report_id, day = form.get("report_id", ""), form.get("on_day", "1")
    values: dict[str, Any] = {
        "name": form.get("name", ""), "choice": chosen(form), "every": form.get("every", ""),
        "at_time": form.get("at_time", ""), "on_day": int(day) if day.isdecimal() else 0,
        "recipients": form.get("recipients", ""), "file_format": form.get("file_format", "xlsx"),
        "language": form.get("language", "en"),
    }  # fmt: skip
    try:
        ask(SaveReport, report_id=report_id or None, **values)
    except ValidationErrors as wrong:
        errors = {field: text_of(error_id, message) for field, error_id, message in wrong.errors}
        return _form(values, report_id, errors), 400
    return done_at(url_for("saved_reports.page"), _("Saved."))


@blueprint.post("/<report_id>/run")
@needs(Permission.REPORTS_EXPORT)
def run(report_id: str) -> Response:
    """Make it now, and send it where somebody is named."""
    ask(RunReport, report_id=report_id)
    return done_at(url_for("saved_reports.page"), _("The report is being made; reload the page in a moment."))


@blueprint.post("/<report_id>/delete")
@needs(Permission.REPORTS_EXPORT)
def delete(report_id: str) -> Response:
    """Forget it."""
    ask(DeleteReport, report_id=report_id)
    return done_at(url_for("saved_reports.page"), _("Deleted."))


@blueprint.get("/<report_id>/file")
@needs(Permission.REPORTS_EXPORT)
def file(report_id: str) -> Response:
    """The table of the last making."""
    row = _known(report_id)
    if not _there(row):
        abort(404)
    return uploads.to_send({"path": row.last_file, "file_name": row.last_file_name})
