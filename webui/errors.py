"""How a failure reaches the person: what happened and what to do, as a page, a toast or problem+json (RFC 9457)."""

from __future__ import annotations

import json
from typing import Any

from flask import Flask, Response, flash, jsonify, make_response, redirect, render_template, request
from flask_babel import gettext as _
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as BaseResponse

from appliance.errors import CallboxError, CallerError, ConflictError, NotAllowedError, NotFoundError
from appliance.logs import get_logger
from webui import versions
from webui.access import wants_fragment
from webui.error_texts import error_text, status_text

_log = get_logger(web="errors")


def status_of(error: CallboxError) -> int:
    """HTTP status of an error of the box; a class may name its own."""
    own = getattr(error, "http_status", None)
    if isinstance(own, int):
        return own
    if isinstance(error, ConflictError):
        return 409
    if isinstance(error, NotAllowedError):
        return 403
    if isinstance(error, NotFoundError):
        return 404
    if isinstance(error, CallerError):
        return 400
    return 503 if error.retryable else 500


def with_toast(response: BaseResponse, text: str, kind: str = "success", **events: Any) -> BaseResponse:
    """Add a toast (and further events) to a response to htmx."""
    response.headers["HX-Trigger"] = json.dumps({"toast": {"text": text, "kind": kind}, **events})
    return response


def done(text: str, **events: Any) -> BaseResponse:
    """The answer to a button of htmx: nothing to swap, one toast."""
    return with_toast(make_response("", 204), text, **events)


def done_at(url: str, text: str) -> BaseResponse:
    """The answer to a plain form: go on to `url`, where the toast shows."""
    flash(text, "success")
    return redirect(url)


def problem(status: int, error_id: str, detail: str, **more: Any) -> Response:
    """problem+json of RFC 9457."""
    body = jsonify(
        {"type": f"urn:callbox:error:{error_id}", "title": status_text(status), "status": status,
         "error_id": error_id, "detail": detail, **more}
    )  # fmt: skip
    body.status_code = status
    body.content_type = "application/problem+json"
    return body


def _answer(status: int, error_id: str, text: str, **more: Any) -> BaseResponse:
    if request.path.startswith("/api/") or request.accept_mimetypes.best == "application/json":
        return problem(status, error_id, text, **more)
    if request.headers.get("HX-Request"):
        return with_toast(make_response("", status), text, "danger")
    return make_response(
        render_template("error.html", status=status, title=status_text(status), text=text, error_id=error_id), status
    )


def on_callbox_error(error: CallboxError) -> BaseResponse:
    """An error of the box that no view caught."""
    status = status_of(error)
    if status >= 500:
        _log.warning("request failed", path=request.path, error_id=error.error_id, error=error.message)
    more: dict[str, Any] = {}
    if isinstance(error, ConflictError):
        if not wants_fragment() and request.accept_mimetypes.best != "application/json":
            return versions.conflict_page(error, error_text(error))
        more = {name: error.placeholders.get(name) for name in ("version", "differences")}
    if "errors" in error.placeholders:
        more["errors"] = [
            {"field": field, "error_id": error_id, "detail": detail}
            for field, error_id, detail in error.placeholders["errors"]  # type: ignore[attr-defined]
        ]
    answer = _answer(status, error.error_id, error_text(error), **more)
    if "retry_after_s" in error.placeholders:
        answer.headers["Retry-After"] = str(error.placeholders["retry_after_s"])
    return answer


def on_http_error(error: HTTPException) -> BaseResponse:
    """404, 403, 413 and the like."""
    status = error.code or 500
    if status < 400:
        return error.get_response()
    return _answer(status, f"http.{status}", status_text(status, long=True))


def on_csrf_error(_error: CSRFError) -> BaseResponse:
    """The form is too old or came from elsewhere."""
    return _answer(
        400, "request.csrf", _("This page was open for too long or comes from elsewhere. Reload it and try again.")
    )


def on_defect(error: Exception) -> BaseResponse:
    """A defect of our own: one line with its trace in the log, a plain sentence on the screen."""
    _log.exception("page failed", path=request.path, error=type(error).__name__)
    return _answer(500, "web.internal", _("The page failed. The log of the service 'web' says why."))


def register(app: Flask) -> None:
    """Hook the handlers in."""
    app.register_error_handler(CallboxError, on_callbox_error)
    app.register_error_handler(CSRFError, on_csrf_error)
    app.register_error_handler(HTTPException, on_http_error)
    app.register_error_handler(Exception, on_defect)
