"""Versions of the tables, applied by `appliance.store.db.migrate`.

A change of `appliance.store.models` needs a version here: `python -m appliance.store.migrations "what changed"`.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, Index

from appliance.store.models import Base

_BY_EXPRESSION = {
    index.name
    for table in Base.metadata.tables.values()
    for index in table.indexes
    if not all(isinstance(part, Column) for part in index.expressions)
}


def is_comparable(thing: Any, name: str | None, _kind: str, _reflected: bool, _compared_to: Any) -> bool:
    """False for indexes over expressions: databases do not tell them back as they were made."""
    return not (isinstance(thing, Index) and name in _BY_EXPRESSION)
