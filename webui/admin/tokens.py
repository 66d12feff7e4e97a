"""Keys of other programs: make, see, end."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, g, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response

from appliance.commands import MakeApiToken, RevokeApiToken
from appliance.errors import CallerError
from appliance.store.read import api_tokens, users
from appliance.types import Permission
from webui.access import needs
from webui.admin.role_words import GROUPS, PERMISSIONS
from webui.box import ask, store
from webui.error_texts import error_text
from webui.errors import done_at

blueprint = Blueprint("tokens", __name__, url_prefix="/system/keys")

DAYS: dict[int, Any] = {30: _l("30 days"), 365: _l("1 year"), 1095: _l("3 years"), 0: _l("no end")}


@blueprint.route("", methods=["GET", "POST"])
@needs(Permission.SETTINGS_WRITE)
def page() -> str:
    """All keys; a new one is shown this once."""
    token = error = ""
    if request.method == "POST":
        form = request.form
        try:
            token = ask(
                MakeApiToken, name=form.get("name", ""), scopes=form.getlist("scope"), user_id=form.get("user_id", ""),
                days=form.get("days", 365, type=int),
            ).data["token"]  # fmt: skip
        except CallerError as wrong:
            error = error_text(wrong)
    return render_template(
        "system/keys.html", tokens=api_tokens.tokens(store()), people=users.names(store()), token=token, error=error,
        groups=GROUPS, words=PERMISSIONS, days=DAYS, own=g.user.permissions, now=datetime.now(UTC),
        given=request.form,
    )  # fmt: skip


@blueprint.post("/revoke")
@needs(Permission.SETTINGS_WRITE)
def revoke() -> Response:
    """End a key."""
    ask(RevokeApiToken, id=request.form.get("id", ""))
    return done_at(url_for("tokens.page"), _("The key opens nothing any more."))
