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
    from drivers.fxo.page import fxo_from_page
    from drivers.lines import ReaderError

CISCO, FXO = profiles.find("cisco_e1"), profiles.find("audiocodes_fxo")
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


def read_page(text: str) -> None:
    """A status page."""
    try:
        fxo_from_page(FXO, text)
    except ReaderError:
        return


def learn(text: str) -> None:
    """A captured session."""
    try:
        profile_from(text, make="M", model="m", profile_id="made")
    except CaptureError:
        return


def one_input(data: bytes) -> None:
    """The first byte chooses the parser."""
    (read_answer, read_page, learn)[data[0] % 3 if data else 0](data[1:].decode("latin-1"))


if __name__ == "__main__":
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
