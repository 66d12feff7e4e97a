"""Carrying out one operation: what came in is checked against its declaration, what goes out is made of it."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

import msgspec
from flask import Response, current_app, request
from werkzeug.exceptions import NotFound, UnsupportedMediaType
from werkzeug.wrappers import Response as BaseResponse

from appliance.commands import Done
from appliance.errors import ConflictError, ValidationErrors
from webui.api.v1 import preconditions
from webui.api.v1.declare import Call, Operation
from webui.api.v1.idempotency import once
from webui.api.v1.nouns import READABLE
from webui.bearer import bearer, check_rate

_AT = re.compile(r"^(?P<what>.*) - at `\$(?P<where>.*)`$", re.DOTALL)
JSON_MAX_BYTES = 2 * 2**20
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class ChangedError(ConflictError):
    """If-Match named a version that is no more."""

    http_status = 412


def guard() -> None:
    """Before each request of the API: the rate, and for a browser's session the form token too."""
    check_rate()
    if not bearer() and request.method not in _SAFE:
        current_app.extensions["csrf"].protect()


def perform(operation: Operation, path: dict[str, str]) -> BaseResponse:
    """Answer one request. Only a file may be large; a file that is sent twice is kept twice."""
    if not operation.takes_file:
        request.max_content_length = JSON_MAX_BYTES
    call = Call(path, _query(operation), _body(operation))
    preconditions.check(operation, call)
    return _done(operation, call) if operation.takes_file else once(lambda: _done(operation, call))


def _done(operation: Operation, call: Call) -> Response:
    try:
        found = operation.run(call)
    except ConflictError as error:
        if error.error_id == "edit.conflict" and preconditions.wanted_version():
            changed = ChangedError(error.error_id, error.message)
            changed.placeholders = error.placeholders
            raise changed from error
        raise
    if found is None:
        raise NotFound
    if isinstance(found, BaseResponse):  # bytes: sound, a file
        assert isinstance(found, Response)
        return found
    response = Response(msgspec.json.encode(found), status=operation.status, content_type="application/json")
    if operation.versioned and operation.method == "GET":
        response.set_etag(preconditions.version(operation, call))
        response.make_conditional(request)
    if operation.status == 201 and operation.path in READABLE and isinstance(found, Done) and found.id:
        response.headers["Location"] = f"{request.path}/{quote(found.id)}"
    return response


def _query(operation: Operation) -> msgspec.Struct | None:
    given: dict[str, Any] = request.args.to_dict()
    if operation.query is None:
        if given and operation.method != "GET":
            raise ValidationErrors([(name, "request.unknown_field", "There is no such parameter.") for name in given])
        return None
    return _converted(given, operation.query, strict=False)


def _body(operation: Operation) -> msgspec.Struct | None:
    if operation.body is None or operation.takes_file:
        return None
    sent = request.get_data()
    if not sent:
        return _converted({}, operation.body, strict=True)
    if request.mimetype != "application/json":
        raise UnsupportedMediaType
    try:
        plain = msgspec.json.decode(sent)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValidationErrors([("", "request.no_json", f"The body is not JSON: {error}.")]) from error
    return _converted(plain, operation.body, strict=True)


def _converted(plain: Any, into: type[msgspec.Struct], *, strict: bool) -> msgspec.Struct:
    try:
        return msgspec.convert(plain, into, strict=strict)
    except msgspec.ValidationError as error:
        said = _AT.match(str(error))
        where = said["where"].strip(".") if said else ""
        what = said["what"] if said else str(error)
        raise ValidationErrors([(where, "request.bad_value", what)]) from error
