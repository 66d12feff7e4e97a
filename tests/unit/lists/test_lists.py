"""Columns, rows and duplicates of number lists."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.domain.amounts import Amount
from appliance.domain.list_columns import Column, Columns, columns_from_mapping, guess_columns, number_type
from appliance.domain.list_words import DETAIL_HEADERS, REASON_HEADERS
from appliance.domain.lists import Candidate, Duplicates, Merged, Refused, RowProblem, read_row, sort_out
from appliance.domain.numbers import Cell, NumberProblem
from appliance.domain.reject_words import REASON_TEXTS
from appliance.types import E164

pytestmark = pytest.mark.unit

ROW: list[Cell] = ["张三", "13800138000", 100]


@pytest.mark.parametrize(
    ("rows", "region", "expected"),
    [
        ([["姓名", "电话", "欠款"], ROW], "CN", {"name": 0, "phone": 1, "amount": 2}),
        ([["name", "phone", "amount"], ROW], "CN", {"name": 0, "phone": 1, "amount": 2}),
        ([["Имя", "Телефон", "Долг"], ["Иван", "89161234567", 1]], "RU", {"name": 0, "phone": 1, "amount": 2}),
        ([["PHONE NUMBER", "Full_Name"], ["13800138000", "a"]], "CN", {"phone": 0, "name": 1}),
        (
            [["催收名单 2024"], ["序号", "客户姓名", "手机号码(必填)", "欠款金额（元）", "合同号"], [1, *ROW, "X1"]],
            "CN", {"name": 1, "phone": 2, "amount": 3, "external_id": 4},
        ),
        (
            [["№", "ФИО должника", "Моб. телефон", "Сумма долга, руб", "Договор"], [1, "Иван", "89161234567", 1, "A"]],
            "RU", {"name": 1, "phone": 2, "amount": 3, "external_id": 4},
        ),
        (
            [["客户编号", "联系人", "联系人电话", "备用电话", "余额"], ["1", "a", "13800138000", "", "5"]],
            "CN", {"external_id": 0, "name": 1, "phone": 2, "amount": 4},  # nothing stands under the spare one
        ),
        ([["张三", "13800138000", "1.50"], ["李四", "13900138000", 2]], "CN", {"name": 0, "phone": 1, "amount": 2}),
        ([["13800138000"], ["13900138000"], ["x"]], "CN", {"phone": 0}),
        ([["Nummer?", "wer"], ["13800138000", "a"], ["13900139000", "b"]], "CN", {"phone": 0, "name": 1}),
        ([["number", "contacts"], [1, "13800138000"], [2, "13900138000"]], "CN", {"phone": 1}),
        ([["phone"]], "CN", {"phone": 0}),
    ],
)  # fmt: skip
def test_columns_are_guessed(rows: Sequence[Sequence[Cell]], region: str, expected: dict[str, int]) -> None:
    columns = guess_columns(rows, region)
    assert columns is not None
    assert {role.value: index for role, index in columns.indices.items()} == expected


def test_a_header_row_is_told_from_data() -> None:
    with_title = guess_columns([["report"], ["姓名", "电话"], ROW], "CN")
    without = guess_columns([ROW, ["李四", "13900138000", 5]], "CN")
    assert with_title is not None
    assert with_title.header_row == 1
    assert without is not None
    assert without.header_row is None


def test_no_phone_column() -> None:
    assert guess_columns([["a", "b"], ["c", "d"]], "CN") is None
    assert guess_columns([], "CN") is None


def test_columns_as_named_by_the_user() -> None:
    rows: list[list[Cell]] = [["title"], ["foo", "bar"], ["x", "13800138000"]]
    assert columns_from_mapping(rows, {"phone": "Bar", "name": "foo"}, "CN") == Columns(
        {Column.PHONE: 1, Column.NAME: 0}, ("foo", "bar"), 1
    )
    assert columns_from_mapping(rows, {"phone": "B"}, "CN").indices == {Column.PHONE: 1}
    with pytest.raises(ValueError, match="no column 'Z'"):
        columns_from_mapping(rows, {"phone": "Z"}, "CN")
    with pytest.raises(ValueError, match="colour is not one of"):
        columns_from_mapping(rows, {"colour": "A"}, "CN")


COLUMNS = Columns(
    {Column.NAME: 0, Column.PHONE: 1, Column.AMOUNT: 2},
    ("姓名", "电话", "欠款", "城市", REASON_HEADERS["zh"], DETAIL_HEADERS["en"]),
    0,
)


def test_a_row_becomes_a_candidate() -> None:
    row = read_row(5, ["张三\t", "010-62345678转8", "1,234.5", "北京", "old reason", "x"], COLUMNS, "CN")
    assert isinstance(row, Candidate)
    assert (row.name, row.number.e164, row.amount) == ("张三", "+861062345678", Amount(123450, "CNY"))
    assert row.fields == {"城市": "北京", "_extension": "8", "_kind": "landline"}


def test_an_unreadable_amount_is_kept_for_the_agent() -> None:
    row = read_row(5, ["张三", "13800138000", "see contract"], COLUMNS, "CN")
    assert isinstance(row, Candidate)
    assert row.amount is None
    assert row.amount_unreadable
    assert row.fields == {"欠款": "see contract"}


def test_hidden_and_short_rows_are_refused() -> None:
    hidden = read_row(5, ROW, COLUMNS, "CN", hidden=True)
    short = read_row(6, ["张三"], COLUMNS, "CN")
    assert isinstance(hidden, Refused)
    assert isinstance(short, Refused)
    assert (hidden.reason, short.reason) == (RowProblem.HIDDEN_ROW, NumberProblem.EMPTY)


SPELLINGS = ["13800138000", "+86 138 0013 8000", "13900139000", "13700137000", "15000000001"]


def _outcomes(duplicates: Duplicates, rows: list[Candidate], *, elsewhere: set[E164] | None = None) -> list[str]:
    found = sort_out(
        rows, set(), {E164("+8613900139000")}, {E164("+8613700137000")}, elsewhere=elsewhere or set(),
        duplicates=duplicates,
    )  # fmt: skip
    return [
        one.reason.value if isinstance(one, Refused)
        else f"merged {one.number}" if isinstance(one, Merged)
        else f"taken {one.warning or ''}".strip()
        for one in found
    ]  # fmt: skip


def _candidates(rows: Sequence[Sequence[Cell]], columns: Columns) -> list[Candidate]:
    read = [read_row(n, cells, columns, "CN") for n, cells in enumerate(rows, 1)]
    return [row for row in read if isinstance(row, Candidate)]


def test_duplicates_and_do_not_call() -> None:
    rows = _candidates([["x", cell, 1] for cell in SPELLINGS], COLUMNS)
    seen: set[E164] = set()
    verdicts = sort_out(rows, seen, {E164("+8613900139000")}, {E164("+8613700137000")})
    assert [v.reason if isinstance(v, Refused) else None for v in verdicts] == [
        None, RowProblem.DUPLICATE_IN_LIST, RowProblem.DUPLICATE_IN_CAMPAIGN, RowProblem.DO_NOT_CALL, None,
    ]  # fmt: skip
    assert len(seen) == 4
    assert [v.duplicate for v in verdicts if isinstance(v, Refused)] == [True, True, False]


TWO = Columns({Column.NAME: 0, Column.PHONE: 1, Column.PHONE_2: 2}, ("name", "phone", "home phone"), 0)


def test_several_numbers_of_a_person() -> None:
    row = read_row(5, ["Li", "13800138000 / 13900138000", "010-62345678"], TWO, "CN")
    assert isinstance(row, Candidate)
    assert [(one.e164, one.type, one.line_type, one.region) for one in row.numbers] == [
        ("+8613800138000", "mobile", "mobile", "CN"), ("+8613900138000", "mobile", "mobile", "CN"),
        ("+861062345678", "home", "fixed", "CN"),
    ]  # fmt: skip
    spare = read_row(6, ["Li", "unknown", "010-62345678"], TWO, "CN")
    assert isinstance(spare, Candidate)
    assert (spare.number.e164, spare.fields["phone"]) == ("+861062345678", "unknown")
    none = read_row(7, ["Li", "", "nothing"], TWO, "CN")
    assert isinstance(none, Refused)
    assert none.reason is NumberProblem.EMPTY


@pytest.mark.parametrize(("duplicates", "expected"), [
    (Duplicates.SKIP, ["taken", "duplicate_in_list", "duplicate_in_campaign", "duplicate_elsewhere", "do_not_call"]),
    (Duplicates.WARN, [
        "taken", "taken duplicate_in_list", "duplicate_in_campaign", "taken duplicate_elsewhere", "do_not_call",
    ]),
    (Duplicates.MERGE, ["taken", "merged +8613800138000", "merged +8613900139000", "taken", "do_not_call"]),
])  # fmt: skip
def test_duplicates_by_any_number_of_the_person(duplicates: Duplicates, expected: list[str]) -> None:
    rows = _candidates([
        ["a", "13800138000", ""], ["b", "13600136000", "138 0013 8000"], ["c", "13900139000", "010-62345678"],
        ["d", "15000000001", "15000000002"], ["e", "15000000003", "13700137000"],
    ], TWO)  # fmt: skip
    assert _outcomes(duplicates, rows, elsewhere={E164("+8615000000002")}) == expected


@pytest.mark.parametrize(("header", "type_"), [
    ("手机2", "mobile"), ("家庭电话", "home"), ("单位电话", "work"), ("Домашний телефон", "home"),
    ("Work phone", "work"), ("备用电话", "other"), ("phone", "unknown"),
])  # fmt: skip
def test_what_a_header_says_of_its_numbers(header: str, type_: str) -> None:
    assert number_type(header) == type_


def test_further_phone_columns_but_no_fax_and_nobody_else() -> None:
    numbers: list[Cell] = ["13800138000", "13800138001", "010-62345678", "13800138003", "010-62345679", "张三"]
    columns = guess_columns([["手机", "电话2", "家庭电话", "紧急联系人电话", "传真", "姓名"], numbers], "CN")
    assert columns is not None
    assert columns.indices == {Column.PHONE: 0, Column.PHONE_2: 1, Column.PHONE_3: 2, Column.NAME: 5}
    russian = guess_columns([["ФИО", "Телефон", "Домашний", "Доп. телефон", "Телефон поручителя"],
                             ["Иван", "89161234567", "84951234567", "89161234568", "89161234569"]], "RU")  # fmt: skip
    assert russian is not None
    assert russian.indices == {Column.NAME: 0, Column.PHONE: 1, Column.PHONE_2: 2, Column.PHONE_3: 3}


@pytest.mark.parametrize("language", ["en", "zh", "ru"])
def test_each_reason_has_a_text(language: str) -> None:
    assert set(REASON_TEXTS[language]) == {str(reason) for reason in (*NumberProblem, *RowProblem)}


CELLS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20))


@settings(deadline=None)  # the machine may be busy
@given(rows=st.lists(st.lists(CELLS, max_size=6), max_size=8))
def test_guessing_and_reading_never_raise(rows: list[list[Cell]]) -> None:
    columns = guess_columns(rows, "CN") or COLUMNS
    for number, row in enumerate(rows, 1):
        assert isinstance(read_row(number, row, columns, "CN"), (Candidate, Refused))
