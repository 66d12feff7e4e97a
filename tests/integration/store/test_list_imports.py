"""Lists as they come: every format with dirt in it, several numbers a person, duplicates, lists of our own rows."""

from __future__ import annotations

import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import openpyxl
import pytest
import xlsxwriter
import xlwt
from sqlalchemy import select

from appliance.commands import MakeList
from appliance.domain.lists import Duplicates
from appliance.domain.numbers import Cell
from appliance.errors import CallerError
from appliance.jobs.imports import ImportReport, remembered_by, run_import
from appliance.jobs.inspection import inspect_list
from appliance.jobs.list_sources import make_list
from appliance.jobs.rejects import write_rejects
from appliance.store.db import Store
from appliance.store.models import Attempt, Contact, ContactNumber, InboundCall, Lead, PersonFacts, PhoneNumber
from appliance.store.read import list_health
from appliance.store.repositories import numbers
from appliance.types import NumberState

pytestmark = pytest.mark.integration

NOW = datetime(2026, 3, 5, 4, 0, tzinfo=UTC)
DIRTY: list[list[Cell]] = [
    ["催收名单 2026-03"],
    ["姓名", "手机", "备用电话", "家庭电话", "紧急联系人电话", "欠款"],
    ["张三", "138 0013 8000", "+86-139-0013-9000", "010-62345678", "13511112222", "1,234.50"],
    ["李四", "1.38E+10", "13700137000", "", "", "x"],  # the first is spoilt, the second is good
    ["王五", "", "", "", "13511112223", "5"],
    ["赵六", "138", "无", "", "", "5"],
    ["张三", "13900139000", "", "", "", "9"],  # the first one's second number
    [" 孙七\u00a0", "１３６００１３６０００ 转 12", "", "", "", "¥3"],
]


def _xlsx(path: Path, rows: list[list[Cell]]) -> None:
    with xlsxwriter.Workbook(str(path), {"strings_to_numbers": False}) as book:
        sheet = book.add_worksheet()
        for index, row in enumerate(rows):
            sheet.write_row(index, 0, row)


def _xls(path: Path, rows: list[list[Cell]]) -> None:
    book = xlwt.Workbook(encoding="utf-8")
    sheet = book.add_sheet("list")
    for index, row in enumerate(rows):
        for column, cell in enumerate(row):
            sheet.write(index, column, cell)
    book.save(str(path))


def _ods(path: Path, rows: list[list[Cell]]) -> None:
    body = "".join(
        "<table:table-row>"
        + "".join(
            f'<table:table-cell office:value-type="string"><text:p>{cell}</text:p></table:table-cell>' for cell in row
        )
        + "</table:table-row>"
        for row in rows
    )
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


def _csv(path: Path, rows: list[list[Cell]]) -> None:
    text = "".join(";".join(str(cell) for cell in row) + "\r\n" for row in rows)
    path.write_bytes(text.replace("\u00a0", " ").encode("gb18030"))


def _figures(report: ImportReport) -> tuple[int, int, int, int]:
    return report.rows, report.accepted, report.rejected, report.duplicates


def _people(store: Store) -> dict[str, list[tuple[str, str]]]:
    """First number -> (number, type) of each person."""
    query = select(Contact.number, ContactNumber.number, ContactNumber.type).join(
        Contact, Contact.id == ContactNumber.contact_id
    )
    found: dict[str, list[tuple[str, str]]] = {}
    with store.read() as session:
        for first, number, kind in session.execute(query.order_by(ContactNumber.contact_id, ContactNumber.position)):
            found.setdefault(first, []).append((number, kind))
    return found


@pytest.mark.parametrize(("name", "write"), [("a.xlsx", _xlsx), ("a.xls", _xls), ("a.ods", _ods), ("a.csv", _csv)])
def test_dirty_lists_of_each_format(store: Store, tmp_path: Path, name: str, write: Any) -> None:
    if not store.is_sqlite and name != "a.csv":
        pytest.skip("what the file was makes no difference to the database")
    write(tmp_path / name, DIRTY)
    report = run_import(store, tmp_path / name, campaign_name="March")
    assert report.columns == {
        "name": "姓名", "phone": "手机", "phone2": "备用电话", "phone3": "家庭电话", "amount": "欠款",
    }  # fmt: skip
    assert _figures(report) == (6, 3, 2, 1)
    assert report.reasons == {"empty": 1, "too_short": 1}
    assert _people(store) == {
        "+8613800138000": [("+8613800138000", "mobile"), ("+8613900139000", "other"), ("+861062345678", "home")],
        "+8613700137000": [("+8613700137000", "other")],
        "+8613600136000": [("+8613600136000", "mobile")],
    }
    with store.read() as session:
        known = session.scalars(select(PhoneNumber)).all()
        facts = {row.number: (row.region, row.line_type, row.time_zones) for row in known}
        names = set(session.scalars(select(Lead.name)))
    assert facts["+861062345678"] == ("CN", "fixed", ["Asia/Shanghai"])
    assert facts["+8613900139000"] == ("CN", "mobile", ["Asia/Shanghai"])
    assert "+8613511112222" not in facts, "somebody else's number is a further field"
    assert "孙七" in names


def test_merged_rows_bring_numbers_and_figures(store: Store, tmp_path: Path) -> None:
    first, second = tmp_path / "a.csv", tmp_path / "b.csv"
    first.write_text("name,phone,amount,city\nLi,13800138000,5,Beijing\n", "utf-8")
    second.write_text(
        "name,phone,phone2,amount,city,team\n"
        "Li Lei,13900139000,13800138000,7,Shanghai,A\nHan,13700137000,,1,,\nHan,13700137000,13600136000,2,,\n", "utf-8"
    )  # fmt: skip
    run_import(store, first, campaign_name="M")
    tried = run_import(store, second, campaign_name="M", duplicates=Duplicates.MERGE, dry_run=True)
    assert (_figures(tried), tried.warnings) == ((3, 1, 0, 2), {"merged": 2})
    assert _people(store) == {"+8613800138000": [("+8613800138000", "mobile")]}
    for _ in range(2):  # a second run changes nothing more
        report = run_import(store, second, campaign_name="M", duplicates=Duplicates.MERGE)
        people = _people(store)
        assert [number for number, _type in people["+8613800138000"]] == ["+8613800138000", "+8613900139000"]
        assert [number for number, _type in people["+8613700137000"]] == ["+8613700137000", "+8613600136000"]
    assert _figures(report) == (3, 0, 0, 3)
    with store.read() as session:
        leads = {lead.number: lead for lead in session.scalars(select(Lead))}
    li = leads["+8613800138000"]
    assert (li.name, li.amount_minor, li.fields["city"], li.fields["team"]) == ("Li", 700, "Beijing", "A")
    assert leads["+8613700137000"].amount_minor == 200


def test_what_a_list_says_of_consents_and_zones_is_known_to_the_rules(store: Store, tmp_path: Path) -> None:
    path, again = tmp_path / "a.csv", tmp_path / "b.csv"
    path.write_text(
        "name,phone,consent,third party,time zone\n"
        "Li,13800138000,robot,,Asia/Urumqi\nHan,13700137000,,yes,\nWu,13600136000,,,\nMa,13500135000,refused,,\n",
        "utf-8",
    )  # fmt: skip
    again.write_text(
        "name,phone,consent,time zone\nLi,13800138000,\"hours,robot\",UTC+8\nWu,13600136000,,UTC+8\n", "utf-8"
    )
    run_import(store, path, campaign_name="F")
    run_import(store, again, campaign_name="F", duplicates=Duplicates.MERGE)
    with store.read() as session:
        rows = session.execute(select(Contact.name, PersonFacts).join(PersonFacts)).all()
        found = dict(rows)
    assert sorted(found) == ["Han", "Li", "Ma", "Wu"]
    assert ([one["kind"] for one in found["Li"].consents], found["Li"].time_zone) == (["robot", "hours"], "Asia/Urumqi")
    assert (found["Han"].third_party, found["Wu"].time_zone) == (True, "Etc/GMT-8")
    assert found["Ma"].contact_revoked_at is not None


def test_people_of_other_campaigns(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("phone,phone2\n13800138000,13900139000\n", "utf-8")
    other = tmp_path / "b.csv"
    other.write_text("phone\n13900139000\n13700137000\n", "utf-8")
    run_import(store, path, campaign_name="One")
    assert _figures(run_import(store, other, campaign_name="Two", across_campaigns=True, dry_run=True)) == (2, 1, 0, 1)
    warned = run_import(
        store, other, campaign_name="Two", across_campaigns=True, duplicates=Duplicates.WARN
    )
    assert (_figures(warned), warned.warnings) == ((2, 2, 0, 0), {"duplicate_elsewhere": 1})


def test_columns_are_remembered_by_their_header(store: Store, tmp_path: Path) -> None:
    for name, prefix in (("a.csv", 137), ("b.csv", 136), ("c.csv", 135)):
        (tmp_path / name).write_text(f"report\nx,y,z\n{prefix}00137000,{prefix}00137001,Li\n", "utf-8")
    one = run_import(store, tmp_path / "a.csv", campaign_name="One", mapping={"phone": "y", "name": "z"})
    run_import(store, tmp_path / "b.csv", campaign_name="Two", mapping={"phone": "x", "name": "z"})
    for campaign_id, expected in ((one.campaign_id, "y"), (None, "x")):
        seen = inspect_list(tmp_path / "c.csv", "c.csv", "CN", remembered_by(store, campaign_id))
        assert (seen["remembered"], seen["mapping"]) == (True, {"phone": expected, "name": "z"})
    assert run_import(store, tmp_path / "c.csv", campaign_name="One").columns["phone"] == "y"


@pytest.mark.parametrize(("language", "text"), [("zh", "号码太短。"), ("ru", "Номер слишком короткий.")])
def test_rejects_in_the_readers_language_come_back_corrected(
    store: Store, tmp_path: Path, language: str, text: str
) -> None:
    path, back = tmp_path / "a.csv", tmp_path / "rejects.xlsx"
    path.write_text("name,phone\nLi,138\nHan,13700137000\n", "utf-8")
    report = run_import(store, path, campaign_name="M")
    write_rejects(store, report.import_id, back, language=language)
    book = openpyxl.load_workbook(back)
    sheet = book.worksheets[0]
    assert sheet["C2"].value == text
    sheet["B2"] = "13800138000"
    book.save(back)
    again = run_import(store, back, campaign_name="M")
    assert _figures(again) == (1, 1, 0, 0)
    with store.read() as session:
        fields = session.scalars(select(Lead.fields).where(Lead.number == "+8613800138000")).one()
    assert fields == {}, "the columns of the box are passed over"


def _cells(path: Path) -> list[list[Any]]:
    rows = [list(row) for row in openpyxl.load_workbook(path).worksheets[0].iter_rows(values_only=True)]
    return [row[:8] for row in rows[1:]]


def test_lists_of_our_own_rows(store: Store, tmp_path: Path) -> None:
    path, out = tmp_path / "a.csv", tmp_path / "out.xlsx"
    path.write_text(
        "name,phone,phone2,amount,id\nLi,13800138000,13900139000,12.5,C1\nHan,13700137000,,,\nMei,13600136000,,,\n",
        "utf-8",
    )
    report = run_import(store, path, campaign_name="M")
    campaign_id = report.campaign_id or ""
    with store.write() as session:
        leads = {lead.name: lead for lead in session.scalars(select(Lead))}

        def attempt(name: str, hours: float, outcome: str, **more: Any) -> Attempt:
            at = NOW + timedelta(hours=hours)
            return Attempt(id=f"{name}{hours}", campaign_id=campaign_id, lead_id=leads[name].id,
                           number=leads[name].number, trunk_id="t", created_at=at, ended_at=at, outcome=outcome,
                           **more)  # fmt: skip

        session.add_all([
            attempt("Li", 0, "busy"), attempt("Li", 1, "no_answer"), attempt("Han", 1, "human", abandoned=True),
            attempt("Mei", 48, "no_answer"),
        ])  # fmt: skip
        session.add_all(
            InboundCall(id=caller, trunk_id="t", caller=caller, state="ended", at=NOW, outcome=outcome,
                        lead_id=leads["Mei"].id if caller == "+8613600136000" else None)
            for caller, outcome in (
                ("+8613511110000", "missed"), ("+8613600136000", "abandoned_in_queue"), ("+8613511110001", "connected"),
            )
        )  # fmt: skip
        leads["Mei"].callback_at = NOW
        leads["Mei"].state = "waiting"

    def made(**wanted: Any) -> list[list[Any]]:
        with store.read() as session:
            rows = make_list(session, MakeList(actor_id="u", **wanted), out, ZoneInfo("Asia/Shanghai"))
        cells = _cells(out)
        assert len(cells) == rows
        return cells

    li = ["+8613800138000", "+8613900139000", None, None, "Li", "12.50", "CNY", "C1"]
    assert made(source="history", outcomes=["no_answer"], to_day="2026-03-05") == [li]
    assert made(source="history", outcomes=["busy"]) == []  # his last call ended otherwise
    assert sorted(row[4] for row in made(source="history", campaign_id=campaign_id)) == ["Han", "Li", "Mei"]
    assert made(source="history", campaign_id="other") == []
    assert [row[4] for row in made(source="callbacks", to_day="2026-03-05")] == ["Mei"]
    missed = {row[0]: row[4] for row in made(source="missed")}
    assert missed == {"+8613511110000": None, "+8613600136000": "Mei", "+8613700137000": "Han"}
    again = run_import(store, out, campaign_name="Called us")
    assert _figures(again) == (3, 3, 0, 0)
    history = {"source": "history"}
    for wrong in ({"source": "moon"}, {**history, "outcomes": ["x"]}, {**history, "from_day": "5.3."}):
        with pytest.raises(CallerError):
            made(**wrong)


def test_the_health_of_a_list(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("phone,phone2\n13800138000,13900139000\n13700137000,\n13600136000,\n13500135000,\n", "utf-8")
    report = run_import(store, path, campaign_name="M")
    with store.write() as session:
        lead = session.scalars(select(Lead).where(Lead.number == "+8613700137000")).one()
        session.add(Attempt(id="a1", campaign_id=lead.campaign_id, lead_id=lead.id, number=lead.number, trunk_id="t",
                            created_at=NOW, originated_at=NOW, outcome="vacant"))  # fmt: skip
        row = numbers.get(session, lead.number)
        row.verdicts = [{"day": "2026-03-05", "outcome": "vacant", "kind": "announcement", "attempt_id": "a1"}]
        numbers.decide(session, "+8613600136000", NumberState.RETIRED, "fax", NOW)
        numbers.decide(session, "+8613500135000", NumberState.PARKED, "out_of_service", NOW)
    for scope in ({}, {"campaign_id": report.campaign_id}, {"import_id": report.import_id}):
        found = list_health.health(store, **scope)
        assert (found.numbers, found.good, found.suspected, found.parked, found.retired, found.unknown) == (
            5, 1, 1, 1, 1, 2,
        )  # fmt: skip
        assert found.reasons == {("retired", "fax"): 1, ("parked", "out_of_service"): 1}
    assert list_health.health(store, campaign_id="other").numbers == 0
    rows = {row.number: row for row in list_health.bad_numbers(store, campaign_id=report.campaign_id)}
    assert set(rows) == {"+8613700137000", "+8613600136000", "+8613500135000"}
    assert rows["+8613700137000"].evidence[0].attempt_id == "a1"
    assert [row.number for row in list_health.bad_numbers(store, state="retired")] == ["+8613600136000"]
