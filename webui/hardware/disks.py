"""Disks: what they say of themselves, the mirror, and the wizard that brings a new disk in."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from appliance.commands import (
    AbandonReplacement,
    CheckArray,
    LocateDisk,
    ReplaceDisk,
    RetireDisk,
    RunDiskTest,
    ShowDisks,
)
from appliance.errors import CallboxError, CallerError, NotAllowedError
from appliance.types import Permission
from webui.access import needs
from webui.box import ask
from webui.error_texts import error_text
from webui.errors import done_at
from webui.hardware import words
from webui.hardware.disk_view import Progress, arrays, disks, placed, progress
from webui.hardware.readings import reading

blueprint = Blueprint("disks", __name__, url_prefix="/disks")

_DISKS_ANSWER_S = 60.0  # a dying disk takes its time


@blueprint.get("")
@needs(Permission.HARDWARE_READ)
def page() -> str:
    """All disks."""
    return render_template("disks/page.html", **_all())


@blueprint.get("/view")
@needs(Permission.HARDWARE_READ)
def view() -> str:
    """The disks alone, after each reading."""
    return render_template("disks/disks.html", **_all())


def _all() -> dict[str, Any]:
    found = reading("disks")
    return {
        "reading": found, "arrays": arrays(found), "disks": disks(found), "progress": _progress(), "words": words,
    }  # fmt: skip


def _progress() -> Progress | None:
    """The replacement as told by itself (every two seconds), else as the disks' section had it."""
    own, beside = reading("replacement"), reading("disks")
    newest = own.data if own.taken_at_unix_s >= beside.taken_at_unix_s else beside.data.get("replacement")
    return progress(newest or None)


@blueprint.post("/test")
@needs(Permission.HARDWARE_WRITE)
def test() -> Response:
    """The disk's test of itself."""
    kind = "long" if request.form.get("kind") == "long" else "short"
    ask(RunDiskTest, serial=request.form.get("serial", ""), kind=kind, timeout_s=_DISKS_ANSWER_S)
    return done_at(url_for("disks.page"), _("The disk tests itself now. Calls and recordings go on."))


@blueprint.post("/locate")
@needs(Permission.HARDWARE_WRITE)
def locate() -> Response:
    """Light the lamp of a bay, or put it out; back to where it was asked."""
    on = request.form.get("on") == "y"
    ask(LocateDisk, serial=request.form.get("serial", ""), on=on, timeout_s=_DISKS_ANSWER_S)
    said = _("The lamp of its bay burns for ten minutes.") if on else _("The lamp is out.")
    return done_at(url_for("disks.replace" if request.form.get("at") == "replace" else "disks.page"), said)


@blueprint.post("/check")
@needs(Permission.HARDWARE_WRITE)
def check() -> Response:
    """Compare both halves of the mirror."""
    ask(CheckArray, array=request.form.get("array", ""), timeout_s=_DISKS_ANSWER_S)
    return done_at(url_for("disks.page"), _("Both disks are compared in the background."))


# ---- the wizard --------------------------------------------------------------------------------------------


@blueprint.route("/replace", methods=["GET", "POST"])
@needs(Permission.HARDWARE_WRITE)
def replace() -> Response | str:
    """Where the replacement stands decides what is shown, so that it goes on after a reload, here or elsewhere."""
    error = ""
    if request.method == "POST":
        try:
            ask(
                ReplaceDisk, array=request.form.get("array", ""), serial=request.form.get("serial", ""),
                confirmation=request.form.get("confirmation", "").strip(), timeout_s=_DISKS_ANSWER_S,
            )  # fmt: skip
            return done_at(url_for("disks.replace"), _("Begun. It goes on by itself, also over a restart."))
        except NotAllowedError:
            raise
        except CallboxError as wrong:
            error = error_text(wrong)
    at = _progress()
    if at is not None and at.running and not error:
        return render_template("disks/progress_page.html", progress=at, words=words)
    pictures, bays, trouble = _pictures()
    return render_template(
        "disks/replace.html", pictures=pictures, bays=bays, trouble=trouble, error=error, given=request.form,
        progress=at, words=words, placed=placed,
    )  # fmt: skip


def _pictures() -> tuple[list[dict[str, Any]], dict[str, str], str]:
    """The pictures of the arrays, looked at now; bays by the disks' names; why there are none."""
    try:
        shown = ask(ShowDisks, timeout_s=_DISKS_ANSWER_S).data
    except NotAllowedError:
        raise
    except CallboxError as wrong:
        return [], {}, error_text(wrong)
    bays = {str(disk.get("name")): str(disk.get("bay", "")) for disk in shown.get("disks") or ()}
    return list(shown.get("pictures") or ()), bays, ""


@blueprint.get("/replace/progress")
@needs(Permission.HARDWARE_WRITE)
def replace_progress() -> str:
    """How far it is, after each word of it."""
    return render_template("disks/progress.html", progress=_progress(), words=words)


@blueprint.post("/replace/abandon")
@needs(Permission.HARDWARE_WRITE)
def abandon() -> Response:
    """Forget a replacement that cannot go on."""
    ask(AbandonReplacement)
    return done_at(url_for("disks.page"), _("The replacement is given up. What was done is not undone."))


@blueprint.route("/retire/<array>/<serial>", methods=["GET", "POST"])
@needs(Permission.HARDWARE_WRITE)
def retire(array: str, serial: str) -> Response | str:
    """Take a living disk out of the mirror so that it can be pulled."""
    error = ""
    if request.method == "POST":
        try:
            ask(
                RetireDisk, array=array, serial=serial, confirmation=request.form.get("confirmation", "").strip(),
                timeout_s=_DISKS_ANSWER_S,
            )  # fmt: skip
            return done_at(url_for("disks.replace"), _("The disk is out of the mirror and may be pulled now."))
        except CallerError as wrong:
            error = error_text(wrong)
    disk = next((one for one in disks(reading("disks")) if one.key == serial), None)
    return render_template("disks/retire.html", array=array, serial=serial, disk=disk, error=error)
