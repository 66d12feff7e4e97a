"""List files as strangers send them: each bad one gets a clear answer, each good one its rows."""

from __future__ import annotations

import io
import resource
import zipfile
from collections.abc import Callable
from pathlib import Path

import msoffcrypto
import openpyxl
import pytest
import xlsxwriter
import xlwt

from appliance.domain.numbers import Cell
from appliance.errors import CallerError
from appliance.outside.table_files import write_csv, write_xlsx
from appliance.outside.tables import Workbook

pytestmark = pytest.mark.integration

ROWS: list[list[Cell]] = [["姓名", "电话"], ["张三", 13800138000.0], ["Иван", "+7 916 123-45-67"]]


def _rows(path: Path, sheet: int = 0) -> list[list[Cell]]:
    with Workbook(path) as workbook:
        return [row.cells for row in workbook.rows(workbook.heads[sheet].index)]


def _xlsx(path: Path, rows: list[list[Cell]] = ROWS) -> Path:
    with xlsxwriter.Workbook(str(path)) as workbook:
        sheet = workbook.add_worksheet()
        for index, row in enumerate(rows):
            sheet.write_row(index, 0, row)
    return path


def _xls(path: Path) -> Path:
    book = xlwt.Workbook(encoding="utf-8")
    sheet = book.add_sheet("Лист1")
    for y, row in enumerate(ROWS):
        for x, cell in enumerate(row):
            sheet.write(y, x, cell)
    book.save(str(path))
    return path


def _ods(path: Path) -> Path:
    def cell(value: Cell) -> str:
        if isinstance(value, float):
            return f'<table:table-cell office:value-type="float" office:value="{value}"/>'
        return f'<table:table-cell office:value-type="string"><text:p>{value}</text:p></table:table-cell>'

    body = "".join(f"<table:table-row>{''.join(map(cell, row))}</table:table-row>" for row in ROWS)
    spaces = " ".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in ("office", "table", "text")
    )
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("META-INF/manifest.xml", "<manifest/>")
        archive.writestr(
            "content.xml",
            f'<?xml version="1.0"?><office:document-content {spaces}><office:body><office:spreadsheet>'
            f'<table:table table:name="s">{body}</table:table>'
            "</office:spreadsheet></office:body></office:document-content>",
        )
    return path


def _csv(encoding: str, delimiter: str) -> Callable[[Path], Path]:
    def make(path: Path) -> Path:
        text = "\r\n".join(delimiter.join(map(str, row)) for row in ROWS)
        path.write_bytes(text.encode(encoding, "replace"))
        return path

    return make


@pytest.mark.parametrize(
    ("name", "make"),
    [("a.xlsx", _xlsx), ("a.xls", _xls), ("a.ods", _ods), ("wrong.csv", _xlsx), ("export.xls", _csv("utf-8", "\t"))],
)
def test_all_formats_give_the_same_rows(tmp_path: Path, name: str, make: Callable[[Path], Path]) -> None:
    rows = _rows(make(tmp_path / name))
    assert [row[0] for row in rows] == [row[0] for row in ROWS]
    assert float(str(rows[1][1])) == 13800138000.0


def _encrypted(path: Path) -> None:
    plain = io.BytesIO()
    book = openpyxl.Workbook()
    book.save(plain)
    with path.open("wb") as target:
        msoffcrypto.OfficeFile(plain).encrypt("secret", target)


def _macros(path: Path) -> None:
    _xlsx(path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("xl/vbaProject.bin", b"\0" * 10)


def _bomb(path: Path) -> None:
    _xlsx(path)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/media/zeros.bin", bytes(64 << 20))


def _far_cell(path: Path) -> None:
    book = openpyxl.Workbook()
    book.active["A1"], book.active["XFD1048576"] = "电话", "x"
    book.save(path)


def _zip_of(*names: str) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        with zipfile.ZipFile(path, "w") as archive:
            for name in names:
                archive.writestr(name, "x")

    return make


def _content(data: bytes) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        path.write_bytes(data)

    return make


def _cut(path: Path) -> None:
    path.write_bytes(_xlsx(path).read_bytes()[:-200])


def _spoilt(path: Path) -> None:
    with zipfile.ZipFile(_xlsx(path.with_suffix(".tmp"))) as source, zipfile.ZipFile(path, "w") as target:
        for name in source.namelist():
            target.writestr(name, b"<worksheet><sheetData><row" if "sheet1" in name else source.read(name))


@pytest.mark.parametrize(
    ("name", "make", "error_id"),
    [
        ("empty.xlsx", _content(b""), "import.empty_file"),
        ("list.xlsx", _content(b"%PDF-1.7\n" + b"x" * 1000), "import.wrong_file_type"),
        ("photo.csv", _content(b"\xff\xd8\xff\xe0" + bytes(100)), "import.wrong_file_type"),
        ("hollow.xlsx", _content(bytes(9000)), "import.hollow"),
        ("half-hollow.xlsx", _content(b"\x05\x06" + bytes(9000)), "import.wrong_file_type"),
        ("noise.csv", _content(bytes(range(1, 32)) * 20), "import.wrong_file_type"),
        ("page.xls", _content(b"<html><table><tr><td>1</td></tr></table></html>"), "import.wrong_file_type"),
        ("data.json", _content(b'{"phone": "13800138000"}'), "import.wrong_file_type"),
        ("letter.docx", _zip_of("word/document.xml"), "import.wrong_file_type"),
        ("pack.zip", _zip_of("list.csv"), "import.wrong_file_type"),
        ("notes.md", _content(b"call me"), "import.wrong_file_type"),
        ("secret.xlsx", _encrypted, "import.encrypted"),
        ("macros.xlsm", _macros, "import.macros"),
        ("macros-renamed.xlsx", _macros, "import.macros"),
        ("bomb.xlsx", _bomb, "import.zip_bomb"),
        ("far.xlsx", _far_cell, "import.too_large"),
        ("cut.xlsx", _cut, "import.unreadable"),
        ("spoilt.xlsx", _spoilt, "import.unreadable"),
        ("quote.csv", _content(b'name,phone\n"' + b"x" * 200_000), "import.unreadable"),
    ],
)
def test_bad_files_are_told(tmp_path: Path, name: str, make: Callable[[Path], None], error_id: str) -> None:
    path = tmp_path / name
    make(path)
    with pytest.raises(CallerError) as caught, Workbook(path) as workbook:
        list(workbook.rows(workbook.heads[0].index))
    assert caught.value.error_id == error_id
    assert name in caught.value.message


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(CallerError) as caught, Workbook(tmp_path / "none.csv"):
        pass
    assert caught.value.error_id == "import.not_found"


def test_too_many_rows_are_told_before_the_first_and_in_bounded_memory(tmp_path: Path) -> None:
    path = tmp_path / "million.csv"
    with path.open("w") as handle:
        handle.writelines(f"{13800000000 + n},x\n" for n in range(300_000))
    with Workbook(path) as workbook:
        with pytest.raises(CallerError) as caught:
            workbook.rows(0)
        assert caught.value.error_id == "import.too_many_rows"
        assert caught.value.placeholders["rows"] == 300_000
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss < 1 << 20  # KiB


def test_blank_rows_do_not_count(tmp_path: Path) -> None:
    blank: list[list[Cell]] = [[None]] * 500
    path = _xlsx(tmp_path / "a.xlsx", [["电话"], *blank, ["13800138000"], [" "]])
    with Workbook(path) as workbook:
        rows = list(workbook.rows(0, rows_max=2))
    assert [(row.number, row.cells) for row in rows] == [(1, ["电话"]), (502, ["13800138000"])]


def test_formulas_errors_hidden_and_merged_cells(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    for row in (["姓名", "电话"], ["a", "=B4&1"], ["b", "#N/A"], ["c", 13800138000], [None, 13900139000], ["h", 1]):
        sheet.append(row)
    sheet["B3"].data_type = "e"
    sheet.merge_cells("A4:A5")
    sheet.row_dimensions[6].hidden = True
    book.create_sheet("hidden").sheet_state = "hidden"
    book.save(tmp_path / "a.xlsx")
    with Workbook(tmp_path / "a.xlsx") as workbook:
        assert [head.name for head in workbook.heads] == ["Sheet"]
        rows = list(workbook.rows(0))
    assert [row.cells for row in rows][1:5] == [
        ["a", "=B4&1"], ["b", "#N/A"], ["c", 13800138000.0], ["c", 13900139000.0],
    ]  # fmt: skip
    assert [row.hidden for row in rows] == [False] * 5 + [True]


def test_a_stored_formula_result_is_used(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    with xlsxwriter.Workbook(str(path)) as workbook:
        workbook.add_worksheet().write_formula("A1", '="138"&"00138000"', None, "13800138000")
    assert _rows(path) == [["13800138000"]]


def test_a_table_that_does_not_begin_in_a1(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active["C4"], book.active["C5"] = "电话", "13800138000"
    book.save(tmp_path / "a.xlsx")
    assert _rows(tmp_path / "a.xlsx") == [[None, None, "电话"], [None, None, "13800138000"]]


def test_leaving_early_ends_the_reader(tmp_path: Path) -> None:
    path = _xlsx(tmp_path / "a.xlsx", [[n] for n in range(20_000)])
    with Workbook(path) as workbook:
        assert next(workbook.rows(0)).cells == [0.0]
    assert workbook._reader.returncode is not None


EVIL = '=HYPERLINK("http://x","y")'


def test_csv_out_carries_no_formula() -> None:
    target = io.BytesIO()
    write_csv(target, ["a", "b"], [[EVIL, "+8613800138000"], ["@x", -5], ["-2+3", None]])
    text = target.getvalue().decode("utf-8-sig")
    assert text.splitlines()[1:] == ['"\'=HYPERLINK(""http://x"",""y"")",+8613800138000', "'@x,-5", "'-2+3,"]


def test_xlsx_out_carries_no_formula(tmp_path: Path) -> None:
    path = tmp_path / "out.xlsx"
    write_xlsx(path, [("a/b:c", ["a", "b"], [[EVIL, 13800138000], ["00861", 1.5]])])
    sheet = openpyxl.load_workbook(path).active
    assert [(cell.value, cell.data_type) for cell in sheet[2]] == [(EVIL, "s"), (13800138000, "n")]
    assert sheet["A3"].value == "00861"
