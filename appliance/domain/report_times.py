"""When a saved report is due: every day, week or month at a time of the box's clock."""

from __future__ import annotations

import calendar
import re
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

EVERY = ("day", "week", "month")
TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d")


def next_time(every: str, at_time: str, on_day: int, zone: ZoneInfo, after: datetime) -> datetime | None:
    """Return the first instant after `after`; None: not by itself.

    `on_day` is the day of the week (1 Monday) or of the month; a month that is shorter takes its last day. A time that
    the clock skips in spring is an hour later, one that it shows twice in autumn is its first.
    """
    if every not in EVERY:
        return None
    hour, minute = map(int, at_time.split(":"))
    day = after.astimezone(zone).date()
    while True:
        if _is_due(every, on_day, day):
            at = datetime.combine(day, time(hour, minute), zone).astimezone(UTC)
            if at > after:
                return at
        day += timedelta(days=1)


def _is_due(every: str, on_day: int, day: date) -> bool:
    if every == "week":
        return day.isoweekday() == on_day
    if every == "month":
        return day.day == min(on_day, calendar.monthrange(day.year, day.month)[1])
    return True
