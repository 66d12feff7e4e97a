"""The do-not-call list: look a number up, put one on, take one off."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from appliance.commands import ImportDoNotCall, SaveDoNotCall
from appliance.errors import CallboxError, ValidationErrors
from appliance.store.read import campaigns, do_not_call
from appliance.types import Permission
from webui.access import needs
from webui.box import ask, store
from webui.error_texts import text_of
from webui.errors import done_at
from webui.supervisor import uploads

blueprint = Blueprint("do_not_call", __name__, url_prefix="/do-not-call")

SHOWN_MAX = 100


def _page(error: str = "", taken: dict[str, Any] | None = None) -> str:
    return render_template(
        "do_not_call/page.html", found=do_not_call.search(store(), request.args.get("number", ""), limit=SHOWN_MAX),
        count=do_not_call.count(store()), limit=SHOWN_MAX, error=error, taken=taken, campaigns=campaigns.names(store()),
    )  # fmt: skip


@blueprint.get("")
@needs(Permission.LISTS_IMPORT)
def page() -> str:
    """The newest entries, or those that hold the digits looked for."""
    return _page()


@blueprint.post("")
@needs(Permission.LISTS_IMPORT)
def save() -> Response | tuple[str, int]:
    """Put a number on the list, in any spelling, or take one off (`remove`)."""
    number, removes = request.form.get("number", ""), request.form.get("remove") == "1"
    try:
        saved = ask(SaveDoNotCall, number=number, reason=request.form.get("reason", "")[:120], remove=removes).id
    except ValidationErrors:
        return _page(_("“%(number)s” is no telephone number. Is the country or area code missing?", number=number)), 400
    text = _("%(number)s may be called again.") if removes else _("%(number)s is not called any more.")
    return done_at(url_for("do_not_call.page"), text % {"number": saved})


@blueprint.post("/import")
@needs(Permission.LISTS_IMPORT)
def take_list() -> str | tuple[str, int]:
    """Put all numbers of a table on the list of the box or of one campaign; says what was not taken."""
    try:
        upload = uploads.keep(request.files.get("file"))
        done = ask(
            ImportDoNotCall, path=str(upload.path), file_name=upload.file_name, timeout_s=120.0,
            reason=request.form.get("reason", "")[:120], campaign_id=request.form.get("campaign_id") or None,
        )  # fmt: skip
    except CallboxError as error:
        return _page(text_of(error.error_id, error.message)), 400
    return _page(taken=done.data)
