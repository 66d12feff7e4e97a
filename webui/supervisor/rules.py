"""The rules of contact as the box holds them: figures, sources, how sure each is, since when."""

from __future__ import annotations

from datetime import UTC, datetime

from flask import Blueprint, render_template

from appliance.store.read import rules
from appliance.types import Permission
from webui import rule_texts
from webui.access import needs

blueprint = Blueprint("rules", __name__, url_prefix="/rules")


@blueprint.get("")
@needs(Permission.CAMPAIGNS_READ)
def page() -> str:
    """All profiles in force today."""
    return render_template("people/rules.html", profiles=rules.profiles(datetime.now(UTC).date()), texts=rule_texts)
