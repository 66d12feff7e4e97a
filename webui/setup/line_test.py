"""The technician's line test: picture, step, question, figures, verdict; results with trends and signed reports.

The service `watch` holds the test and the meter; this page shows where it is and passes on what the technician says.
"""

from __future__ import annotations

import base64
import io
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, send_file, url_for
from flask_babel import get_locale
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from appliance import texts
from appliance.commands import ActOnLineTest, BeginLineTest, LineTestReport, ShowLineTests
from appliance.errors import CallboxError, NotAllowedError
from appliance.types import Permission
from webui.access import needs
from webui.box import ask, box
from webui.error_texts import error_text

blueprint = Blueprint("line_test", __name__, url_prefix="/line-test")

_METER_ANSWERS_S = 120.0
"""Two checks or a bell that is waited for, each at the instrument's own time-out."""
COLOURS = {"ok": "green", "warn": "yellow", "bad": "red"}


def words(text_id: str, **figures: object) -> texts.Words:
    """Words of the line test in the reader's language."""
    return texts.words(f"line_test.{text_id}", str(get_locale()), figures) or texts.Words(text_id, text_id)


@blueprint.get("")
@needs(Permission.HARDWARE_READ)
def page() -> str:
    """The running test or the way to begin one, and the results so far."""
    pair, error = request.args.get("pair", "").strip(), ""
    found: dict[str, Any] = {"running": None, "results": [], "profiles": []}
    try:
        found = ask(ShowLineTests, timeout_s=20.0, pair=pair).data
    except NotAllowedError:
        raise
    except CallboxError as wrong:
        error = error_text(wrong)
    return render_template(
        "line_test/page.html", test=found["running"], results=found["results"], profiles=found["profiles"], pair=pair,
        error=error, words=words, colours=COLOURS, meter=box().settings.hardware.meter,
    )  # fmt: skip


@blueprint.post("/begin")
@needs(Permission.HARDWARE_WRITE)
def begin() -> Response:
    """Open the instrument and show the first step."""
    form = request.form
    _passed_on(
        BeginLineTest, pair=form.get("pair", ""), resource=form.get("resource", "").strip(),
        profile=form.get("profile", "scpi_meter"), simulate=form.get("simulate") == "y",
    )  # fmt: skip
    return redirect(url_for("line_test.page"))


@blueprint.post("/act/<test_id>")
@needs(Permission.HARDWARE_WRITE)
def act(test_id: str) -> Response:
    """What the technician did or says; waits for the meter."""
    view = _passed_on(ActOnLineTest, test_id=test_id, event=request.form.get("event", ""))
    if view.get("kept"):
        flash(_("The test is over; the result is kept."), "success")
        return redirect(url_for("line_test.page", pair=view["pair"]))
    if view and not view["may"]:
        flash(_("The test is over; nothing was measured."), "warning")
    return redirect(url_for("line_test.page"))


@blueprint.get("/report/<test_id>.pdf")
@needs(Permission.HARDWARE_READ)
def report(test_id: str) -> Response:
    """The signed report in the reader's language."""
    told = ask(LineTestReport, timeout_s=60.0, test_id=test_id, language=str(get_locale())).data
    pdf = io.BytesIO(base64.b64decode(told["pdf_base64"]))
    return send_file(pdf, mimetype="application/pdf", as_attachment=True, download_name=str(told["file_name"]))


def _passed_on(command: Any, **fields: Any) -> dict[str, Any]:
    try:
        return ask(command, timeout_s=_METER_ANSWERS_S, **fields).data
    except NotAllowedError:
        raise
    except CallboxError as wrong:
        flash(error_text(wrong), "danger")
        return {}
