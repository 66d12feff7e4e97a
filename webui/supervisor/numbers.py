"""The health of numbers: of one campaign, one list or the whole box; and a person's decision about a number."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response

from appliance.commands import SetNumberState
from appliance.errors import CallerError
from appliance.store.read import campaigns, imports, list_health
from appliance.types import Permission
from webui import labels
from webui.access import needs
from webui.box import ask, store
from webui.error_texts import error_text
from webui.errors import done_at

blueprint = Blueprint("numbers", __name__, url_prefix="/numbers")

STATES: dict[str, Any] = {
    "good": _l("Good"), "unknown": _l("Not tried yet"), "parked": _l("Rests"), "retired": _l("Given up"),
}  # fmt: skip
COLOURS = {"good": "green", "unknown": "secondary", "parked": "yellow", "retired": "red"}
LINE_TYPES: dict[str, Any] = {"mobile": _l("Mobile"), "fixed": _l("Fixed line"), "unknown": _l("Not known")}
REASONS: dict[str, Any] = {**labels.OUTCOMES, "by_hand": _l("Decided by a person")}


@blueprint.get("")
@needs(Permission.LISTS_IMPORT)
def page() -> str:
    """Shares by state and reason, then the numbers that are not simply good, with the calls that say so."""
    return _page()


def _page(error: str = "") -> str:
    campaign_id, import_id = request.args.get("campaign") or None, request.args.get("import_id") or None
    state, digits = request.args.get("state", ""), request.args.get("number", "")
    found = list_health.health(store(), campaign_id=campaign_id, import_id=import_id)
    one_list = imports.one(store(), import_id) if import_id else None
    names = campaigns.names(store())
    return render_template(
        "numbers/page.html", health=found, states=STATES, colours=COLOURS, line_types=LINE_TYPES, reasons=REASONS,
        rows=list_health.bad_numbers(
            store(), campaign_id=campaign_id, import_id=import_id, state=state if state in STATES else "", digits=digits
        ),
        campaigns=names, campaign_id=campaign_id or "", import_id=import_id or "", state=state, digits=digits,
        of=one_list.file_name if one_list else names.get(campaign_id or "", ""), limit=list_health.SHOWN_MAX,
        error=error,
    )  # fmt: skip


@blueprint.post("")
@needs(Permission.LISTS_IMPORT)
def decide() -> Response | tuple[str, int]:
    """Let a number dial again, or give it up; the audit log says who."""
    number, state = request.form.get("number", ""), request.form.get("state", "")
    try:
        done = ask(SetNumberState, number=number, state=state, reason=request.form.get("reason", "")[:60])
    except CallerError as wrong:
        return _page(error_text(wrong)), 400
    texts = {
        "good": _("%(number)s may be dialled again.", number=done.id),
        "parked": _("%(number)s rests for a week.", number=done.id),
        "retired": _("%(number)s is not dialled any more.", number=done.id),
    }
    here = url_for("numbers.page", campaign=request.args.get("campaign"), import_id=request.args.get("import_id"))
    return done_at(here, texts[state])
