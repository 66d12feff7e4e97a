"""The document as the reference page shows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Line:
    """A parameter or a field: its name, what it is, whether it must be there, what it means."""

    name: str
    kind: str
    required: bool
    text: str = ""


@dataclass(frozen=True)
class Entry:
    """One operation."""

    method: str
    path: str
    summary: str
    text: list[str]
    parameters: list[Line]
    fields: list[Line]
    answer: str


def groups(document: dict[str, Any]) -> list[tuple[str, list[Entry]]]:
    """Operations by tag, in the document's order."""
    found: dict[str, list[Entry]] = {tag["name"]: [] for tag in document["tags"]}
    schemas = document["components"]["schemas"]
    for path, methods in document["paths"].items():
        for method, one in methods.items():
            found[one["tags"][0]].append(_entry(method, path, one, schemas))
    return list(found.items())


def _entry(method: str, path: str, one: dict[str, Any], schemas: dict[str, Any]) -> Entry:
    body = one.get("requestBody", {}).get("content", {})
    schema = body.get("application/json", {}).get("schema", {})
    fields = _fields(schema, schemas)
    if "application/octet-stream" in body:
        fields = [Line("(the body)", "bytes of the file", True)]
    good = next(iter(one["responses"].values()))
    shown: dict[str, Any] = next(iter(good.get("content", {}).values()), {"schema": {}})["schema"]
    return Entry(
        method.upper(), f"/api/v1{path}", one["summary"], one.get("description", "").split("\n\n"),
        [Line(p["name"], kind(p["schema"]), p["required"], p.get("description", "")) for p in one["parameters"]],
        fields, kind(shown),
    )  # fmt: skip


def _fields(schema: dict[str, Any], schemas: dict[str, Any]) -> list[Line]:
    plain = schemas[schema["$ref"].rsplit("/", 1)[1]] if "$ref" in schema else schema
    required = set(plain.get("required", []))
    return [
        Line(name, kind(one), name in required, "" if "default" not in one else f"= {one['default']}")
        for name, one in plain.get("properties", {}).items()
    ]


def kind(schema: dict[str, Any]) -> str:
    """A schema in a few words."""
    if "$ref" in schema:
        return str(schema["$ref"].rsplit("/", 1)[1])
    if "anyOf" in schema:
        return " or ".join(kind(one) for one in schema["anyOf"])
    if "enum" in schema:
        return " | ".join(str(one) for one in schema["enum"])
    if "items" in schema.get("properties", {}):
        return f"page of {kind(schema['properties']['items']['items'])}"
    if schema.get("type") == "array":
        return f"list of {kind(schema.get('items') or {})}"
    named = schema.get("type", "anything")
    shown = " or ".join(named) if isinstance(named, list) else str(named)
    return f"{shown} ({schema['format']})" if "format" in schema else shown
