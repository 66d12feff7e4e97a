"""Line editing on a pipe: whatever bytes come, a line is plain text, and only the end of the line ends it."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.console.terminal import COLUMNS, Hangup, IdleTooLong, Interrupted, Terminal, fit, plain, wrap

pytestmark = pytest.mark.unit


class Wire:
    """A terminal whose input is written by the test."""

    def __init__(self) -> None:
        reads, self.types = os.pipe()
        self.sees, writes = os.pipe()
        self.ends = [reads, writes, self.types, self.sees]
        self.terminal = Terminal(reads, writes)

    def line(self, data: bytes) -> str:
        os.write(self.types, data)
        return self.terminal.read_line("", idle_s=5.0)

    def close(self) -> None:
        for end in self.ends:
            os.close(end)


@pytest.fixture
def wire() -> Iterator[Wire]:
    made = Wire()
    yield made
    made.close()


@pytest.mark.parametrize(
    ("typed", "line"),
    [
        (b"lines\r", "lines"),
        (b"lines\r\n", "lines"),
        (b"linex\x7fs\r", "lines"),
        (b"\x08\x08lines\n", "lines"),
        (b"rubbish\x15lines\r", "lines"),
        (b"li\x00\x00nes\r", "lines"),  # BREAK reads as NUL
        (b"li\xff\xfe\x80\x9bnes\r", "lines"),  # a wrong bit rate
        (b"\x1b[A\x1b[1;5Cli\x1bOPnes\x1b[200~\r", "lines"),
        (b"\x1b\x1b\x1bines\r", "nes"),
        (b"  lines  \r", "lines"),
        (b"x" * 5000 + b"\r", "x" * 200),
    ],
)
def test_what_is_typed_is_what_is_meant(wire: Wire, typed: bytes, line: str) -> None:
    assert wire.line(typed) == line


def test_cr_lf_is_one_enter_even_in_two_parts(wire: Wire) -> None:
    assert wire.line(b"one\r") == "one"
    assert wire.line(b"\ntwo\r") == "two"


def test_ctrl_c_leaves_silence_times_out_and_the_end_is_a_hangup(wire: Wire) -> None:
    os.write(wire.types, b"half\x03")
    with pytest.raises(Interrupted):
        wire.terminal.read_line()
    with pytest.raises(IdleTooLong):
        wire.terminal.read_line(idle_s=0.01)
    assert wire.terminal.key("", 0.01) is None
    os.close(wire.types)
    wire.types = os.dup(wire.sees)
    wire.ends[2] = wire.types
    with pytest.raises(Hangup):
        wire.terminal.read_line()


@given(st.binary(max_size=300))
def test_no_bytes_break_it(noise: bytes) -> None:
    wire = Wire()
    try:
        os.write(wire.types, noise + b"\x1b\x1b[0m\x15\x15ok\r")
        last = ""
        while last != "ok":
            try:
                last = wire.terminal.read_line("", idle_s=5.0)
            except Interrupted:
                continue
            assert last.isascii()
            assert last.isprintable()
            assert len(last) <= 200
    finally:
        wire.close()


@given(st.text(max_size=300))
def test_what_goes_out_is_ascii_and_fits(text: str) -> None:
    assert plain(text).isascii()
    assert len(fit(text)) < COLUMNS
    assert all(len(line) < COLUMNS or " " not in line.strip() for line in wrap(text))


def test_words_of_the_tables_stay_readable() -> None:
    assert plain("Service “web” isn’t up…") == 'Service "web" isn\'t up...'
    assert plain("шлюз\x1b[31m") == "???? [31m"
