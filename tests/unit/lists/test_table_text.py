"""Encodings and delimiters of text tables."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.outside.table_text import guess_delimiter, guess_encoding, text_rows

pytestmark = pytest.mark.unit

CHINESE = "姓名,电话,欠款\n张三,13800138000,100\n李四,13900138000,200\n"
RUSSIAN = "Имя;Телефон;Долг\nИван Петров;89161234567;1234,50\nМария;89161234568;1\n"


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (CHINESE, "utf-8"), (CHINESE, "utf-8-sig"), (CHINESE, "gb18030"), (CHINESE, "utf-16"),
        (CHINESE, "utf-16-le"), (RUSSIAN, "cp1251"), (RUSSIAN, "utf-8"), (RUSSIAN, "utf-16-be"),
        ("ФИО;Тел\nЯна;89161234567\n", "cp1251"), ("客户,号码\n王,13800138000\n", "gb18030"),
        ("name,phone\nJoe,13800138000\n", "ascii"),
    ],
)  # fmt: skip
def test_text_comes_out_whole(tmp_path: Path, text: str, encoding: str) -> None:
    path = tmp_path / "list.csv"
    path.write_bytes(text.encode(encoding))
    delimiter = ";" if ";" in text else ","
    assert [row for _, row in text_rows(path)] == [line.split(delimiter) for line in text.splitlines()]


@pytest.mark.parametrize(
    ("sample", "delimiter"),
    [
        ("a,b,c\n1,2,3\n", ","), ("a;b;c\n1,5;2,5;3\n", ";"), ("a\tb\n1\t2\n", "\t"), ("a|b\n1|2\n", "|"),
        ('sep=;\n"a,b";c\n', ";"), ("13800138000\n13900139000\n", ","), ("", ","),
        ('name,phone\n"Smith, J; Jr",138\n', ","),
    ],
)  # fmt: skip
def test_delimiters(sample: str, delimiter: str) -> None:
    assert guess_delimiter(sample) == delimiter


def test_the_sep_line_is_no_row(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("sep=;\nname;phone\n", "utf-8")
    assert list(text_rows(path)) == [(2, ["name", "phone"])]


def test_a_broken_byte_does_not_spoil_the_list(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_bytes(CHINESE.encode() * 20 + b"\xff,13800138000\n")
    rows = [row for _, row in text_rows(path)]
    assert rows[1] == ["张三", "13800138000", "100"]
    assert rows[-1][1] == "13800138000"


@settings(deadline=None)  # the machine may be busy
@given(sample=st.binary(max_size=400))
def test_guessing_never_raises(sample: bytes) -> None:
    text = sample.decode(guess_encoding(sample), "replace")
    assert guess_delimiter(text) in {",", ";", "\t", "|"} or text.lower().startswith("sep=")
