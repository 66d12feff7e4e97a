"""A look at an uploaded list: its sheets, its columns, what they seem to mean."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from appliance.domain import list_columns
from appliance.domain.list_columns import Columns, cell_text
from appliance.domain.numbers import Cell
from appliance.errors import CallerError
from appliance.outside.table_frames import SheetHead
from appliance.outside.tables import Workbook

SAMPLE_ROWS = 5


Remembered = Callable[[tuple[str, ...]], dict[str, int] | None]
"""Headers of a list -> where things stood (by role) when a list with these headers was last taken; None: never seen."""


def inspect_list(
    path: Path, file_name: str, region: str, remembered: Remembered = lambda _headers: None
) -> dict[str, Any]:
    """What the web shows before a dry run: {sheet, columns, mapping, sample, remembered}; reply of `InspectList`.

    `columns` are headers, or letters where there is none; `mapping` is {role: column} as remembered or guessed,
    without `phone` when no column holds numbers; `sample` has up to five rows of texts. Raises CallerError for a file
    that is no list.
    """
    with Workbook(path) as workbook:
        try:
            head, columns = choose_sheet(workbook, None, region, file_name, remembered)
        except CallerError as error:
            if error.error_id != "import.no_phone_column":
                raise
            head = next(head for head in workbook.heads if head.rows)
            columns = list_columns.columns_without_phone([row.cells for row in head.rows])
    first = 0 if columns.header_row is None else columns.header_row + 1
    width = max((len(row.cells) for row in head.rows), default=0)
    return {
        "sheet": head.name,
        "columns": [shown(columns, index) for index in range(width)],
        "mapping": {role: shown(columns, index) for role, index in columns.roles.items()},
        "sample": [[cell_text(cell) for cell in row.cells] for row in head.rows[first : first + SAMPLE_ROWS]],
        "remembered": bool(columns.headers and remembered(columns.headers)),
    }


def choose_sheet(
    workbook: Workbook, mapping: dict[str, str] | None, region: str, file_name: str,
    remembered: Remembered = lambda _headers: None,
) -> tuple[SheetHead, Columns]:  # fmt: skip
    """The first sheet with a phone column (or with the columns that were named, or that are remembered)."""
    problem = ""
    for head in workbook.heads:
        sample = [row.cells for row in head.rows]
        if not sample:
            continue
        try:
            if mapping:
                columns: Columns | None = list_columns.columns_from_mapping(sample, mapping, region)
            else:
                columns = _known(sample, remembered) or list_columns.guess_columns(sample, region)
        except ValueError as error:
            problem = problem or str(error)
            continue
        if columns is not None:
            return head, columns
    if not any(head.rows for head in workbook.heads):
        raise CallerError("import.no_rows", f"{file_name} has no rows. Is it the right file?", file=file_name)
    if mapping:
        raise CallerError("import.bad_mapping", f"{file_name}: {problem}.", file=file_name, problem=problem)
    raise CallerError(
        "import.no_phone_column",
        f"{file_name} has no column with telephone numbers. Name the column 'phone' (电话, Телефон), "
        "or say which column it is.",
        file=file_name,
    )


def _known(sample: Sequence[Sequence[Cell]], remembered: Remembered) -> Columns | None:
    """The columns of a header that was met before, in whichever of the first rows it stands."""
    for index, row in enumerate(sample[: list_columns.HEADER_ROWS_MAX]):
        headers = tuple(cell_text(cell) for cell in row)
        if indices := remembered(headers):
            return Columns.of(indices, headers, index)
    return None


def shown(columns: Columns, index: int) -> str:
    """The header of a column; its letter where there is no header or an earlier column has the same one."""
    header = columns.headers[index] if index < len(columns.headers) else ""
    if header and header not in columns.headers[:index]:
        return header
    return (chr(ord("A") + index // 26 - 1) if index >= 26 else "") + chr(ord("A") + index % 26)
