"""Versions of the tables, applied by `appliance.store.db.migrate`.

A change of `appliance.store.models` needs a version here: `python -m appliance.store.migrations "what changed"`.
Indexes over expressions are written by hand: no database tells them back.
"""

from __future__ import annotations

from typing import Any, Literal

from sqlalchemy import Column, Index, Table

from appliance.store.models import Base, UtcDateTime

_BY_EXPRESSION = {
    index.name
    for table in Base.metadata.tables.values()
    for index in table.indexes
    if not all(isinstance(part, Column) for part in index.expressions)
} | {"ix_call_search_words"}  # PostgreSQL's own, written by hand in v0014


def is_comparable(thing: Any, name: str | None, _kind: str, _reflected: bool, _compared_to: Any) -> bool:
    """False for indexes over expressions, which databases do not tell back as they were made, and for word indexes."""
    if isinstance(thing, Table):
        return not (name or "").startswith(("kb_search", "call_words"))  # SQLite's own tables behind it, too
    return not (isinstance(thing, Index) and name in _BY_EXPRESSION)


def render_item(kind: str, thing: Any, _context: Any) -> str | Literal[False]:
    """Versions name plain types: what a model's type does in Python may change later, a version may not."""
    return "sa.DateTime(timezone=True)" if kind == "type" and isinstance(thing, UtcDateTime) else False
