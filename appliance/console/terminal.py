"""A terminal as the technician has it: 80x24, plain ASCII, slow, noisy. Line editing without readline.

Whatever comes in never breaks it: BREAK (reads as NUL), ANSI sequences, bytes of a wrong bit rate, half-typed lines.
The end of the line (EOF, EIO, SIGHUP) is `Hangup`. Bytes out are counted: at 9600 baud each costs a millisecond.
"""

from __future__ import annotations

import contextlib
import os
import select
import termios
import time
from collections.abc import Iterable
from types import TracebackType
from typing import Any

COLUMNS, LINES = 80, 24
_LONGEST_LINE = 200
_ESCAPE_S = 0.1
_STUCK_S = 60.0  # a terminal that takes no byte for so long is gone
_CTRL_C, _CTRL_D, _BACKSPACE, _KILL, _ESCAPE, _DELETE = 3, 4, 8, 21, 27, 127
_PLAIN = str.maketrans({"“": '"', "”": '"', "‘": "'", "’": "'", "–": "-", "—": "-", "…": "...", "·": "-", "→": "->"})


class Hangup(Exception):
    """The line is gone."""


class Interrupted(Exception):
    """Ctrl-C: leave what is going on, back to the menu."""


class IdleTooLong(Exception):
    """Nobody typed anything."""


def plain(text: object) -> str:
    """As ASCII; what has no such form is a question mark, control characters are blanks."""
    written = str(text).translate(_PLAIN).encode("ascii", "replace").decode("ascii")
    return "".join(c if c.isprintable() or c == "\n" else " " for c in written)


class Terminal:
    """Reads and writes two file descriptors; sets a tty to raw and back."""

    def __init__(self, reads: int = 0, writes: int = 1) -> None:
        self._in, self._out = reads, writes
        self._before: list[Any] | None = None
        self._skip_newline = False
        self._pending = b""
        self.bytes_out = 0
        self.interactive = os.isatty(reads)

    def __enter__(self) -> Terminal:
        if self.interactive:
            self._before = termios.tcgetattr(self._in)
            raw = termios.tcgetattr(self._in)
            raw[0] = 0  # no BRKINT: BREAK reads as NUL; no ICRNL, no IXON: we see what is typed
            raw[1] &= ~termios.OPOST
            raw[3] = 0  # no echo, no signals, no line mode
            raw[6][termios.VMIN], raw[6][termios.VTIME] = 1, 0
            termios.tcsetattr(self._in, termios.TCSANOW, raw)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._before is not None:
            with contextlib.suppress(termios.error, OSError):  # the line may be gone
                termios.tcsetattr(self._in, termios.TCSANOW, self._before)

    # ---- out -------------------------------------------------------------------------------------------------

    def write(self, text: str) -> None:
        """Send text as it is; a new line becomes CR LF on a terminal. Raises Hangup."""
        data = plain(text).replace("\n", "\r\n" if self.interactive else "\n").encode("ascii")
        self.bytes_out += len(data)
        deadline = time.monotonic() + _STUCK_S
        while data:
            try:
                data = data[os.write(self._out, data) :]
            except BlockingIOError:
                if not select.select([], [self._out], [], 1.0)[1] and time.monotonic() > deadline:
                    raise Hangup from None
            except OSError as error:
                raise Hangup from error

    def say(self, *lines: object) -> None:
        """Send lines, none wider than the screen."""
        self.write("".join(f"{fit(line)}\n" for line in lines))

    def page(self, lines: Iterable[str]) -> None:
        """Send many lines, a screen at a time; `q` ends."""
        for number, line in enumerate(lines, start=1):
            self.say(line)
            if self.interactive and number % (LINES - 2) == 0:
                answer = self.key("-- more: Enter, q --")
                self.write("\r" + " " * 20 + "\r")
                if answer in ("q", "Q"):
                    return

    # ---- in --------------------------------------------------------------------------------------------------

    def _byte(self, timeout_s: float | None) -> int | None:
        """One byte; None when none came in time. Raises Hangup."""
        if not self._pending:
            try:
                if not select.select([self._in], [], [], timeout_s)[0]:
                    return None
                self._pending = os.read(self._in, 256)
            except OSError as error:
                raise Hangup from error
            if not self._pending:
                raise Hangup
        byte, self._pending = self._pending[0], self._pending[1:]
        return byte

    def _escape(self) -> None:
        """Swallow what follows ESC: CSI to its final byte, SS3 and others one byte; alone it is nothing."""
        byte = self._byte(_ESCAPE_S)
        while byte is not None:
            if byte == _ESCAPE:  # broken off by the next one
                byte = self._byte(_ESCAPE_S)
                continue
            if byte == ord("["):
                byte = self._byte(_ESCAPE_S)
                while byte is not None and 0x20 <= byte <= 0x3F:
                    byte = self._byte(_ESCAPE_S)
            elif byte == ord("O"):
                byte = self._byte(_ESCAPE_S)
            if byte != _ESCAPE:
                return

    def _typed(self, timeout_s: float | None) -> str | None:
        """The next thing typed: a printable character, "\\n", "\\b", "\\x15"; None: nothing in time."""
        byte = self._byte(timeout_s)
        if byte is None:
            return None
        newline_before, self._skip_newline = self._skip_newline, byte == 13
        if byte == _ESCAPE:
            self._escape()
        elif byte == _CTRL_C:
            raise Interrupted
        elif byte == 13 or (byte == 10 and not newline_before):
            return "\n"
        elif byte in (_BACKSPACE, _DELETE):
            return "\b"
        elif byte in (_KILL, _CTRL_D):
            return "\x15"
        elif 32 <= byte < _DELETE:
            return chr(byte)
        return ""

    def read_line(self, prompt: str = "", *, secret: bool = False, idle_s: float | None = None) -> str:
        """A line as edited by hand. Raises Hangup, Interrupted, IdleTooLong."""
        self.write(prompt)
        line = ""
        while True:
            typed = self._typed(idle_s)
            if typed is None:
                raise IdleTooLong
            if typed == "\n":
                if self.interactive:
                    self.write("\n")
                return line.strip()
            if typed == "\b":
                if line:
                    line = line[:-1]
                    self._echo("\b \b")
            elif typed == "\x15":
                self._echo("\b \b" * len(line))
                line = ""
            elif typed and len(line) < _LONGEST_LINE:
                line += typed
                self._echo("*" if secret else typed)

    def _echo(self, text: str) -> None:
        if self.interactive:
            data = text.encode("ascii")  # "\b" must stay itself, so not by `write`
            self.bytes_out += len(data)
            try:
                os.write(self._out, data)
            except BlockingIOError:
                return  # a full line loses echo, never what was typed
            except OSError as error:
                raise Hangup from error

    def key(self, prompt: str = "", timeout_s: float | None = None) -> str | None:
        """One key; None when none was pressed in time. Raises Hangup, Interrupted."""
        self.write(prompt)
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        while True:
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            typed = self._typed(left)
            if typed != "":
                return typed
            if left == 0.0:
                return None

    def choice(self, prompt: str, timeout_s: float | None = None) -> str | None:
        """One key after a prompt, on a line of its own."""
        typed = self.key(prompt, timeout_s)
        self.write("\n")
        return typed

    def yes(self, question: str) -> bool:
        """Whether the answer is a clear yes."""
        return self.read_line(f"{question} (yes/no): ").lower() == "yes"


def fit(line: object) -> str:
    """One line, cut to the screen's width."""
    text = plain(line).replace("\n", " ")
    return text if len(text) < COLUMNS else text[: COLUMNS - 2] + ">"


def wrap(text: str, indent: str = "  ") -> list[str]:
    """Words of a text in lines of the screen's width."""
    lines, line = [], indent
    for word in plain(text).split():
        if len(line) + len(word) + 1 >= COLUMNS and line.strip():
            lines.append(line.rstrip())
            line = indent
        line += word + " "
    return [*lines, line.rstrip()] if line.strip() else lines
