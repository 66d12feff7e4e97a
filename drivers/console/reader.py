"""Reads a card's lines on its console; what was not understood keeps its last good value, marked stale."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import replace

from drivers.console.parse import parse
from drivers.console.session import Session
from drivers.last_good import LastGood
from drivers.lines import LineStatus, ReaderError, doubted
from drivers.profiles import Profile

_TRIES = 2
"""A reading spoilt by noise is taken once more before it is a fault."""
_WORTH_A_SECOND_TRY = frozenset({"line.noise", "line.not_understood", "line.card_restarted"})


class ConsoleReader:
    """A :class:`drivers.lines.LineReader` over a session that others may share."""

    source = "console"

    def __init__(
        self,
        card: str,
        session: Session,
        profile: Profile,
        *,
        wall: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._card = card
        self._session = session
        self._profile = profile
        self._wall = wall
        self._last_good = LastGood(monotonic)

    def lines(self) -> tuple[LineStatus, ...]:
        """All lines of the card. Raises :class:`ReaderError` when none could be read."""
        found = self._read()
        rising = {line.line_id for line in found if line.up} - self._last_good.up
        if rising or not self._last_good.known <= {line.line_id for line in found}:
            found = _agreed(found, self._read())  # good news, and missing ports, are believed when said twice
        return self._last_good.judge(found)

    def _read(self) -> tuple[LineStatus, ...]:
        """One reading; one that was spoilt is taken once more."""
        found: tuple[LineStatus, ...] = ()
        for left in reversed(range(_TRIES)):
            try:
                answers = self._session.submit(self._answers)
                found = parse(self._profile, answers, card=self._card, taken_at_unix_s=self._wall())
            except ReaderError as error:
                if error.error_id not in _WORTH_A_SECOND_TRY or (not left and not found):
                    raise
            if found and not any(line.error for line in found):
                break
        return found

    def firmware(self) -> str:
        """The card's version, as it says it; empty when the profile does not know how to ask.

        Raises :class:`ReaderError`.
        """
        words = self._session.words
        if not words.firmware_command:
            return ""
        answer = self._session.submit(lambda session: session.open().run(words.firmware_command))
        found = re.search(words.firmware, answer, re.MULTILINE)
        if found is None:
            raise ReaderError("line.not_understood", f"{self._card}: {words.firmware_command!r} shows no version.")
        return str(found[1])

    def close(self) -> None:
        """Let go of the port. May be called twice."""
        self._session.close()

    def _answers(self, session: Session) -> list[str]:
        words = session.words.sections
        answers = [session.open().run(words[0].command)]
        for section in words[1:]:
            try:
                answers.append(session.run(section.command))
            except ReaderError as error:
                if error.error_id != "line.refused":
                    raise
                answers.append("")  # an older firmware without that command: the fields stay unknown
        return answers


def _agreed(first: tuple[LineStatus, ...], second: tuple[LineStatus, ...]) -> tuple[LineStatus, ...]:
    """The second reading; what is up in it must have been up in the first."""
    up = {line.line_id for line in first if line.up}
    return tuple(
        doubted(
            replace(line, up=None),
            f"{line.line_id}: two readings differ. Noise on the cable, or it just came up.",
            "line.noise",
        )
        if line.up and line.line_id not in up
        else line
        for line in second
    )
