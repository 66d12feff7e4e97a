"""What the reading process and the box say to each other about a list file (msgpack arrays)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from appliance.domain.numbers import Cell


class Row(msgspec.Struct, array_like=True, frozen=True):
    """One row as it stands in the file; `number` counts from 1 as the spreadsheet shows it."""

    number: int
    hidden: bool
    cells: list[Cell]


class SheetHead(msgspec.Struct, array_like=True, frozen=True, tag=True):
    index: int
    name: str
    rows: list[Row]


class Ready(msgspec.Struct, array_like=True, frozen=True, tag=True):
    pass


class Chosen(msgspec.Struct, array_like=True, frozen=True, tag=True):
    data_rows: int


class Rows(msgspec.Struct, array_like=True, frozen=True, tag=True):
    rows: list[Row]


class End(msgspec.Struct, array_like=True, frozen=True, tag=True):
    pass


class Problem(msgspec.Struct, array_like=True, frozen=True, tag=True):
    error_id: str
    message: str
    placeholders: dict[str, Any]


Frame = SheetHead | Ready | Chosen | Rows | End | Problem


def too_large_text(path: Path) -> str:
    return (
        f"{path.name} needs more memory or time than a list may take. It may have cells far outside the table: "
        "copy the list to a new workbook, or split it into several files."
    )


def unreadable_text(path: Path) -> str:
    return f"{path.name} is damaged or incomplete. Open it, save it anew and send it again."
