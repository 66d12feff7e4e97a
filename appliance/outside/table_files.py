"""Tables out: .xlsx and .csv that open well in a spreadsheet and cannot carry a formula of somebody else.

In .xlsx texts are written as texts. In .csv a text that a spreadsheet would take for a formula gets a leading
apostrophe; telephone numbers and plain negative numbers stay as they are.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, tzinfo
from pathlib import Path
from typing import IO, Any

import xlsxwriter

_PLAIN_NUMBER = re.compile(r"[+-]?\d[\d .,()/-]*")
_CELL_LENGTH_MAX = 32_000  # Excel takes 32,767


def write_xlsx(
    target: Path | IO[bytes], sheets: Iterable[tuple[str, Sequence[str], Iterable[Sequence[Any]]]], *,
    zone: tzinfo = UTC,
) -> None:  # fmt: skip
    """Write sheets of (name, header, rows) in bounded memory; aware instants become dates of `zone`."""
    options = {
        "constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False,
        "strings_to_numbers": False, "nan_inf_to_errors": True,
    }  # fmt: skip
    with xlsxwriter.Workbook(str(target) if isinstance(target, Path) else target, options) as workbook:
        bold = workbook.add_format({"bold": True})
        instant = workbook.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        text = workbook.add_format({"num_format": "@"})  # what is typed here stays text: no 1.38E+10
        for name, header, rows in sheets:
            sheet = workbook.add_worksheet(re.sub(r"[\[\]:*?/\\]", " ", name)[:31] or None)
            sheet.set_column(0, max(0, len(header) - 1), 18, text)
            sheet.freeze_panes(1, 0)
            sheet.write_row(0, 0, list(header), bold)
            for index, row in enumerate(rows, start=1):
                for column, cell in enumerate(row):
                    if isinstance(cell, (int, float)) and not isinstance(cell, bool):
                        sheet.write_number(index, column, cell)
                    elif isinstance(cell, datetime):
                        sheet.write_datetime(index, column, _local(cell, zone).replace(tzinfo=None), instant)
                    elif cell is not None and cell != "":
                        sheet.write_string(index, column, _text(cell)[:_CELL_LENGTH_MAX], text)


def write_csv(
    target: IO[bytes], header: Sequence[str], rows: Iterable[Sequence[Any]], *, zone: tzinfo = UTC
) -> None:
    """Write UTF-8 with a mark (so that Excel reads it as such), comma-separated; instants of `zone` in ISO 8601."""
    wrapper = io.TextIOWrapper(target, encoding="utf-8-sig", newline="")
    writer = csv.writer(wrapper)
    writer.writerow([_guarded(cell) for cell in header])
    for row in rows:
        writer.writerow([_guarded(_local(cell, zone)) for cell in row])
    wrapper.flush()
    wrapper.detach()


def _local(cell: Any, zone: tzinfo) -> Any:
    """An instant as the clock of `zone` shows it; anything else as it is."""
    return cell.astimezone(zone) if isinstance(cell, datetime) and cell.tzinfo is not None else cell


def _guarded(cell: Any) -> Any:
    """A cell that no spreadsheet takes for a formula."""
    if cell is None or (isinstance(cell, (int, float)) and not isinstance(cell, bool)):
        return cell
    text = _text(cell)
    if text[:1] in {"=", "+", "-", "@", "\t", "\r", "\n", "|"} and not _PLAIN_NUMBER.fullmatch(text):
        return f"'{text}"
    return text


def _text(cell: Any) -> str:
    if isinstance(cell, (datetime, date)):
        return cell.isoformat()
    return str(cell)
