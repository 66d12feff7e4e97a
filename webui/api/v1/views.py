"""The routes of /api/v1: one for each declared operation, the document, its reference page, health."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import msgspec
from flask import Blueprint, Response, jsonify, render_template
from werkzeug.wrappers import Response as BaseResponse

from webui.access import needs, needs_every, public, signed_in
from webui.api.v1 import serve
from webui.api.v1.declare import Operation
from webui.api.v1.document import document
from webui.api.v1.nouns import OPERATIONS
from webui.api.v1.reference import groups
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


@cache
def whole_document() -> bytes:
    """The document as JSON; the same for each box of this version."""
    return msgspec.json.encode(document(OPERATIONS))


@blueprint.get("/openapi.json")
@public
def openapi() -> Response:
    """The OpenAPI document."""
    return Response(whole_document(), content_type="application/json")


@blueprint.get("/reference")
@signed_in
def reference() -> str:
    """The same to read, without anything from outside."""
    return render_template("api/reference.html", groups=groups(msgspec.json.decode(whole_document())))


def _view(operation: Operation) -> Callable[..., BaseResponse]:
    def view(**path: str) -> BaseResponse:
        serve.guard()
        return serve.perform(operation, path)

    view.__doc__ = operation.summary
    if operation.every:
        return needs_every(view)
    return needs(*operation.needs)(view)


def _add_routes() -> None:
    for operation in OPERATIONS:
        more: dict[str, Any] = {"methods": [operation.method]}
        blueprint.add_url_rule(operation.rule, operation.name, _view(operation), **more)


_add_routes()
