"""Spellings of telephone numbers as they come in customers' spreadsheets."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.domain import numbers
from appliance.domain.numbers import (
    Cell,
    NotANumber,
    Number,
    NumberKind,
    NumberProblem,
    looks_like_number,
    parse_number,
    zones,
)
from appliance.types import E164

pytestmark = pytest.mark.unit

MOBILE = "+8613800138000"


@pytest.mark.parametrize(
    "cell",
    [
        "13800138000",
        "138 0013 8000",
        "138-0013-8000",
        "1-380-013-8000",
        "(138) 0013 8000",
        "138.0013.8000",
        "+86 138 0013 8000",
        "+86-13800138000",
        "0086 13800138000",
        "00 86 138 0013 8000",
        "8613800138000",
        "１３８００１３８０００",
        "＋８６　１３８００１３８０００",
        "\u00a0138\u00a00013\u00a08000",
        "\u200b13800138000\u202c",
        "\ufeff13800138000",
        "'13800138000",
        '="13800138000"',
        "13800138000.0",
        "13800138000,0",
        13800138000,
        13800138000.0,
        "tel:+8613800138000",
        "手机：13800138000",
        "13800138000（父亲）",
        "张三 13800138000",
        "13800138000 home",
        "#13800138000",
        "无，13800138000",
        "1.3800138000E+10",
    ],
)
def test_one_number_in_many_spellings(cell: Cell) -> None:
    read = parse_number(cell, "CN")
    assert isinstance(read, Number), read
    assert (read.e164, read.kind, read.region, read.foreign) == (MOBILE, NumberKind.MOBILE, "CN", False)


@pytest.mark.parametrize(
    ("cell", "region", "e164", "kind", "foreign"),
    [
        ("010-62345678", "CN", "+861062345678", NumberKind.LANDLINE, False),
        ("(0755) 8234 5678", "CN", "+8675582345678", NumberKind.LANDLINE, False),
        ("400-812-3456", "CN", "+864008123456", NumberKind.OTHER, False),
        ("8 (916) 123-45-67", "RU", "+79161234567", NumberKind.MOBILE, False),
        ("9161234567", "RU", "+79161234567", NumberKind.MOBILE, False),
        ("+7 495 123 45 67", "RU", "+74951234567", NumberKind.LANDLINE, False),
        ("+7 916 123-45-67", "CN", "+79161234567", NumberKind.MOBILE, True),
        ("8~10 86 138 0013 8000", "RU", MOBILE, NumberKind.MOBILE, True),
        ("0079161234567", "CN", "+79161234567", NumberKind.MOBILE, True),
        ("(212) 555-2368", "US", "+12125552368", NumberKind.MOBILE_OR_LANDLINE, False),
        ("+998 90 123 45 67", "RU", "+998901234567", NumberKind.MOBILE, True),
    ],
)
def test_kinds_and_regions(cell: str, region: str, e164: str, kind: NumberKind, foreign: bool) -> None:
    read = parse_number(cell, region)
    assert isinstance(read, Number), read
    assert (read.e164, read.kind, read.foreign) == (e164, kind, foreign)


@pytest.mark.parametrize(
    ("cell", "region", "extension"),
    [
        ("010-62345678转801", "CN", "801"),
        ("010-62345678 ext. 801", "CN", "801"),
        ("010-88886666-801", "CN", "801"),
        ("010-62345678 分机 12", "CN", "12"),
        ("8(495)123-45-67 доб. 12", "RU", "12"),
        ("+7 495 123-45-67#305", "RU", "305"),
    ],
)
def test_extensions(cell: str, region: str, extension: str) -> None:
    read = parse_number(cell, region)
    assert isinstance(read, Number), read
    assert read.extension == extension


@pytest.mark.parametrize(
    "cell",
    [
        "13800138000/13900139000",
        "13800138000；13900139000",
        "13800138000、13900139000",
        "13800138000 13900139000",
        "13800138000\n13900139000",
        "13800138000 или 13900139000",
        "13800138000,13800138000,13900139000",
    ],
)
def test_several_numbers_in_a_cell(cell: str) -> None:
    read = parse_number(cell, "CN")
    assert isinstance(read, Number)
    assert (read.e164, read.others) == (MOBILE, ("+8613900139000",))


@pytest.mark.parametrize(
    ("cell", "problem"),
    [
        ("", NumberProblem.EMPTY),
        (None, NumberProblem.EMPTY),
        (" \u00a0\u200b ", NumberProblem.EMPTY),
        ("无", NumberProblem.NO_DIGITS),
        ("нет телефона", NumberProblem.NO_DIGITS),
        (True, NumberProblem.NO_DIGITS),
        ("=A1&B1", NumberProblem.FORMULA),
        ("#N/A", NumberProblem.CELL_ERROR),
        ("#REF!", NumberProblem.CELL_ERROR),
        ("1.38E+10", NumberProblem.ROUNDED),
        ("1,38E+10", NumberProblem.ROUNDED),
        ("１.３８Ｅ＋１０", NumberProblem.ROUNDED),
        (1.38e10, NumberProblem.ROUNDED),
        ("110", NumberProblem.SHORT_CODE),
        ("95588", NumberProblem.SHORT_CODE),
        ("1380013800", NumberProblem.INVALID),
        ("138001380001", NumberProblem.INVALID),
        ("12345678901", NumberProblem.INVALID),
        ("62345678", NumberProblem.INVALID),
        ("13800138000138001380001", NumberProblem.TOO_LONG),
        ("+86 1", NumberProblem.INVALID),
        (-13800138000, NumberProblem.INVALID),
        (13800138000.5, NumberProblem.INVALID),
        (float("nan"), NumberProblem.INVALID),
        (float("inf"), NumberProblem.INVALID),
        ("2024-01-02", NumberProblem.INVALID),
    ],
)
def test_refused_with_the_reason(cell: Cell, problem: NumberProblem) -> None:
    read = parse_number(cell, "CN")
    assert isinstance(read, NotANumber), read
    assert read.problem is problem


def test_premium_numbers_are_refused() -> None:
    read = parse_number("+1 900 555 1234", "US")
    assert isinstance(read, NotANumber)
    assert read.problem is NumberProblem.PREMIUM


def test_rounded_numbers_still_show_where_the_phone_column_is() -> None:
    assert looks_like_number("1.38E+10", "CN")
    assert not looks_like_number("张三", "CN")


def test_zones() -> None:
    assert zones(E164(MOBILE)) == ("Asia/Shanghai",)
    assert zones(E164("+74951234567")) == ("Europe/Moscow",)
    assert zones(E164("+0")) == ()


CELLS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=80),
    st.text(alphabet="0123456789+-() .,;/#xEe转доб\u00a0", max_size=40),
)  # fmt: skip


@settings(deadline=None)  # the machine may be busy
@given(cell=CELLS, region=st.sampled_from(["CN", "RU", "US", "ZZ"]))
def test_never_raises_and_is_stable(cell: Cell, region: str) -> None:
    read = parse_number(cell, region)
    if isinstance(read, Number):
        assert read.e164.startswith("+")
        assert read.e164[1:].isdigit()
        again = parse_number(read.e164, region)
        assert isinstance(again, Number)
        assert again.e164 == read.e164


@settings(deadline=None)  # the machine may be busy
@given(digits=st.integers(min_value=0, max_value=99_999_999), blanks=st.lists(st.integers(1, 10), max_size=4))
def test_blanks_and_dashes_do_not_change_a_number(digits: int, blanks: list[int]) -> None:
    plain = f"138{digits:08d}"
    spelt = plain
    for place in blanks:
        spelt = spelt[:place] + " " + spelt[place:]
    first, second = parse_number(plain, "CN"), parse_number(spelt, "CN")
    assert isinstance(first, Number)
    assert isinstance(second, Number)
    assert first.e164 == second.e164


@settings(deadline=None)
@given(
    region=st.sampled_from(["CN", "RU", "US", "GB", "IN", "KZ", "DE", "MX"]),
    start=st.sampled_from(["", "+", "+86", "+7", "+1", "+91", "0", "00", "8", "86", "7", "1", "138", "010", "8916"]),
    digits=st.text(alphabet="0123456789", min_size=3, max_size=13),
)
def test_bare_digits_are_read_as_libphonenumber_reads_them(region: str, start: str, digits: str) -> None:
    quick = numbers._digits_only(start + digits, region)
    if quick is not None:
        assert quick == numbers._parse_one(start + digits, region)


@pytest.mark.parametrize(("text", "region"), [
    ("13800138000", "CN"), ("+8613800138000", "CN"), ("01062345678", "CN"), ("89161234567", "RU"),
    ("+79161234567", "RU"), ("9161234567", "RU"), ("9876543210", "IN"),
])  # fmt: skip
def test_what_most_lists_hold_is_read_the_quick_way(text: str, region: str) -> None:
    assert numbers._digits_only(text, region) == numbers._parse_one(text, region)
