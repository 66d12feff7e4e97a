"""Tables that name sound files: what is read, and what is said of those that cannot be."""

from pathlib import Path

import pytest

from audio import clip_table
from audio.clip_table import TableError

pytestmark = pytest.mark.unit


def test_short_and_long_rows_are_rows(tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    table.write_text("\ufefffile,label,extra\na.wav,busy\nb.wav,ringing,x,y,z\n", "utf-8")
    assert clip_table.read(table, ("file", "label")) == [
        {"file": "a.wav", "label": "busy", "extra": ""}, {"file": "b.wav", "label": "ringing", "extra": "x"},
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"file,stage\n", "no column label"),
        (b"", "no column file, label"),
        (b"file,label\n\xff\xfe,x\n", "codec can't decode"),
        (b'file,label\n"' + b"a" * 200_000 + b'",x\n', "field larger than field limit"),
    ],
)
def test_what_cannot_be_used_is_named(tmp_path: Path, data: bytes, told: str) -> None:
    table = tmp_path / "t.csv"
    table.write_bytes(data)
    with pytest.raises(TableError, match=told) as caught:
        clip_table.read(table, ("file", "label"))
    assert str(table) in str(caught.value)


def test_a_table_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="No such file"):
        clip_table.read(tmp_path / "t.csv", ())
