"""Imports into both databases: verdicts, dry runs, crashes, corrected rejects."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import openpyxl
import pytest
import xlsxwriter
from sqlalchemy import func, select

from appliance.domain.numbers import Cell
from appliance.errors import CallerError, NotFoundError
from appliance.ids import new_id
from appliance.jobs.imports import ImportReport, run_import
from appliance.jobs.inspection import inspect_list
from appliance.jobs.rejects import write_rejects
from appliance.store.db import Store
from appliance.store.models import Campaign, Contact, DoNotCall, Import, Lead
from appliance.store.read import imports

pytestmark = pytest.mark.integration

HEADER: list[Cell] = ["姓名", "电话", "欠款", "城市"]
LIST: list[list[Cell]] = [
    HEADER,
    ["张三", 13800138000, 1234.5, "北京"],
    ["张三", "+86 138-0013-8000", 1234.5, "北京"],  # duplicate
    ["李四", "010-62345678", "¥2,000.10", "上海"],
    ["王五", "1.38E+10", 1, ""],  # rounded
    ["赵六", "", 1, ""],  # empty
    ["孙七", "无", 1, ""],  # text
    ["周八", "+7 916 123-45-67", None, ""],  # foreign
    ["吴九", "13900139000", 1, ""],  # do not call
    ['=HYPERLINK("x")', "15000000001", 1, ""],
]


def _xlsx(path: Path, rows: list[list[Cell]]) -> Path:
    with xlsxwriter.Workbook(str(path), {"strings_to_formulas": False}) as workbook:
        sheet = workbook.add_worksheet()
        for index, row in enumerate(rows):
            sheet.write_row(index, 0, row)
    return path


def _count(store: Store, model: type[Lead] | type[Contact] | type[Campaign] | type[Import]) -> int:
    with store.read() as session:
        return session.scalar(select(func.count()).select_from(model)) or 0


def _figures(report: ImportReport) -> tuple[int, int, int, int]:
    assert report.rows == report.accepted + report.rejected + report.duplicates
    assert sum(report.reasons.values()) == report.rejected
    return report.rows, report.accepted, report.rejected, report.duplicates


@pytest.fixture
def bar(store: Store) -> None:
    with store.write() as session:
        session.add(DoNotCall(number="+8613900139000", created_at=datetime.now(UTC)))


@pytest.mark.usefixtures("bar")
def test_a_list_becomes_leads(store: Store, tmp_path: Path) -> None:
    progress: list[tuple[int, int]] = []
    report = run_import(
        store, _xlsx(tmp_path / "a.xlsx", LIST), campaign_name="March", on_progress=lambda *at: progress.append(at)
    )
    assert _figures(report) == (9, 4, 4, 1)
    assert report.reasons == {"rounded": 1, "empty": 1, "no_digits": 1, "do_not_call": 1}
    assert report.campaign_is_new
    assert report.columns == {"name": "姓名", "phone": "电话", "amount": "欠款"}
    assert progress[-1][0] == 9
    with store.read() as session:
        leads = session.scalars(select(Lead).order_by(Lead.next_attempt_at)).all()
    assert [lead.number for lead in leads] == ["+8613800138000", "+861062345678", "+79161234567", "+8615000000001"]
    assert [(lead.amount_minor, lead.currency) for lead in leads] == [
        (123450, "CNY"), (200010, "CNY"), (None, ""), (100, "CNY"),
    ]  # fmt: skip
    assert leads[0].fields == {"城市": "北京"}
    assert leads[2].fields == {"_region": "RU"}
    assert leads[3].name == '=HYPERLINK("x")'
    assert {lead.state for lead in leads} == {"waiting"}
    found = imports.one(store, report.import_id)
    assert found is not None
    assert (found.state, found.rows, found.accepted, found.reasons) == ("finished", 9, 4, report.reasons)
    assert [row.row_number for row in imports.rejects(store, report.import_id)] == [3, 5, 6, 7, 9]


def test_a_second_run_adds_nothing_and_another_campaign_shares_contacts(store: Store, tmp_path: Path) -> None:
    path = _xlsx(tmp_path / "a.xlsx", LIST)
    first = run_import(store, path, campaign_name="March")
    second = run_import(store, path, campaign_name="March")
    assert _figures(first) == (9, 5, 3, 1)
    assert _figures(second) == (9, 0, 3, 6)
    other = run_import(store, path, campaign_name="April")
    assert other.accepted == 5
    assert (_count(store, Lead), _count(store, Contact), _count(store, Campaign)) == (10, 5, 2)


def test_a_dry_run_only_says(store: Store, tmp_path: Path) -> None:
    path = _xlsx(tmp_path / "a.xlsx", LIST)
    dry = run_import(store, path, campaign_name="March", dry_run=True)
    assert _figures(dry) == (9, 5, 3, 1)
    assert dry.campaign_is_new
    assert dry.campaign_id is None
    assert (_count(store, Lead), _count(store, Contact), _count(store, Campaign)) == (0, 0, 0)
    assert [row.reason for row in imports.rejects(store, dry.import_id)] == [
        "duplicate_in_list", "rounded", "empty", "no_digits",
    ]  # fmt: skip
    assert _figures(run_import(store, path, campaign_name="March")) == _figures(dry)
    assert run_import(store, path, campaign_name="March", dry_run=True).duplicates == 6


def test_corrected_rejects_come_in(store: Store, tmp_path: Path) -> None:
    first = run_import(store, _xlsx(tmp_path / "a.xlsx", LIST), campaign_name="March")
    rejects = tmp_path / "rejects.xlsx"
    write_rejects(store, first.import_id, rejects)
    book = openpyxl.load_workbook(rejects)
    sheet = book.active
    assert [cell.value for cell in sheet[1]] == [*HEADER, "Callbox: reason", "Callbox: detail"]
    assert [row[0].value for row in sheet.iter_rows(min_row=2)] == ["王五", "赵六", "孙七"]
    assert sheet["E2"].value.startswith("The spreadsheet rounded the number")
    for row, number in enumerate(["13811111111", "13822222222", "13833333333"], start=2):
        sheet.cell(row, 2).value = number
    book.save(rejects)
    second = run_import(store, rejects, campaign_name="March")
    assert _figures(second) == (3, 3, 0, 0)
    with store.read() as session:
        assert session.scalar(select(Lead.fields).where(Lead.number == "+8613811111111")) == {}
        assert session.scalar(select(Lead.name).where(Lead.number == "+8613811111111")) == "王五"


@pytest.mark.parametrize(
    ("content", "wanted", "error_id"),
    [
        (b"a,b\nx,y\n", {"campaign_name": "M"}, "import.no_phone_column"),
        (b"\n \n", {"campaign_name": "M"}, "import.no_rows"),
        (b"phone\n13800138000\n", {"campaign_name": "M", "mapping": {"phone": "tel"}}, "import.bad_mapping"),
        (b"phone\n13800138000\n", {"campaign_name": "M", "region": "XX"}, "import.unknown_region"),
        (b"%PDF-", {"campaign_name": "M"}, "import.wrong_file_type"),
    ],
)
def test_a_bad_list_leaves_only_its_word(
    store: Store, tmp_path: Path, content: bytes, wanted: dict[str, object], error_id: str
) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    import_id = new_id()
    with pytest.raises(CallerError) as caught:
        run_import(store, path, import_id=import_id, **wanted)  # type: ignore[arg-type]
    assert caught.value.error_id == error_id
    assert (_count(store, Lead), _count(store, Campaign)) == (0, 0)
    found = imports.one(store, import_id)
    assert found is not None
    assert (found.state, found.error_id, found.message) == ("failed", error_id, caught.value.message)


def test_campaigns_that_cannot_be(store: Store, tmp_path: Path) -> None:
    path = _xlsx(tmp_path / "a.xlsx", LIST)
    with pytest.raises(CallerError, match="Name the campaign"):
        run_import(store, path, campaign_name="  ")
    with pytest.raises(NotFoundError):
        run_import(store, path, campaign_id="none")
    assert _count(store, Import) == 0


def test_columns_as_named_and_sheets_without_numbers(store: Store, tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(["notes", "nothing here"])
    sheet = book.create_sheet("data")
    sheet.append(["Kunde", "Festnetz", "Handy"])
    sheet.append(["A", "010-62345678", "13800138000"])
    book.save(tmp_path / "a.xlsx")
    seen = inspect_list(tmp_path / "a.xlsx", "a.xlsx", "CN")
    assert (seen["sheet"], seen["columns"], seen["sample"]) == (
        "data", ["Kunde", "Festnetz", "Handy"], [["A", "010-62345678", "13800138000"]],
    )  # fmt: skip
    report = run_import(store, tmp_path / "a.xlsx", campaign_name="M", mapping={"phone": "Handy", "name": "Kunde"})
    assert report.sheet == "data"
    with store.read() as session:
        assert session.scalar(select(Lead.number)) == "+8613800138000"


def test_an_import_that_is_stopped_goes_on_under_its_id(store: Store, tmp_path: Path) -> None:
    """As the job queue does it: the service stops, the same job runs again after the start."""
    numbers: list[list[Cell]] = [[f"138{n:08d}"] for n in range(400)]
    path = _xlsx(tmp_path / "a.xlsx", [["phone"], *numbers, ["x"]])
    import_id = new_id()

    def stop(_done: int, _total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_import(store, path, campaign_name="M", import_id=import_id, on_progress=stop)
    halfway = imports.one(store, import_id)
    assert halfway is not None
    assert halfway.state == "running"
    assert 0 < halfway.accepted == _count(store, Lead) < 400
    report = run_import(store, path, campaign_name="M", import_id=import_id)
    assert _figures(report) == (401, 400, 1, 0)
    again = run_import(store, path, campaign_name="M", import_id=import_id)
    assert _figures(again) == (401, 400, 1, 0)
    assert (_count(store, Lead), _count(store, Import)) == (400, 1)


_IMPORTER = """
import sys
from pathlib import Path
from appliance.jobs.imports import run_import
from appliance.store.db import Store
run_import(Store(sys.argv[1]), Path(sys.argv[2]), campaign_name="M", on_progress=lambda *at: print(*at, flush=True))
"""


def test_kill_in_the_middle_and_run_again(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("phone\n" + "".join(f"138{n:08d}\n" for n in range(2500)), "utf-8")
    url = store.engine.url.render_as_string(hide_password=False)
    importer = subprocess.Popen([sys.executable, "-c", _IMPORTER, url, str(path)], stdout=subprocess.PIPE, text=True)
    assert importer.stdout is not None
    for _ in range(3):
        importer.stdout.readline()
    importer.kill()
    importer.wait()
    importer.stdout.close()
    remains = imports.recent(store)[0]
    assert remains.state == "running"
    assert 0 < remains.rows == remains.accepted == _count(store, Lead) < 2500
    report = run_import(store, path, campaign_name="M")
    assert _figures(report) == (2500, 2500, 0, 0)
    assert _count(store, Lead) == _count(store, Contact) == 2500
    closed = imports.one(store, remains.id)
    assert closed is not None
    assert (closed.state, closed.message) == ("interrupted", f"taken up by {report.import_id}")
    assert _figures(run_import(store, path, campaign_name="M")) == (2500, 0, 0, 2500)


def test_two_imports_of_one_list_at_once(store: Store, tmp_path: Path) -> None:
    """Whoever is first brings a number; together they bring each of them once."""
    paths = [tmp_path / "a.csv", tmp_path / "b.csv"]
    for path in paths:
        path.write_text(f"{path.stem},phone\n" + "".join(f"x,138{n:08d}\n" for n in range(1000)), "utf-8")
    url = store.engine.url.render_as_string(hide_password=False)
    both = [
        subprocess.Popen([sys.executable, "-c", _IMPORTER, url, str(path)], stdout=subprocess.DEVNULL)
        for path in paths
    ]
    assert [one.wait(60) for one in both] == [0, 0]
    found = imports.recent(store)
    assert [(one.state, one.rows) for one in found] == [("finished", 1000)] * 2
    assert sum(one.accepted for one in found) == _count(store, Lead) == 1000
