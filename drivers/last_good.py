"""What becomes of readings: good ones are kept; for bad, frozen and missing ones the last good one, marked stale."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from drivers.lines import LineStatus, stale

STUCK_S, LIVES_AGAIN = 60.0, 3
_STANDS_STILL = "the card's counters have stood still for a minute; it repeats old values. Restart it."


@dataclass
class _Kept:
    """What is remembered of a line."""

    good: LineStatus
    age_s: float | None
    """Of its interval, as last read."""
    moved_at_s: float
    """When that was last seen to change (monotonic)."""
    stuck: bool = False
    moves: int = 0
    """Changes one soon after another, since it stood still."""

    def look(self, line: LineStatus, now_s: float) -> bool:
        """Take one more reading; whether the card's counters stand still.

        A restart in the middle of a freeze changes them once and is no end of it: what stood still lives again when
        it was seen to move `LIVES_AGAIN` times.
        """
        age_s = _age_s(line)
        if age_s is None or self.age_s is None:
            self.age_s, self.stuck = age_s, False
        elif age_s != self.age_s:
            self.moves = self.moves + 1 if now_s - self.moved_at_s <= STUCK_S else 1
            self.stuck = self.stuck and self.moves < LIVES_AGAIN
            self.age_s, self.moved_at_s = age_s, now_s
        elif now_s - self.moved_at_s > STUCK_S:
            self.stuck = True
        return self.stuck


class LastGood:
    """The last good reading of each line of one card."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._kept: dict[str, _Kept] = {}

    @property
    def known(self) -> frozenset[str]:
        """Lines that were read well at least once."""
        return frozenset(self._kept)

    @property
    def up(self) -> frozenset[str]:
        """Those that were up then."""
        return frozenset(line_id for line_id, kept in self._kept.items() if kept.good.up)

    def judge(self, found: tuple[LineStatus, ...]) -> tuple[LineStatus, ...]:
        """The lines as they may be shown. A line that is down is shown so, whatever else was wrong with its reading."""
        now_s = self._monotonic()
        judged = []
        for line in found:
            kept = self._kept.get(line.line_id)
            error, error_id = line.error, line.error_id
            if not error and kept is None:
                self._kept[line.line_id] = _Kept(line, _age_s(line), now_s)
            elif not error and kept is not None and kept.look(line, now_s):
                error, error_id = f"{line.line_id}: {_STANDS_STILL}", "line.stands_still"
            elif not error and kept is not None:
                kept.good = line
            if not error or line.up is False or kept is None:
                judged.append(line)
            else:
                judged.append(stale(kept.good, error, error_id))
        here = {line.line_id for line in found}
        judged += [
            stale(
                kept.good,
                f"{line_id}: the card no longer names this port. Was a module taken out?",
                "line.port_missing",
            )
            for line_id, kept in self._kept.items()
            if line_id not in here
        ]
        return tuple(judged)


def _age_s(line: LineStatus) -> float | None:
    return None if line.counters is None else line.counters.age_s
