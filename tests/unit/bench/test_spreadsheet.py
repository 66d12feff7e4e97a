"""The customer's spreadsheet: its truth agrees with the box's own reading of numbers, and with itself."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pytest

from appliance.bench.spreadsheet import HEADERS, make_rows, write_csv, write_xlsx
from appliance.domain.numbers import Number, parse_number

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("count", [12, 50, 200, 1000])
def test_most_rows_can_be_dialled_and_every_trouble_is_there(count: int) -> None:
    truth = make_rows(count, seed=3)
    assert len(truth.rows) == count
    assert len(truth.dialable) >= 0.7 * count
    assert len(set(truth.dialable)) == len(truth.dialable)
    assert len(truth.dialable) + truth.duplicates + truth.rejected == count
    if count >= 50:
        assert set(truth.kinds) == {
            "mobile", "landline", "foreign", "duplicate", "text", "empty", "rounded", "short",
        }  # fmt: skip


def test_truth_is_what_the_box_reads() -> None:
    seen: set[str] = set()
    for row in make_rows(1000, seed=5).rows:
        read = parse_number(row.cells[1], "CN")
        number = read.e164 if isinstance(read, Number) else None
        if row.kind == "duplicate":
            assert number in seen, row
        else:
            assert number == row.e164, row
        seen.add(number or "")


def test_same_seed_same_rows() -> None:
    assert make_rows(100, seed=1) == make_rows(100, seed=1)
    assert make_rows(100, seed=1) != make_rows(100, seed=2)


@pytest.mark.parametrize("language", ["zh", "ru", "en"])
def test_files_hold_the_rows(tmp_path: Path, language: str) -> None:
    truth = make_rows(60, seed=9)
    write_xlsx(tmp_path / "list.xlsx", truth, language=language)
    write_csv(tmp_path / "list.csv", truth, language=language, encoding="gb18030")
    sheet = openpyxl.load_workbook(tmp_path / "list.xlsx").worksheets[0]
    lines = list(sheet.iter_rows(values_only=True))
    assert lines[0] == HEADERS[language]
    assert [tuple("" if c is None else c for c in line) for line in lines[1:]] == [row.cells for row in truth.rows]
    assert len((tmp_path / "list.csv").read_text("gb18030").splitlines()) == 61
