"""From raw terminal bytes to lines that can be read: no ANSI, no erased characters, no echo, no log lines."""

from __future__ import annotations

import re

from drivers.lines import ReaderError

_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[@-Z\\-_]|\][^\x07\x1b]*(?:\x07|\x1b\\))")
_PRINTABLE = re.compile(r"[^\t\n\x20-\x7e]")
MAX_CHARS = 256 * 1024
"""More than any card says in one answer."""


def unerased(line: str) -> str:
    """A line as it stands on the screen in the end: backspaces and returns to its beginning carried out."""
    if "\r" not in line and "\x08" not in line:
        return line
    shown: list[str] = []
    at = 0
    for char in line:
        if char == "\r":
            at = 0
        elif char == "\x08":
            at = max(at - 1, 0)
        else:
            if at < len(shown):
                shown[at] = char
            else:
                shown.append(char)
            at += 1
    return "".join(shown)


def clean(raw: str, command: str, unsolicited: str) -> str:
    """The answer to `command`.

    Raises :class:`ReaderError` (``line.noise``) when bytes are left that no terminal text holds: then the cable, the
    speed or a second program spoils the line, and nothing that was read can be believed.
    """
    if len(raw) > MAX_CHARS:
        raise ReaderError("line.noise", "The card sends without end. Check the speed and that it is the right port.")
    text = _ANSI.sub("", raw).replace("\r\n", "\n").replace("\x00", "").replace("\x07", "")
    lines = [unerased(line).rstrip() for line in text.split("\n")]
    drop = re.compile(unsolicited) if unsolicited else None
    kept = [line for line in lines if drop is None or not drop.search(line)]
    if kept and command and kept[0].endswith(command):
        del kept[0]
    answer = "\n".join(kept).strip("\n")
    if bad := _PRINTABLE.search(answer):
        raise ReaderError(
            "line.noise",
            f"The answer to {command!r} holds the byte {ord(bad.group()):#04x}. Check cable and speed of the port, and "
            "that no other program uses it.",
        )
    return answer
