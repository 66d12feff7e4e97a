"""A program, not a test module: coverage-guided fuzzing of everything that reads what a card says.

`python -m tests.soak.atheris_lines CORPUS -runs=N -timeout=SECONDS` (libFuzzer's options). It ends with an error status
when a parser raises what it must not, hangs, or calls a line up without the words that prove it.
"""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports():
    from drivers import profiles
    from drivers.console.capture import CaptureError, profile_from
    from drivers.console.parse import parse
    from drivers.console.text import clean
    from drivers.fxo.ports import fxo_lines
    from drivers.lines import ReaderError

CISCO, AUDIOCODES = profiles.find("cisco_e1"), profiles.find("audiocodes_fxo")
FXO = AUDIOCODES.snmp.fxo if AUDIOCODES.snmp is not None else {}
UNSOLICITED = CISCO.console.unsolicited if CISCO.console is not None else ""


def read_answer(text: str) -> None:
    """The reader's way, with the proof of each "up"."""
    main, _, second = text.partition("\x00")
    try:
        answer = clean(main, "show controllers e1", UNSOLICITED)
        lines = parse(CISCO, [answer, second], card="c", taken_at_unix_s=0.0)
    except ReaderError:
        return
    for line in lines:
        if line.up and not (
            "is up" in answer and "No alarms detected" in answer and not line.alarms and not line.error
        ):
            raise AssertionError(f"up without proof: {line}")


def read_ports(text: str) -> None:
    """A table of FXO ports, four rows: each value a number or what an agent may send instead."""
    words = iter(text.split("\x00"))
    tables = {name: {(row,): _value(next(words, "")) for row in range(4)} for name in FXO}
    for line in fxo_lines("c", FXO, tables, 0.0):
        if line.up and (line.error or tables["connected"].get((int(line.line_id[-1]),)) != FXO["connected"].yes[0]):
            raise AssertionError(f"up without proof: {line}")


def _value(word: str) -> int | bytes:
    try:
        return int(word[:9])
    except ValueError:
        return word.encode()


def learn(text: str) -> None:
    """A captured session."""
    try:
        profile_from(text, make="M", model="m", profile_id="made")
    except CaptureError:
        return


def one_input(data: bytes) -> None:
    """The first byte chooses the parser."""
    (read_answer, read_ports, learn)[data[0] % 3 if data else 0](data[1:].decode("latin-1"))


if __name__ == "__main__":
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
