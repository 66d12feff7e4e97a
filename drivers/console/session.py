"""One dialogue with one card: in, ask, read, out; always back at the prompt or known to be lost.

Everything is time-boxed. A prompt counts only at the end of what has come, after a short silence, and with the name of
the card that logged us in. What goes wrong has an ``error_id``: ``line.no_answer`` (silence), ``line.login_refused``,
``line.other_card``, ``line.card_restarted``, ``line.refused`` (command not understood), ``line.noise``,
``line.port_gone`` (unplugged); after each of these the next question logs in anew.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from pexpect import EOF, TIMEOUT
from pexpect.fdpexpect import fdspawn

from drivers.base import Driver, StateError, needs_open
from drivers.console.text import MAX_CHARS, clean
from drivers.lines import ReaderError
from drivers.profiles import ConsoleWords, Profile
from drivers.protocols import Transport
from drivers.resources import Console, SerialPort
from drivers.transports.serial_port import SerialTransport
from drivers.transports.tcp import TcpTransport
from drivers.transports.transcript import Transcript

T = TypeVar("T")
_WINDOW = 4096  # more than pexpect reads at once, so that nothing slips past unseen
_SLICE_S = 0.5
_LOGIN_STEPS = 12
_PASSWORDS = 3  # more tries could lock the account
_PAGES = 200


@dataclass(frozen=True, slots=True)
class Timing:
    """How long things may take, seconds."""

    login_s: float = 20.0
    command_s: float = 10.0
    wake_s: float = 5.0
    """A card that says nothing for this long is woken again. Not hasty: a second return may be taken for a name."""
    settle_s: float = 0.03
    """A prompt followed by silence of this length is the end of the answer."""


class Session(Driver):
    """A logged-in console. Others hand their work to :meth:`submit`, which serves one at a time, in order."""

    def __init__(self, console: Console, profile: Profile, timing: Timing | None = None) -> None:
        super().__init__(console.port.name)
        if profile.console is None:
            raise ReaderError("line.no_console", f"Profile {profile.id} has no words for a console.")
        self.words: ConsoleWords = profile.console
        self._console = console
        self._timing = timing or Timing()
        self._transport: Transport = (
            SerialTransport(console.port, console.lock_dir)
            if isinstance(console.port, SerialPort)
            else TcpTransport(console.port, console.lock_dir)
        )
        self._spawn: fdspawn | None = None
        self._logged_in = False
        self._host = console.host_name
        self._matched = ""
        self._transcript = Transcript(console.transcript, (console.password, console.enable_password))
        self._queue = ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"console-{self.name}")
        end = r"(?:\A|[\r\n])" + "{}" + r"\Z"
        self._prompt = re.compile(end.format(f"(?:{self.words.prompt})"))
        self._login = [re.compile(end.format(f"(?:{step.expect})")) for step in self.words.login]
        self._pager = re.compile(f"(?:{self.words.pager})\\Z") if self.words.pager else None
        self._failed = re.compile(self.words.login_failed, re.MULTILINE) if self.words.login_failed else None
        self._refused = re.compile(self.words.refused, re.MULTILINE) if self.words.refused else None

    def on_open(self) -> None:
        """Take the port; logging in waits for the first question."""
        self._connect()

    def on_close(self) -> None:
        """Give the port back."""
        self._queue.shutdown(wait=True, cancel_futures=True)
        self._disconnect()

    def submit(self, work: Callable[[Session], T]) -> T:
        """Do `work` with the session to itself, after those who asked earlier."""
        try:
            turn = self._queue.submit(work, self)
        except RuntimeError as closed:
            raise StateError("driver.not_open", f"{self.name}: the console was closed for good.") from closed
        return turn.result()

    @needs_open
    def run(self, command: str) -> str:
        """Ask and return the clean answer. Raises :class:`ReaderError`."""
        self._ready()
        answer = clean(self._guarded(lambda: self._ask(command)), command, self.words.unsolicited)
        if self._refused is not None and (found := self._refused.search(answer)):
            line = answer[found.start() :].split("\n")[0][:100]
            raise ReaderError("line.refused", f"{self.name}: {command!r} was not understood: {line!r}. Another model?")
        return answer

    @needs_open
    def configure(self, commands: Iterable[str]) -> None:
        """Say `commands` in configuration mode, and leave it whatever happens. Raises :class:`ReaderError`."""
        try:
            for command in (*self.words.enter_config, *commands):
                self.run(command)
        finally:
            if self._logged_in:
                self._leave_config()

    def _connect(self) -> None:
        self._transport.open()
        self._spawn = fdspawn(
            self._transport.fileno(), encoding="latin-1", timeout=_SLICE_S, searchwindowsize=_WINDOW, use_poll=True
        )
        self._spawn.delaybeforesend = None
        self._logged_in = False

    def _disconnect(self) -> None:
        self._spawn = None
        self._logged_in = False
        self._transport.close()

    def _ready(self) -> None:
        if self._spawn is None:
            self._connect()
        if not self._logged_in:
            self._guarded(self._log_in)

    def _guarded(self, dialogue: Callable[[], T]) -> T:
        """Run a dialogue; on any failure the session counts as lost, and an unplugged port is given back."""
        try:
            return dialogue()
        except ReaderError:
            self._logged_in = False
            raise
        except (OSError, EOF) as error:
            self._disconnect()
            raise ReaderError(
                "line.port_gone", f"{self.name}: the port has gone ({error.__class__.__name__}). Check the cable."
            ) from error

    def _log_in(self) -> None:
        """From anywhere to the prompt: wake, answer what is asked, leave what is open, turn the pager off."""
        deadline = time.monotonic() + self._timing.login_s
        self._drain()
        self._send("")
        secret = self._console.password
        passwords = 0
        for _ in range(_LOGIN_STEPS):
            which, _text = self._wait([self._prompt, *self._login, self._pager, self._failed], deadline, wake=True)
            if which == "failed":
                raise ReaderError("line.login_refused", f"{self.name}: the card refused user or password. Check them.")
            if which == "pager":
                self._send("q", end="")
            elif which == "prompt":
                if self._at_user_prompt():
                    secret = self._console.enable_password
                    self._send(self.words.enable)
                elif self._at_config_prompt():
                    self._send(self.words.leave_config)
                else:
                    break
            else:
                passwords += "{password}" in self.words.login[int(which)].send
                self._answer_login(int(which), secret, passwords)
        else:
            raise ReaderError(
                "line.login_refused", f"{self.name}: the card asks to log in again and again: wrong password?"
            )
        self._logged_in = True
        for command in self.words.setup:
            self._ask(command)

    def _answer_login(self, number: int, secret: str, passwords: int) -> None:
        send = self.words.login[number].send
        if "{password}" in send and not secret:
            raise ReaderError("line.login_refused", f"{self.name}: the card asks for a password that is not set.")
        if passwords > _PASSWORDS:
            raise ReaderError("line.login_refused", f"{self.name}: the card asks for the password again: is it right?")
        self._send(send.replace("{password}", secret).replace("{user}", self._console.user))

    def _at_user_prompt(self) -> bool:
        return bool(
            self.words.user_prompt
            and self._console.enable_password
            and re.search(f"(?:{self.words.user_prompt})\\Z", self._matched)
        )

    def _at_config_prompt(self) -> bool:
        return bool(self.words.config_prompt and re.search(self.words.config_prompt, self._matched))

    def _leave_config(self) -> None:
        self._guarded(lambda: self._ask(self.words.leave_config))
        if self._at_config_prompt():
            self._logged_in = False
            raise ReaderError("line.config_open", f"{self.name}: the card stays in configuration mode. Look at it.")

    def _ask(self, command: str) -> str:
        """Send a command and collect its answer up to the prompt, turning pages."""
        deadline = time.monotonic() + self._timing.command_s
        self._drain()
        self._send(command)
        answer: list[str] = []
        for _ in range(_PAGES):
            which, text = self._wait([self._prompt, *self._login, self._pager, None], deadline)
            answer.append(text)
            if which == "prompt":
                if "".join(answer).strip():
                    return "".join(answer)
                continue  # no echo yet: that prompt was still the last one's
            if which != "pager":
                raise ReaderError(
                    "line.card_restarted",
                    f"{self.name}: the card restarted in the middle of an answer.",
                )
            self._send(self.words.pager_answer, end="")
        raise ReaderError("line.noise", f"{self.name}: the answer to {command!r} has no end.")

    def _wait(self, patterns: list[re.Pattern[str] | None], deadline: float, *, wake: bool = False) -> tuple[str, str]:
        """Wait for prompt, login step (its number), pager or refusal; returns which, and the text before it."""
        spawn = self._spawn
        if spawn is None:
            raise ReaderError("line.port_gone", f"{self.name}: the port is closed.")
        names = ["prompt", *(str(number) for number in range(len(self._login))), "pager", "failed"]
        wanted = [(name, pattern) for name, pattern in zip(names, patterns, strict=True) if pattern is not None]
        compiled = [pattern for _, pattern in wanted]
        kept = ""
        silent_since = time.monotonic()
        heard = 0
        while True:
            index = spawn.expect_list([*compiled, TIMEOUT], timeout=min(_SLICE_S, max(deadline - time.monotonic(), 0)))
            if index < len(compiled):
                name = wanted[index][0]
                text, matched, groups = str(spawn.before), str(spawn.after), spawn.match.groupdict()
                if name == "failed" or not self._more():
                    self._transcript.received(text + matched)
                    self._matched = matched
                    if name == "prompt":
                        self._check_host(groups.get("host") or "")
                    return name, kept + text + (matched[0] if matched[:1] in "\r\n" else "")
                kept += text + matched  # it went on: that was no prompt
                continue
            now = time.monotonic()
            so_far = str(spawn.before)
            if len(so_far) + len(kept) > MAX_CHARS:
                raise ReaderError("line.noise", f"{self.name}: the card sends without end. Check speed and port.")
            if now >= deadline:
                self._transcript.received(so_far)
                raise ReaderError(
                    "line.no_answer",
                    f"{self.name}: no prompt from the card in time. Check cable, speed and that the card is on.",
                )
            if len(so_far) != heard:
                heard, silent_since = len(so_far), now
            elif wake and now - silent_since > self._timing.wake_s:
                self._send("")
                silent_since = now

    def _more(self) -> bool:
        """Whether more comes within the settling time (it stays in the buffer)."""
        anything = re.compile(r"(?=.)", re.DOTALL)
        return self._spawn is not None and self._spawn.expect_list([anything, TIMEOUT], self._timing.settle_s) == 0

    def _drain(self) -> None:
        """Throw away what came unasked."""
        spawn = self._spawn
        if spawn is not None:
            end = time.monotonic() + _SLICE_S
            while spawn.expect_list([re.compile(r".+", re.DOTALL), TIMEOUT], timeout=0) == 0 and time.monotonic() < end:
                self._transcript.received(str(spawn.after))

    def _check_host(self, host: str) -> None:
        if not self._host:
            self._host = host
        elif host != self._host:
            raise ReaderError(
                "line.other_card",
                f"{self.name}: {host!r} answers where {self._host!r} should. Were cables swapped? Nothing was changed.",
            )

    def _send(self, text: str, end: str = "\r") -> None:
        if self._spawn is not None:
            self._transcript.sent(text + end)
            self._spawn.send((text + end).encode("latin-1", "replace").decode("latin-1"))
