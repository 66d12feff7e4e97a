"""Lines: the live map of each span, and on a line's own page what its driver can be told."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from appliance.commands import ControlLine
from appliance.errors import CallboxError, NotAllowedError
from appliance.types import Permission
from webui import labels
from webui.access import needs
from webui.auth.service import safe_path
from webui.box import ask
from webui.error_texts import error_text
from webui.hardware import words
from webui.hardware.line_view import LineView, lines
from webui.hardware.readings import reading

blueprint = Blueprint("lines", __name__, url_prefix="/lines")

_EQUIPMENT_ANSWERS_S = 60.0  # a serial console at 9600 baud takes its time
_LIMIT_S = 60
_NOT_TAKEN = "line.change_not_taken"
_READS = frozenset({"bert_read"})


@blueprint.get("")
@needs(Permission.HARDWARE_READ)
def page() -> str:
    """All lines."""
    return render_template("lines/page.html", **_all())


@blueprint.get("/view")
@needs(Permission.HARDWARE_READ)
def view() -> str:
    """The lines alone, after each reading."""
    return render_template("lines/lines.html", **_all())


def _all() -> dict[str, Any]:
    found = reading("lines")
    silent = [card for card in found.rows("cards") if card.get("error") and not card.get("lines")]
    return {"reading": found, "lines": lines(found), "silent_cards": silent, "words": words}


def _find(line_id: str) -> LineView | None:
    return next((line for line in lines(reading("lines")) if line.id == line_id), None)


def _one(line_id: str) -> LineView:
    return _find(line_id) or abort(404)


@blueprint.get("/line/<path:line_id>")
@needs(Permission.HARDWARE_READ)
def one(line_id: str) -> str:
    """One line, with what can be done to it."""
    return render_template("lines/one.html", line=_one(line_id), words=words)


@blueprint.get("/state/<path:line_id>")
@needs(Permission.HARDWARE_READ)
def state(line_id: str) -> str:
    """The state of one line alone, after each reading; a line that has gone must not stay on the screen as it was."""
    return render_template("lines/state.html", line=_find(line_id), words=words)


@blueprint.post("/control/<path:line_id>")
@needs(Permission.HARDWARE_WRITE)
def control(line_id: str) -> Response | str:
    """Do it; what cuts calls is asked again first, with the calls that are on the line at that moment."""
    line, verb = _one(line_id), request.form.get("verb", "")
    if verb not in line.verbs:
        abort(400)
    given = _arguments(verb)
    if verb in words.CUTS_CALLS and request.form.get("sure") != "y":
        return render_template("lines/confirm.html", line=line, verb=verb, given=given, words=words)
    force = verb in words.CUTS_CALLS and request.form.get("seen") != "0"  # only what a person was shown is cut
    back = redirect(safe_path(request.form.get("back")) or url_for("lines.one", line_id=line.id))
    try:
        done = ask(
            ControlLine, timeout_s=_EQUIPMENT_ANSWERS_S, line_id=line.id, verb=verb, arguments=given, force=force
        ).data
    except NotAllowedError:
        raise
    except CallboxError as wrong:
        said = error_text(wrong)
        flash(_("The change did not take. %(detail)s", detail=said) if wrong.error_id == _NOT_TAKEN else said, "danger")
        return back
    name = labels.text(words.VERBS, verb)
    if verb in _READS:
        flash(_("%(verb)s: %(after)s", verb=name, after=done.get("after", "")), "success")
    else:
        flash(
            _("%(verb)s: done and read back (%(before)s → %(after)s).", verb=name, before=done.get("before", "–"),
              after=done.get("after", "–")),
            "success",
        )  # fmt: skip
    return back


def _arguments(verb: str) -> dict[str, Any]:
    """The verb's arguments from the form, of the right kind; the driver checks them."""
    form = request.form
    given: dict[str, Any] = {}
    if verb in words.TIMED:
        given["seconds"] = form.get("seconds", _LIMIT_S, type=int)
    if verb in ("block_channel", "unblock_channel"):
        given["channel"] = form.get("channel", 0, type=int)
    if verb == "fxo_dial":
        given["digits"] = form.get("digits", "").strip()
    if verb.startswith("set_"):
        given["value"] = form.get("value", "")
    return given
