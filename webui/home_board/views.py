"""Entry and home board."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template
from werkzeug.wrappers import Response

from appliance.types import Permission
from webui.access import may, needs, signed_in
from webui.home_board.overview import overview
from webui.setup import wizard
from webui.shell import first_page

blueprint = Blueprint("home", __name__)


@blueprint.get("/")
@signed_in
def entry() -> Response:
    """Lead each role to its first page."""
    return redirect(first_page())


@blueprint.get("/home")
@needs(Permission.CAMPAIGNS_READ)
def board() -> str:
    """What to do next on a new box, and how things stand."""
    setting_up = may(Permission.SETTINGS_WRITE) and wizard.unfinished()
    return render_template("home/board.html", overview=overview(), setting_up=setting_up)
