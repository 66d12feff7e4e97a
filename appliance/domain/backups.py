"""Which backups stay, what may stand in one, and when the last one is too old. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

_WORD = r"[A-Za-z0-9_\-\u0080-\U0010ffff][A-Za-z0-9._ \-\u0080-\U0010ffff]{0,120}"
_MEMBER = re.compile(rf"{_WORD}(/{_WORD}){{0,3}}")

LATE = {"day": timedelta(hours=50), "week": timedelta(days=15)}
"""A scheduled backup is late when the last good one is older: twice its time and some hours."""
TEST_EVERY = timedelta(days=7)
TEST_LATE = timedelta(days=15)


def safe_member(name: str, roots: Iterable[str]) -> bool:
    """Whether a member's name stays inside the home and belongs to what a backup holds.

    `roots` are the names (or first folders with a slash) that are known: anything else is refused, also `..`, an
    absolute path, a hidden file, a backslash or a control character.
    """
    if not _MEMBER.fullmatch(name):
        return False
    return any(name == root or (root.endswith("/") and name.startswith(root)) for root in roots)


def kept(made: Iterable[datetime], zone: ZoneInfo, *, days: int, weeks: int, months: int) -> set[datetime]:
    """Return the instants whose backups stay: the newest of each of the last so many days, weeks and months.

    Counted are days (weeks, months) that have a backup, so that a box that was off does not lose its last ones.
    """
    newest_first = sorted(set(made), reverse=True)

    def newest_of_each(part: Callable[[date], tuple[int, ...]], count: int) -> set[datetime]:
        found: dict[tuple[int, ...], datetime] = {}
        for at in newest_first:
            found.setdefault(part(at.astimezone(zone).date()), at)
        return set(sorted(found.values(), reverse=True)[:count])

    return (
        newest_of_each(lambda day: (day.toordinal(),), days)
        | newest_of_each(lambda day: tuple(day.isocalendar())[:2], weeks)
        | newest_of_each(lambda day: (day.year, day.month), months)
    )


def is_late(every: str, last_good: datetime | None, since: datetime, now: datetime) -> bool:
    """Whether a scheduled backup should have been made by now; `since`: when backups were set up."""
    return every in LATE and now - max(last_good or since, since) > LATE[every]


def test_is_late(last_test: datetime | None, first_backup: datetime, now: datetime) -> bool:
    """Whether no backup was really restored for a test for too long."""
    return now - (last_test or first_backup) > TEST_LATE
