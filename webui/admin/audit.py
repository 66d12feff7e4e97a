"""The audit log."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template, request, url_for

from appliance.store.read import audit, users
from appliance.types import Permission
from webui.access import needs
from webui.box import store

blueprint = Blueprint("audit", __name__, url_prefix="/audit")

AREAS = (
    "login", "user", "seat", "trunk", "line", "disk", "campaign", "import", "recording", "ear", "announcement",
    "retention", "report", "alert", "settings",
)  # fmt: skip


@blueprint.get("")
@needs(Permission.AUDIT_READ)
def page() -> str:
    """A page of lines, newest first."""
    args, before = request.args, request.args.get("before", type=int)
    found = audit.search(
        store(), action=args.get("action", ""), actor_id=args.get("actor", ""), before=before, size=100
    )
    following: dict[str, Any] = {**args.to_dict(), "before": found.older}
    older = url_for("audit.page", **following) if found.older else None
    return render_template("audit/page.html", found=found, older=older, people=users.names(store()), areas=AREAS)
