"""Backups: made now or by schedule, downloaded, tested, put in place again."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, jsonify, redirect, render_template, request, send_file, url_for
from flask import Response as FlaskResponse
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response

from appliance.commands import (
    AdoptBackup,
    CancelRestore,
    FetchBackup,
    MakeBackup,
    RemoveBackup,
    RestoreBackup,
    SaveSettings,
    SetBackupPassphrase,
    TryBackup,
)  # fmt: skip
from appliance.errors import CallerError, NotFoundError
from appliance.settings import load_settings
from appliance.store.read import backups
from appliance.types import Permission
from webui import raw_upload
from webui.access import needs
from webui.box import ask, box
from webui.error_texts import text_of
from webui.errors import done_at

blueprint = Blueprint("backup", __name__, url_prefix="/system/backup")

WHY = {"hand": _l("by hand"), "schedule": _l("by schedule"), "update": _l("before an update"), "upload": _l("uploaded")}
EVERY = {"": _l("only by hand"), "day": _l("every day"), "week": _l("every week, on Sunday")}
_OPEN_S = 30.0
"""Making a key of a passphrase is slow on purpose."""


def facts() -> dict[str, Any]:
    """What the page and the first set-up show."""
    home = box().home
    found, state = backups.backups(home), backups.state(home)
    return {"found": found, "state": state, "waiting": backups.restoring(home), "why": WHY,
            "copy_error": text_of(state.copy_error_id, state.copy_error)}  # fmt: skip


@blueprint.get("")
@needs(Permission.BOX_MAINTAIN)
def page() -> str:
    """All of it."""
    return render_template(
        "backup/page.html", **facts(), plan=load_settings(box().home).backup, every=EVERY,
        job_id=request.args.get("job", ""), job=box().live.job(request.args.get("job", "")),
    )  # fmt: skip


@blueprint.get("/job/<job_id>")
@needs(Permission.BOX_MAINTAIN)
def job(job_id: str) -> str:
    """How far a backup, a test or a restore is."""
    return render_template("backup/job.html", job_id=job_id, job=box().live.job(job_id))


def _at_job(job_id: str | None) -> Response:
    return redirect(url_for("backup.page", job=job_id))


@blueprint.post("/passphrase")
@needs(Permission.BOX_MAINTAIN)
def passphrase() -> Response:
    """Set the passphrase of the backups to come."""
    given = request.form.get("passphrase", "")
    if given != request.form.get("again", ""):
        raise CallerError("backup.not_the_same", _("The two passphrases are not the same. Type them again."))
    ask(SetBackupPassphrase, passphrase=given, timeout_s=_OPEN_S)
    return done_at(url_for("backup.page"), _("The passphrase is set. Keep it where the box is not."))


@blueprint.post("/make")
@needs(Permission.BOX_MAINTAIN)
def make() -> Response:
    """Make one now."""
    return _at_job(ask(MakeBackup).id)


@blueprint.post("/plan")
@needs(Permission.SETTINGS_WRITE)
def plan() -> Response:
    """When, how long, where to."""
    form = request.form
    numbers = {name: form.get(name, type=int) for name in ("keep_days", "keep_weeks", "keep_months")}
    changes: dict[str, Any] = {
        "every": form.get("every", ""), "at_time": form.get("at_time", ""), "copy_to": form.get("copy_to", "").strip(),
        "recordings": form.get("recordings") == "y",
        **{name: value for name, value in numbers.items() if value is not None},
    }  # fmt: skip
    ask(SaveSettings, changes={"backup": changes})
    return done_at(url_for("backup.page"), _("Saved."))


@blueprint.put("/upload")
@needs(Permission.BOX_MAINTAIN)
def upload() -> FlaskResponse:
    """Take a backup that was made elsewhere; the script goes on to `url`."""
    path = raw_upload.keep(".cbb")
    try:
        ask(AdoptBackup, path=str(path))
    finally:
        path.unlink(missing_ok=True)
    flash(_("The backup is on the box. Test it before you count on it."), "success")
    in_wizard = request.args.get("next") == "wizard"
    return jsonify(url=url_for("wizard.show", name="restore") if in_wizard else url_for("backup.page"))


@blueprint.get("/<name>/file")
@needs(Permission.BOX_MAINTAIN)
def file(name: str) -> Response:
    """The file itself; sealed as it is."""
    path = ask(FetchBackup, name=name).data["path"]
    return send_file(path, as_attachment=True, download_name=name, mimetype="application/octet-stream")


@blueprint.post("/<name>/try")
@needs(Permission.BOX_MAINTAIN)
def try_(name: str) -> Response:
    """Restore it beside the box for a test."""
    return _at_job(ask(TryBackup, name=name, passphrase=request.form.get("passphrase", ""), timeout_s=_OPEN_S).id)


@blueprint.post("/<name>/remove")
@needs(Permission.BOX_MAINTAIN)
def remove(name: str) -> Response:
    """Delete it."""
    ask(RemoveBackup, name=name)
    return done_at(url_for("backup.page"), _("Deleted."))


@blueprint.get("/<name>")
@needs(Permission.BOX_MAINTAIN)
def one(name: str) -> str:
    """What it holds, and the form that puts it in place."""
    found = next((one for one in backups.backups(box().home) if one.name == name), None)
    if found is None:
        raise NotFoundError("backup.unknown", _("This backup is not on the box any more."))
    return render_template("backup/one.html", one=found, why=WHY)


@blueprint.post("/restore")
@needs(Permission.BOX_MAINTAIN)
def restore() -> Response:
    """Make it ready; the box starts anew with it."""
    form = request.form
    if form.get("sure") != "y":
        raise CallerError("backup.not_sure", _("Say that you know that all data of this box is replaced."))
    done = ask(RestoreBackup, name=form.get("name", ""), passphrase=form.get("passphrase", ""), timeout_s=_OPEN_S)
    return _at_job(done.id)


@blueprint.post("/cancel")
@needs(Permission.BOX_MAINTAIN)
def cancel() -> Response:
    """Forget a restore that waits."""
    ask(CancelRestore)
    return done_at(url_for("backup.page"), _("The restore is forgotten; nothing has changed."))
