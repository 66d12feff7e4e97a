"""Updates: versions and slots, an update uploaded or fetched, installed now or at the quiet hour, what became of it."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, jsonify, redirect, render_template, request, url_for
from flask import Response as FlaskResponse
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response

from appliance.commands import ApplyUpdate, CheckUpdate, DropUpdate, FetchUpdate, ShowSlots
from appliance.errors import CallboxError, NotAllowedError
from appliance.home import WAITS_AT_START
from appliance.settings import load_settings
from appliance.store.read import backups, updates
from appliance.types import Permission
from webui import raw_upload
from webui.access import needs
from webui.box import ask, box
from webui.error_texts import error_text
from webui.errors import done_at

blueprint = Blueprint("updates", __name__, url_prefix="/system/updates")

STATES = {
    "waiting": _l("waits for its time"), "backup": _l("makes a backup"), "try": _l("tests the backup"),
    "install": _l("writes the other slot"), "rebooting": _l("restarts and looks whether all is well"),
    "good": _l("installed"), "returned": _l("returned to the old version"), "failed": _l("failed"),
}  # fmt: skip
UNDER_WAY = ("backup", "try", "install", "rebooting")
_ROOT_S = 150.0


def _state() -> dict[str, Any]:
    state = updates.updates(box().home)
    return {
        "state": state, "apply": state.apply, "states": STATES, "under_way": state.apply.get("state") in UNDER_WAY,
        "at": updates.instant(state.apply, "at"), "checked": updates.instant(state.bundle, "checked_at"),
        "ended": [(one, updates.instant(one, "ended_at")) for one in state.history],
    }  # fmt: skip


@blueprint.get("")
@needs(Permission.BOX_MAINTAIN)
def page() -> str:
    """All of it."""
    error = ""
    try:
        slots = ask(ShowSlots, timeout_s=_ROOT_S).data
    except NotAllowedError:
        raise
    except CallboxError as wrong:
        slots, error = {}, error_text(wrong)
    return render_template(
        "updates/page.html", slots=slots, error=error, has_passphrase=backups.state(box().home).has_passphrase,
        quiet_hour=load_settings(box().home).hardware.quiet_hour, waits=WAITS_AT_START.exists(),
        job_id=request.args.get("job", ""), job=box().live.job(request.args.get("job", "")), **_state(),
    )  # fmt: skip


@blueprint.get("/state")
@needs(Permission.BOX_MAINTAIN)
def state() -> str:
    """How far the installation is, again and again."""
    return render_template("updates/state.html", **_state())


@blueprint.put("/upload")
@needs(Permission.BOX_MAINTAIN)
def upload() -> FlaskResponse:
    """Take an update and look at its signature; the script goes on to `url`."""
    path = raw_upload.keep(".raucb")
    try:
        found = ask(CheckUpdate, path=str(path), timeout_s=_ROOT_S).data
    finally:
        path.unlink(missing_ok=True)
    flash(_("Version %(version)s is signed for this box and ready.", version=found["version"]), "success")
    return jsonify(url=url_for("updates.page"))


@blueprint.post("/fetch")
@needs(Permission.BOX_MAINTAIN)
def fetch() -> Response:
    """Fetch it from an address."""
    return redirect(url_for("updates.page", job=ask(FetchUpdate, url=request.form.get("url", "").strip()).id))


@blueprint.post("/apply")
@needs(Permission.BOX_MAINTAIN)
def apply() -> Response:
    """Install it."""
    ask(ApplyUpdate, when="quiet" if request.form.get("when") == "quiet" else "now")
    return redirect(url_for("updates.page"))


@blueprint.post("/drop")
@needs(Permission.BOX_MAINTAIN)
def drop() -> Response:
    """Forget it."""
    ask(DropUpdate)
    return done_at(url_for("updates.page"), _("The update is forgotten."))
