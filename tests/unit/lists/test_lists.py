"""Columns, rows and duplicates of number lists."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.domain.amounts import Amount
from appliance.domain.lists import (
    DETAIL_HEADER,
    REASON_HEADER,
    REASON_TEXTS,
    Candidate,
    Column,
    Columns,
    Refused,
    RowProblem,
    columns_from_mapping,
    guess_columns,
    read_row,
    sort_out,
)
from appliance.domain.numbers import Cell, NumberProblem
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
            "CN", {"external_id": 0, "name": 1, "phone": 2, "amount": 4},
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
    ("姓名", "电话", "欠款", "城市", REASON_HEADER, DETAIL_HEADER),
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


def test_duplicates_and_do_not_call() -> None:
    spellings = ["13800138000", "+86 138 0013 8000", "13900139000", "13700137000", "15000000001"]
    rows = [read_row(n, ["x", cell, 1], COLUMNS, "CN") for n, cell in enumerate(spellings, 1)]
    candidates = [row for row in rows if isinstance(row, Candidate)]
    seen: set[E164] = set()
    verdicts = sort_out(candidates, seen, {E164("+8613900139000")}, {E164("+8613700137000")})
    assert [v.reason if isinstance(v, Refused) else None for v in verdicts] == [
        None, RowProblem.DUPLICATE_IN_LIST, RowProblem.DUPLICATE_IN_CAMPAIGN, RowProblem.DO_NOT_CALL, None,
    ]  # fmt: skip
    assert len(seen) == 4
    assert [v.duplicate for v in verdicts if isinstance(v, Refused)] == [True, True, False]


def test_each_reason_has_a_text() -> None:
    assert set(REASON_TEXTS) == {*NumberProblem, *RowProblem}


CELLS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20))


@settings(deadline=None)  # the machine may be busy
@given(rows=st.lists(st.lists(CELLS, max_size=6), max_size=8))
def test_guessing_and_reading_never_raise(rows: list[list[Cell]]) -> None:
    columns = guess_columns(rows, "CN") or COLUMNS
    for number, row in enumerate(rows, 1):
        assert isinstance(read_row(number, row, columns, "CN"), (Candidate, Refused))
