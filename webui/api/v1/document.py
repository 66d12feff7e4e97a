"""The OpenAPI 3.1 document, made of the declarations and of nothing else."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, get_args, get_origin

import msgspec

from webui.api.v1.declare import Operation

VERSION = "1.0"
_REF = "#/components/schemas/{name}"
_INTRO = (
    "Everything the pages do can be done here. A key (bearer token) acts for a user with those of his permissions that "
    "are in its scopes.\n\nErrors are problem+json (RFC 9457) with a stable `error_id`. Instants are UTC (RFC 3339), "
    "telephone numbers E.164, amounts integer minor units. A list has `next_cursor`: give it as `cursor` for the next "
    "page.\n\nA POST with an `Idempotency-Key` is carried out once and answered the same way for a day. What has an "
    "`ETag` is changed with `If-Match`: 428 without, 412 when somebody else changed it. A key may ask so many times a "
    "minute (429 with `Retry-After`)."
)
_VERSIONED = {
    "ETag": {"description": "Version of what was read, for If-Match.", "schema": {"type": "string"}}
}  # fmt: skip


class FieldProblem(msgspec.Struct):
    """What is wrong with one field."""

    field: str
    error_id: str
    detail: str


class Problem(msgspec.Struct):
    """An error (RFC 9457)."""

    type: str
    title: str
    status: int
    error_id: str
    detail: str
    errors: list[FieldProblem] = []


def document(operations: Sequence[Operation]) -> dict[str, Any]:
    """The whole document as plain data."""
    types: list[Any] = [Problem]
    for one in operations:
        types += [part for part in (one.body, _item(one.answer)) if part is not None]
    known = list(dict.fromkeys(types))
    schemas, components = msgspec.json.schema_components(known, ref_template=_REF)
    by_type = dict(zip(known, schemas, strict=True))
    paths: dict[str, Any] = {}
    for one in operations:
        paths.setdefault(one.path, {})[one.method.lower()] = _operation(one, by_type)
    tags = list(dict.fromkeys(one.tag for one in operations))
    whole = {
        "openapi": "3.1.0",
        "info": {"title": "Callbox", "version": VERSION, "description": _INTRO},
        "servers": [{"url": "/api/v1"}],
        "tags": [{"name": tag} for tag in tags],
        "security": [{"key": []}],
        "paths": paths,
        "components": {
            "schemas": {name: _plain(schema) for name, schema in components.items()},
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "description": "System, API keys."}},
            "headers": {"RetryAfter": {"description": "Seconds to wait.", "schema": {"type": "integer"}}},
            "responses": {
                "Problem": _problem("What went wrong and what to do."),
                "TooOften": {**_problem("The key asks too often."),
                             "headers": {"Retry-After": {"$ref": "#/components/headers/RetryAfter"}}},
            },
        },
    }  # fmt: skip
    plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(whole))  # defaults that are tuples become lists
    return plain


def _problem(description: str) -> dict[str, Any]:
    schema = {"$ref": _REF.format(name="Problem")}
    return {"description": description, "content": {"application/problem+json": {"schema": schema}}}


def _item(answer: Any) -> Any:
    """The type of one item of a list, or the answer itself."""
    return get_args(answer)[0] if get_origin(answer) is list else answer


def _operation(one: Operation, by_type: dict[Any, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "operationId": one.name, "summary": one.summary, "tags": [one.tag], "parameters": _parameters(one),
        "responses": _responses(one, by_type),
    }  # fmt: skip
    text = "\n\n".join(part for part in (one.description, _who(one)) if part)
    if text:
        found["description"] = text
    if one.public:
        found["security"] = []
    if one.takes_file:
        content: dict[str, Any] = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
        found["requestBody"] = {"required": True, "content": content}
    elif one.body is not None:
        required = any(each.required for each in msgspec.structs.fields(one.body))
        content = {"application/json": {"schema": by_type[one.body]}}
        found["requestBody"] = {"required": required, "content": content}
    found["x-permissions"] = [str(permission) for permission in one.needs]
    return found


def _who(one: Operation) -> str:
    if one.public:
        return "Open to everybody."
    if one.every:
        return "Needs a key with every permission."
    return f"Needs {' or '.join(f'`{name}`' for name in one.needs)}." if one.needs else "Needs any key."


def _parameters(one: Operation) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
        for name in one.places
    ]
    if one.query is not None:
        for each in msgspec.structs.fields(one.query):
            schema = _plain(msgspec.json.schema(each.type))
            given: dict[str, Any] = {"name": each.name, "in": "query", "required": each.required,
                                     "schema": _without_null(schema)}  # fmt: skip
            found.append(given)
    if one.method == "POST" and not one.takes_file:
        key = {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[!-~]{1,200}$"}
        found.append({"name": "Idempotency-Key", "in": "header", "required": False, "schema": key})
    if one.is_edit:
        found.append(
            {"name": "If-Match", "in": "header", "required": False, "schema": {"type": "string"},
             "description": "The ETag of what was read, or *. Needed when it is there already."}
        )  # fmt: skip
    return found


def _responses(one: Operation, by_type: dict[Any, Any]) -> dict[str, Any]:
    if one.answer is None:
        body: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}
    elif get_origin(one.answer) is list:
        page = {"type": "object", "required": ["items", "next_cursor"], "properties": {
            "items": {"type": "array", "items": by_type[_item(one.answer)]},
            "next_cursor": {"type": ["string", "null"]},
        }}  # fmt: skip
        body = {"schema": page}
    else:
        body = {"schema": by_type[one.answer]}
    good: dict[str, Any] = {"description": "Done.", "content": {one.content_type: body}}
    if one.versioned and one.method == "GET":
        good["headers"] = _VERSIONED
    found = {str(one.status): good}
    if one.answer is None:
        found["206"] = {"description": "A part of it.", "content": {one.content_type: body}}
    if one.versioned and one.method == "GET":
        found["304"] = {"description": "Not changed since If-None-Match."}
    if not one.public:
        found["429"] = {"$ref": "#/components/responses/TooOften"}
    found["default"] = {"$ref": "#/components/responses/Problem"}
    return found


def _plain(schema: Any) -> Any:
    """Texts of one line; a row of fixed cells becomes a list of what its cells may be, which all readers understand."""
    if isinstance(schema, dict) and "prefixItems" in schema:
        kinds = [_plain(each) for each in schema["prefixItems"]]
        distinct = [each for number, each in enumerate(kinds) if each not in kinds[:number]]
        return {"type": "array", "items": {"anyOf": distinct}, "minItems": len(kinds), "maxItems": len(kinds)}
    if isinstance(schema, dict):
        return {
            name: re.sub(r"\s+", " ", value) if name == "description" and isinstance(value, str) else _plain(value)
            for name, value in schema.items()
        }
    return [_plain(each) for each in schema] if isinstance(schema, list) else schema


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A query parameter that is left out is not null."""
    choices = schema.get("anyOf")
    if not isinstance(choices, list):
        return {name: value for name, value in schema.items() if name != "default"}
    left = [each for each in choices if each.get("type") != "null"]
    return left[0] if len(left) == 1 else {**schema, "anyOf": left}
