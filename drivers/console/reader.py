"""Reads a card's lines on its console; what was not understood keeps its last good value, marked stale."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from drivers.console.parse import parse
from drivers.console.session import Session
from drivers.lines import LineStatus, ReaderError, stale
from drivers.profiles import Profile

_STUCK_S = 60.0
_TRIES = 2
"""A reading spoilt by noise is taken once more before it is a fault."""
_WORTH_A_SECOND_TRY = frozenset({"line.noise", "line.not_understood", "line.card_restarted"})


@dataclass
class _Kept:
    """What is remembered of a line."""

    good: LineStatus
    moved_at_s: float
    """When its interval was last seen to grow (monotonic)."""


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
        self._monotonic = monotonic
        self._kept: dict[str, _Kept] = {}

    def lines(self) -> tuple[LineStatus, ...]:
        """All lines of the card. Raises :class:`ReaderError` when none could be read."""
        found = self._read()
        known = {line_id for line_id, kept in self._kept.items() if kept.good.up}
        rising = {line.line_id for line in found if line.up} - known
        if rising or not self._kept.keys() <= {line.line_id for line in found}:
            found = _agreed(found, self._read())  # good news, and missing ports, are believed when said twice
        return self._judged(found)

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

    def _judged(self, found: tuple[LineStatus, ...]) -> tuple[LineStatus, ...]:
        """Keep good readings, replace bad, frozen and missing ones by the last good one, marked stale."""
        now_s = self._monotonic()
        judged = []
        for line in found:
            kept = self._kept.get(line.line_id)
            error = line.error or self._stuck(line, kept, now_s)
            if not error:
                self._kept[line.line_id] = _Kept(line, now_s if _moved(line, kept) or kept is None else kept.moved_at_s)
                judged.append(line)
            elif line.up is False or kept is None:
                judged.append(line)
            else:
                judged.append(stale(kept.good, error))
        here = {line.line_id for line in found}
        judged += [
            stale(kept.good, f"{line_id}: the card no longer names this port. Was a module taken out?")
            for line_id, kept in self._kept.items()
            if line_id not in here
        ]
        return tuple(judged)

    def _stuck(self, line: LineStatus, kept: _Kept | None, now_s: float) -> str:
        if kept is None or _moved(line, kept) or now_s - kept.moved_at_s <= _STUCK_S:
            return ""
        return f"{line.line_id}: the card's counters have stood still for a minute; it repeats old values. Restart it."


def _agreed(first: tuple[LineStatus, ...], second: tuple[LineStatus, ...]) -> tuple[LineStatus, ...]:
    """The second reading; what is up in it must have been up in the first."""
    up = {line.line_id for line in first if line.up}
    return tuple(
        replace(
            line, up=None, error=f"{line.line_id}: two readings differ. Noise on the cable, or it has just come up."
        )
        if line.up and line.line_id not in up
        else line
        for line in second
    )


def _moved(line: LineStatus, kept: _Kept | None) -> bool:
    if kept is None or line.counters is None or kept.good.counters is None:
        return True
    return line.counters.age_s != kept.good.counters.age_s
