"""A test call through a trunk: begun here, followed step by step, with verdict and waveform on the page."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template, request, session
from flask_babel import gettext as _

from appliance.commands import BeginTestCall, ShowTestCall
from appliance.errors import CallboxError, NotAllowedError
from appliance.store.read import recordings
from appliance.types import Permission
from webui.access import may, needs
from webui.box import ask, store
from webui.error_texts import error_text, text_of
from webui.setup.waveform import Waveform, waveform

blueprint = Blueprint("test_calls", __name__, url_prefix="/test-calls")

_LAST = "test_call"  # entry of the form session: so that the call is found again after a reload


def last_call() -> str:
    """Id of the call that this browser began last; empty: none."""
    return str(session.get(_LAST) or "")


@blueprint.post("")
@needs(Permission.TRUNKS_WRITE)
def begin() -> str:
    """Dial."""
    try:
        call_id = ask(
            BeginTestCall, number=request.form.get("number", ""), trunk_id=request.form.get("trunk_id", ""),
            timeout_s=10.0,
        ).id  # fmt: skip
    except NotAllowedError:
        raise
    except CallboxError as wrong:
        return render_template("trunks/test_call.html", call=None, error=error_text(wrong))
    session[_LAST] = call_id
    return _shown(str(call_id))


@blueprint.get("/<call_id>")
@needs(Permission.TRUNKS_WRITE)
def one(call_id: str) -> str:
    """How far it is; the fragment asks again until the call and its recording are there."""
    return _shown(call_id)


def _shown(call_id: str) -> str:
    try:
        call: dict[str, Any] = ask(ShowTestCall, id=call_id).data
    except NotAllowedError:
        raise
    except CallboxError as wrong:
        return render_template("trunks/test_call.html", call=None, error=error_text(wrong))
    recording = recordings.of_conversation(store(), call_id)
    picture: Waveform | None = None
    if recording is not None:
        picture = waveform(recordings.peaks(store(), recording.id))
    wait = call["running"] or (call["answered"] and picture is None and request.args.get("tries", 0, type=int) < 30)
    error = text_of(call["error_id"], call["error"]) if call["error"] else ""
    return render_template(
        "trunks/test_call.html", call=call, call_id=call_id, error=error, picture=picture, recording=recording,
        wait=wait, tries=request.args.get("tries", 0, type=int) + (not call["running"]),
        may_listen=may(Permission.RECORDINGS_LISTEN), heading=_("Test call"),
    )  # fmt: skip
