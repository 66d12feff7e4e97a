"""Many rows in one INSERT of the driver's own `executemany`; rows whose key exists are passed over.

SQLAlchemy makes the statement and the converters of the columns once for each kind of row; no parameter set is built
for each row, which is most of what the import of a long list would cost.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from itertools import repeat
from typing import Any

from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import Session

from appliance.store.models import Base

Convert = Callable[[Any], Any]


def insert_or_skip(session: Session, model: type[Base]) -> Any:
    """An INSERT of the session's database that passes over rows whose key exists."""
    return _insert(session.get_bind().dialect, model)


def insert_many(
    session: Session, model: type[Base], columns: Sequence[str], rows: Sequence[tuple[Any, ...]],
    same: Mapping[str, Any],
) -> None:  # fmt: skip
    """Insert rows of values in the order of `columns`; `same`: what all of them have alike.

    Columns that are not named get the model's defaults. Enumerations are given by their value: drivers know no others.
    """
    if not rows:
        return
    dialect = session.get_bind().dialect
    sql, slots, defaults = _statement(dialect, model, (*columns, *same))
    varied = dict(zip(columns, zip(*rows, strict=True), strict=True))
    given: list[Any] = []
    for name, convert in slots:
        if name in varied:
            given.append(varied[name] if convert is None else [convert(value) for value in varied[name]])
        else:
            value = same[name] if name in same else defaults[name]
            given.append(repeat(value if convert is None else convert(value), len(rows)))
    ready: list[Any] = list(zip(*given, strict=True))
    if not dialect.positional:
        names = [name for name, _ in slots]
        ready = [dict(zip(names, values, strict=True)) for values in ready]
    session.connection().exec_driver_sql(sql, ready)


def _insert(dialect: Dialect, model: type[Base]) -> Any:
    maker = postgresql if dialect.name == "postgresql" else sqlite
    return maker.insert(model.__table__).on_conflict_do_nothing()


@lru_cache(maxsize=64)
def _statement(
    dialect: Dialect, model: type[Base], named: tuple[str, ...]
) -> tuple[str, list[tuple[str, Convert | None]], dict[str, Any]]:
    """Return the statement, its parameters in order, each with its converter, and the defaults of those not named."""
    compiled = _insert(dialect, model).compile(dialect=dialect, column_keys=list(named))
    columns = model.__table__.c
    order = list(compiled.positiontup or compiled.params)
    slots = [(name, columns[name].type.dialect_impl(dialect).bind_processor(dialect)) for name in order]
    return str(compiled), slots, {name: _default(columns[name]) for name in order if name not in named}


def _default(column: Any) -> Any:
    default = column.default.arg
    return default(None) if callable(default) else default
