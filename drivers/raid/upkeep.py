"""What disks need from time to time: a short self-test each week, a long one and a check of the mirror each month.

Pure. At night, one heavy thing at a time, never while an array is rebuilt or degraded, never on two disks at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class Chore(StrEnum):
    """In the order in which they are due when several are."""

    SHORT_TEST = "short"
    LONG_TEST = "long"
    CHECK = "check"


EVERY = {
    Chore.SHORT_TEST: timedelta(days=7), Chore.LONG_TEST: timedelta(days=30), Chore.CHECK: timedelta(days=30),
}  # fmt: skip
NIGHT_HOURS = 4
"""How long the quiet time lasts from its first hour."""


@dataclass(frozen=True, slots=True)
class Due:
    """`target`: a disk's serial number, or an array's name for a check."""

    chore: Chore
    target: str


def key(chore: Chore, target: str) -> str:
    """Under which the last time is remembered."""
    return f"{chore}:{target}"


def next_chore(
    disks: Sequence[str],
    arrays: Sequence[str],
    last: Mapping[str, datetime],
    now: datetime,
    *,
    quiet_hour: int,
    busy: bool,
    arrays_whole: bool,
) -> Due | None:
    """What to start now, or None. `now` in the box's own zone, aware; `busy`: a test, a check or a rebuild runs.

    What was never done is due at once, but still at night; the longest overdue comes first.
    """
    if busy or not arrays_whole or (now.hour - quiet_hour) % 24 >= NIGHT_HOURS:
        return None
    wanted = [Due(chore, disk) for chore in (Chore.SHORT_TEST, Chore.LONG_TEST) for disk in disks]
    wanted += [Due(Chore.CHECK, array) for array in arrays]
    overdue = []
    for order, due in enumerate(wanted):
        done = last.get(key(due.chore, due.target))
        # a clock that was set back must not put a test off for years
        late = timedelta.max if done is None or done > now else now - done - EVERY[due.chore]
        if late >= timedelta(0):
            overdue.append((late, -order, due))
    return max(overdue)[2] if overdue else None
