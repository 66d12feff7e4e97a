"""Cells of a list as values of fields of one's own: what a spreadsheet makes of dates, yes and no. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from appliance.domain.list_columns import cell_at, cell_text
from appliance.domain.numbers import Cell
from appliance.domain.survey import FieldKind, FormField, check_answers

_YES = frozenset({"yes", "y", "true", "1", "да", "д", "是", "有", "对", "✓", "x", "х"})
_NO = frozenset({"no", "n", "false", "0", "нет", "н", "否", "无", "不", "没有", "-"})
_DATES = ("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%d.%m.%Y", "%Y年%m月%d日", "%Y%m%d")


def own_values(
    cells: Sequence[Cell], places: Mapping[str, int], fields: Mapping[str, FormField]
) -> tuple[dict[str, Any], frozenset[int]]:
    """The values of a row {key: value}, and the indices of cells that did not fit their field (or have none any more).

    Empty cells say nothing: what a person has stays.
    """
    found: dict[str, Any] = {}
    misfits = set[int]()
    for key, index in places.items():
        cell = cell_at(cells, index)
        if not cell_text(cell):
            continue
        kept: dict[str, Any] = {}
        if key in fields:
            kept, _wrong = check_answers([fields[key]], {key: as_answer(fields[key], cell)}, complete=True)
        if key in kept:
            found[key] = kept[key]
        else:
            misfits.add(index)
    return found, frozenset(misfits)


def as_answer(field: FormField, cell: Cell) -> Any:
    """A cell as somebody would have answered."""
    text = cell_text(cell)
    match field.kind:
        case FieldKind.YES_NO:
            word = text.casefold()
            return "yes" if word in _YES else "no" if word in _NO else text
        case FieldKind.DATE:
            return _day(cell, text)
        case FieldKind.CHOICE:
            return _choice(field, text)
        case FieldKind.SEVERAL:
            return [_choice(field, one.strip()) for one in text.replace(";", ",").replace("，", ",").split(",")]
        case _:
            return text


def _day(cell: Cell, text: str) -> str:
    if isinstance(cell, datetime | date):
        return cell.isoformat()[:10]
    for pattern in _DATES:
        try:
            return datetime.strptime(text.split(" ")[0].split("T")[0], pattern).date().isoformat()  # noqa: DTZ007
        except ValueError:
            continue
    return text


def _choice(field: FormField, text: str) -> str:
    return next((one for one in field.choices if one.casefold() == text.casefold()), text)
