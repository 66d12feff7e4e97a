"""Tables that name sound files: CSV with a head line, as of labelled clips or of a library's announcements."""

import csv
from pathlib import Path

Row = dict[str, str]


class TableError(ValueError):
    """A table that cannot be used; the message says which and why."""


def read(table: Path, columns: tuple[str, ...]) -> list[Row]:
    """Its rows, which have these columns and perhaps more; a cell that is not there is empty. Raises TableError."""
    try:
        with table.open(newline="", encoding="utf-8-sig") as source:
            reader = csv.DictReader(source, restval="")
            rows = list(reader)
            missing = [column for column in columns if column not in (reader.fieldnames or ())]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise TableError(f"{table}: {getattr(error, 'strerror', None) or error}") from error
    if missing:
        raise TableError(f"{table}: no column {', '.join(missing)}")
    for row in rows:
        row.pop(None, None)  # cells behind the last column
    return rows
