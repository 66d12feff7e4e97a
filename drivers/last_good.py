"""What becomes of readings: good ones are kept; for bad, frozen and missing ones the last good one, marked stale."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from drivers.lines import LineStatus, stale

STUCK_S = 60.0


@dataclass
class _Kept:
    """What is remembered of a line."""

    good: LineStatus
    moved_at_s: float
    """When its interval was last seen to grow (monotonic)."""


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
        if kept is None or _moved(line, kept) or now_s - kept.moved_at_s <= STUCK_S:
            return ""
        return f"{line.line_id}: the card's counters have stood still for a minute; it repeats old values. Restart it."


def _moved(line: LineStatus, kept: _Kept | None) -> bool:
    if kept is None or line.counters is None or kept.good.counters is None:
        return True
    return line.counters.age_s != kept.good.counters.age_s
