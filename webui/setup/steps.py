"""Pages of the first set-up behind the administrator's account; each step is tested before it is saved."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, abort, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from appliance.errors import CallboxError, NotAllowedError
from appliance.types import Permission
from webui.access import needs
from webui.admin.backup import facts as backups
from webui.error_texts import error_text
from webui.setup import box_steps, call_steps, hand_over, people_steps, wizard

blueprint = Blueprint("wizard", __name__, url_prefix="/setup/box")

FACTS: dict[str, Callable[[], dict[str, Any]]] = {
    "restore": backups,
    "account": people_steps.account, "network": box_steps.network, "disks": box_steps.disks, "cards": box_steps.cards,
    "trunks": call_steps.trunk, "seats": people_steps.seats, "recording": box_steps.recording,
    "rules": call_steps.rules, "campaign": call_steps.campaign, "hand_over": hand_over.page_facts,
}  # fmt: skip
"""What a step's page shows."""
SAVES: dict[str, Callable[[], dict[str, Any] | None]] = {
    "restore": dict,  # nothing to take over: on with a new box
    "account": people_steps.save_account, "network": box_steps.save_network, "disks": box_steps.save_disks,
    "cards": box_steps.save_cards, "trunks": call_steps.save_trunk, "seats": people_steps.save_seats,
    "recording": box_steps.save_recording, "rules": call_steps.save_rules, "campaign": call_steps.save_campaign,
    "hand_over": hand_over.save,
}  # fmt: skip
"""What a step does with its form: the data for the report, or None to stay on the page (it said why)."""


@blueprint.get("")
@needs(Permission.SETTINGS_WRITE)
def go_on() -> Response:
    """Where the set-up stands."""
    return redirect(url_for("wizard.show", name=wizard.first_open() or "hand_over"))


@blueprint.get("/<name>")
@needs(Permission.SETTINGS_WRITE)
def show(name: str) -> str:
    """One step."""
    step = wizard.find(name) or abort(404)
    try:
        facts, error = FACTS[name](), ""
    except NotAllowedError:
        raise
    except CallboxError as wrong:
        facts, error = {}, error_text(wrong)
    return render_template(
        f"setup/step_{name}.html", step=step, places=wizard.places(), error=error, given=request.args, **facts
    )


@blueprint.post("/<name>")
@needs(Permission.SETTINGS_WRITE)
def save(name: str) -> Response | str | tuple[str, int]:
    """Test, save, go on. A mistake leaves what was typed where it is."""
    step = wizard.find(name) or abort(404)
    if request.form.get("do") == "look":  # figures are tried out, nothing is saved
        return render_template(
            f"setup/step_{name}.html", step=step, places=wizard.places(), error="", given=request.form, **FACTS[name]()
        )
    error = ""
    try:
        data = SAVES[name]()
        if data is not None:
            wizard.finish(name, **data)
            return redirect(wizard.after(name))
        return redirect(url_for("wizard.show", name=name))
    except NotAllowedError:
        raise
    except CallboxError as wrong:
        error = error_text(wrong)
    try:
        facts = FACTS[name]()
    except CallboxError as wrong:
        facts, error = {}, error or error_text(wrong)
    page = render_template(
        f"setup/step_{name}.html", step=step, places=wizard.places(), error=error, given=request.form, **facts
    )
    return page, 400


@blueprint.post("/<name>/skip")
@needs(Permission.SETTINGS_WRITE)
def skip(name: str) -> Response:
    """Leave a step out for now; it stays in the list."""
    if wizard.find(name) is None:
        abort(404)
    wizard.finish(name, skipped=True)
    return redirect(wizard.after(name))


@blueprint.post("/network/try")
@needs(Permission.SETTINGS_WRITE)
def try_network() -> Response:
    """Change an address for a minute."""
    box_steps.try_network()
    flash(_("Changed. Open the box at its new address and keep it there, or it takes itself back."), "warning")
    return redirect(url_for("wizard.show", name="network"))


@blueprint.post("/network/keep")
@needs(Permission.SETTINGS_WRITE)
def keep_network() -> Response:
    """Keep the address, or take it back."""
    keep = request.form.get("keep") == "1"
    box_steps.keep_network(keep=keep)
    flash(_("The address is kept.") if keep else _("The old address holds again."), "success")
    return redirect(url_for("wizard.show", name="network"))


@blueprint.get("/campaign/calls")
@needs(Permission.SETTINGS_WRITE)
def campaign_calls() -> str:
    """The test campaign's calls alone, again and again while they run."""
    return render_template("setup/calls.html", **call_steps.campaign())


@blueprint.get("/hand-over.pdf")
@needs(Permission.SETTINGS_WRITE)
def hand_over_pdf() -> Response:
    """The report to print and sign."""
    return hand_over.pdf(str(g.user.display_name))
