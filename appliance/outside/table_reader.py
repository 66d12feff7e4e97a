"""The process that opens a stranger's file, so that the box does not: `python -m appliance.outside.table_reader FILE`.

It has limited memory and processor time; whatever a file does to its parser ends here. Frames on stdout are a 4-byte
big-endian length and a msgpack array: first one `SheetHead` per visible sheet, then `Ready`; the parent answers the
index of a sheet and the most rows it wants on stdin; `Chosen` (rows with data), `Rows`... and `End` follow.
`Problem` may come at any time and is the last. The other side is `appliance.outside.tables`.
"""

from __future__ import annotations

import csv
import resource
import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import python_calamine

from appliance.domain.numbers import Cell
from appliance.errors import CallerError
from appliance.outside.table_frames import (
    Chosen,
    End,
    Frame,
    Problem,
    Ready,
    Row,
    Rows,
    SheetHead,
    too_large_text,
    unreadable_text,
)
from appliance.outside.table_kinds import FileKind, encrypted, recognise
from appliance.outside.table_text import text_rows
from appliance.outside.xlsx_facts import SheetFacts, sheet_facts

MEMORY_MB_MAX = 2048
CPU_S_MAX = 120
HEAD_ROWS = 50
BATCH_ROWS = 500


def main(path: Path) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_MB_MAX << 20, MEMORY_MB_MAX << 20))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S_MAX, CPU_S_MAX + 1))
    try:
        _serve(path)
    except CallerError as error:
        _send(Problem(error.error_id, error.message, error.placeholders))
    except MemoryError:
        _send(Problem("import.too_large", too_large_text(path), {"file": path.name}))
    except python_calamine.PasswordError:
        problem = encrypted(path)
        _send(Problem(problem.error_id, problem.message, problem.placeholders))
    except (python_calamine.CalamineError, csv.Error, OSError, UnicodeError, ValueError) as error:
        _send(Problem("import.unreadable", unreadable_text(path), {"file": path.name, "cause": str(error)[:200]}))


def _serve(path: Path) -> None:
    kind = recognise(path)
    if kind is FileKind.TEXT:
        _send(SheetHead(0, path.stem, [row for row, _ in zip(_text(path), range(HEAD_ROWS), strict=False)]))
        _send(Ready())
        _, row_limit = _asked()
        count = sum(1 for _ in _text(path))
        _refuse_too_many(count, row_limit, path)
        _stream(_text(path), count)
        return
    workbook = python_calamine.CalamineWorkbook.from_path(path)
    visible = python_calamine.SheetVisibleEnum.Visible
    sheets: dict[int, python_calamine.CalamineSheet] = {}
    for index, data in enumerate(workbook.sheets_metadata):
        if data.visible != visible or data.typ != python_calamine.SheetTypeEnum.WorkSheet:
            continue
        sheets[index] = sheet = workbook.get_sheet_by_index(index)
        rows = _sheet(sheet, SheetFacts())
        _send(SheetHead(index, data.name, [row for row, _ in zip(rows, range(HEAD_ROWS), strict=False)]))
    _send(Ready())
    index, row_limit = _asked()
    sheet = sheets[index]
    count = sum(any(_filled(cell) for cell in cells) for cells in sheet.iter_rows())
    _refuse_too_many(count, row_limit, path)
    facts = sheet_facts(path, sheet.name) if kind is FileKind.XLSX else SheetFacts()
    _stream(_sheet(sheet, facts), count)


def _stream(rows: Iterator[Row], count: int) -> None:
    _send(Chosen(count))
    batch: list[Row] = []
    for row in rows:
        batch.append(row)
        if len(batch) == BATCH_ROWS:
            _send(Rows(batch))
            batch = []
    if batch:
        _send(Rows(batch))
    _send(End())


def _refuse_too_many(count: int, row_limit: int, path: Path) -> None:
    if count > row_limit:
        raise CallerError(
            "import.too_many_rows",
            f"{path.name} has {count} rows with data; at most {row_limit} are taken at once. "
            "Split the list into several files.",
            file=path.name, rows=count, max_rows=row_limit,
        )  # fmt: skip


def _text(path: Path) -> Iterator[Row]:
    for number, cells in text_rows(path):
        if any(cell.strip() for cell in cells):
            yield Row(number, False, list(cells))


def _sheet(sheet: python_calamine.CalamineSheet, facts: SheetFacts) -> Iterator[Row]:
    """Rows with data; merged cells are filled downwards, formulas without a result show as their text."""
    left = sheet.start[1] if sheet.start else 0
    troubled = facts.cells_by_row()
    merged: dict[int, list[tuple[int, int]]] = {}  # first row -> (column, last row)
    for (top, column), (bottom, _) in sheet.merged_cell_ranges or []:
        if bottom > top:
            merged.setdefault(top, []).append((column, bottom))
    open_merges: dict[int, tuple[int, Cell]] = {}  # column -> (last row, value)
    for index, raw in enumerate(sheet.iter_rows()):
        cells: list[Cell] = [None] * left + [_plain(cell) for cell in raw]
        for column, text in troubled.get(index, {}).items():
            if column < len(cells) and not _filled(cells[column]):
                cells[column] = text
        for column, (last, value) in list(open_merges.items()):
            if index > last:
                del open_merges[column]
            elif column < len(cells) and not _filled(cells[column]):
                cells[column] = value
        for column, last in merged.get(index, ()):
            if column < len(cells):
                open_merges[column] = (last, cells[column])
        if any(_filled(cell) for cell in cells):
            yield Row(index + 1, index in facts.hidden_rows, cells)


def _plain(cell: Any) -> Cell:
    if isinstance(cell, (str, int, float, bool)):
        return cell
    return cell.isoformat() if hasattr(cell, "isoformat") else str(cell)


def _filled(cell: Any) -> bool:
    return cell is not None and cell != "" and not (isinstance(cell, str) and cell.isspace())


def _asked() -> tuple[int, int]:
    answer = sys.stdin.buffer.readline().split()
    if len(answer) != 2:
        sys.exit(0)  # the parent wants nothing more
    return int(answer[0]), int(answer[1])


def _send(frame: Frame) -> None:
    body = msgspec.msgpack.encode(frame)
    sys.stdout.buffer.write(struct.pack(">I", len(body)) + body)
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
