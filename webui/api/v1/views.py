"""Health and the caller's own account. Errors are problem+json (RFC 9457)."""

from __future__ import annotations

from flask import Blueprint, Response, g, jsonify

from webui.access import public, signed_in
from webui.box import box

blueprint = Blueprint("api_v1", __name__, url_prefix="/api/v1")


@blueprint.get("/health")
@public
def health() -> Response:
    """Is the web up, and does it reach the bus? Says nothing else to strangers."""
    connected = box().bus.connected
    response = jsonify({"status": "ok" if connected else "degraded", "bus": connected})
    response.status_code = 200 if connected else 503
    return response


@blueprint.get("/me")
@signed_in
def me() -> Response:
    """Who the session belongs to, and what he may do."""
    user = g.user
    return jsonify(
        {"id": user.id, "login": user.login, "display_name": user.display_name, "role": user.role.value,
         "language": user.language, "permissions": sorted(user.permissions)}
    )  # fmt: skip
