"""Amounts of money as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.domain.amounts import Amount, parse_amount
from appliance.domain.numbers import Cell

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("cell", "region", "minor", "currency"),
    [
        (1234.5, "CN", 123450, "CNY"),
        (500, "JP", 500, "JPY"),
        (0.1 + 0.2, "CN", 30, "CNY"),
        ("1,234.56", "CN", 123456, "CNY"),
        ("¥1,234.56", "CN", 123456, "CNY"),
        ("1234元", "CN", 123400, "CNY"),
        ("人民币 500 元", "CN", 50000, "CNY"),
        ("1.5万", "CN", 1500000, "CNY"),
        ("1.5万元", "CN", 1500000, "CNY"),
        ("１２３４．５", "CN", 123450, "CNY"),
        ("1 234,56 ₽", "RU", 123456, "RUB"),
        ("1\u00a0234,5 руб.", "RU", 123450, "RUB"),
        ("1.234,56", "RU", 123456, "RUB"),
        ("5 тыс. руб.", "RU", 500000, "RUB"),
        ("1000 р", "RU", 100000, "RUB"),
        ("1,234", "CN", 123400, "CNY"),
        ("1,234", "RU", 123, "RUB"),
        ("1.234", "RU", 123400, "RUB"),
        ("1.234", "CN", 123, "CNY"),
        ("12,34,567.89", "IN", 123456789, "INR"),
        ("12'345.60", "CH", 1234560, "CHF"),
        ("$1,000", "US", 100000, "USD"),
        ("$5", "CN", 500, "USD"),
        ("5,00 €", "RU", 500, "EUR"),
        ("(500)", "CN", -50000, "CNY"),
        ("-500", "CN", -50000, "CNY"),
        ("500-", "CN", -50000, "CNY"),
    ],
)
def test_spellings(cell: Cell, region: str, minor: int, currency: str) -> None:
    assert parse_amount(cell, region) == Amount(minor, currency)


@pytest.mark.parametrize("cell", ["", None, "-", "—", "n/a", "无", "нет", True])
def test_no_amount(cell: Cell) -> None:
    assert parse_amount(cell, "CN") is None


@pytest.mark.parametrize("cell", ["abc", "1.2.3", "12.34.56", "1e5", "=A1", "见附件", "9" * 20, float("nan")])
def test_unreadable_is_not_guessed(cell: Cell) -> None:
    assert isinstance(parse_amount(cell, "CN"), ValueError)


def test_the_lists_currency_holds_unless_the_cell_says_otherwise() -> None:
    assert parse_amount("10", "CN", "USD") == Amount(1000, "USD")
    assert parse_amount("10 €", "CN", "USD") == Amount(1000, "EUR")


@settings(deadline=None)  # the machine may be busy
@given(
    cell=st.one_of(
        st.integers(), st.floats(), st.text(max_size=30), st.text(alphabet="0123456789.,' -()万元₽$р", max_size=20)
    ),
    region=st.sampled_from(["CN", "RU", "DE", "IN", "ZZ"]),
)
def test_never_raises(cell: Cell, region: str) -> None:
    assert isinstance(parse_amount(cell, region), (Amount, ValueError, type(None)))


@settings(deadline=None)  # the machine may be busy
@given(minor=st.integers(min_value=-(10**12), max_value=10**12))
def test_what_is_written_plainly_comes_back(minor: int) -> None:
    sign, digits = ("-" if minor < 0 else ""), f"{abs(minor):03d}"
    assert parse_amount(f"{sign}{digits[:-2]}.{digits[-2:]}", "CN") == Amount(minor, "CNY")
    assert parse_amount(f"{sign}{digits[:-2]},{digits[-2:]}", "RU") == Amount(minor, "RUB")
