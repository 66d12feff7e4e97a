"""Babel extraction of the settings' titles and descriptions, so that the generated settings page is translated."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator
from typing import IO, Any

Extracted = tuple[int, str, str, list[str]]


def extract_settings(
    fileobj: IO[bytes],
    keywords: Collection[str],  # noqa: ARG001 - babel's protocol
    comment_tags: Collection[str],  # noqa: ARG001
    options: dict[str, Any],  # noqa: ARG001
) -> Iterator[Extracted]:
    """Yield the `title` and `description` of each pydantic `Field(...)` of a file (babel's extractor protocol)."""
    for node in ast.walk(ast.parse(fileobj.read())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Field":
            for keyword in node.keywords:
                if keyword.arg in ("title", "description") and isinstance(keyword.value, ast.Constant):
                    yield node.lineno, "", str(keyword.value.value), []
