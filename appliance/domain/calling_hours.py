"""When a number may be called: weekly spans in the zone(s) where the number may be, safe over clock changes."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_SUNDAY = 6
_SEARCH_DAYS = 9  # a week and the change of the clock


@dataclass(frozen=True)
class Week:
    """Open spans per weekday (Monday first) in minutes from local midnight; 1440 is the day's end."""

    spans: tuple[tuple[tuple[int, int], ...], ...]


def _minutes(text: str) -> int:
    return int(text[:2]) * 60 + int(text[3:5])


def week_of(hours: Mapping[str, Sequence[str]]) -> Week:
    """Return the week for `{"mon": ["08:00-12:00", ...], ...}` (checked by CampaignConfig)."""
    return Week(
        tuple(
            tuple(sorted((_minutes(span[:5]), _minutes(span[6:])) for span in hours.get(day, ())))
            for day in WEEKDAYS
        )
    )


@lru_cache(maxsize=512)
def zone(name: str) -> ZoneInfo:
    """Return the zone; an unknown name is UTC."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


@lru_cache(maxsize=16_384)
def local_instant(day: date, minute: int, where: ZoneInfo) -> datetime:
    """Return the UTC instant of a local wall time; 1440 is the next midnight, a skipped time is moved past the gap."""
    wall = datetime.combine(day, time()) + timedelta(minutes=minute)
    return wall.replace(tzinfo=where).astimezone(UTC)


def _open_here(week: Week, where: ZoneInfo, now: datetime, days_off: Container[date]) -> datetime | None:
    """Return `now` when open, else the next opening in this zone; None when it never opens."""
    today = now.astimezone(where).date()
    for offset in range(_SEARCH_DAYS):
        day = today + timedelta(days=offset)
        for start, end in week.spans[_SUNDAY if day in days_off else day.weekday()]:
            opens, closes = local_instant(day, start, where), local_instant(day, end, where)
            if now < closes and opens < closes:
                return max(opens, now)
    return None


def next_open(
    week: Week, zones: Iterable[str], now: datetime, days_off: Container[date] = ()
) -> datetime | None:
    """Return the first instant from `now` on at which it is open in all `zones`; None when there is none in reach.

    A number that may be in several zones may be called only while all of them are open. `days_off` (local days) have
    the hours of a Sunday.
    """
    places = [zone(name) for name in zones]
    instant = now
    for _ in range(_SEARCH_DAYS * 8):
        latest = instant
        for place in places:
            opening = _open_here(week, place, instant, days_off)
            if opening is None:
                return None
            latest = max(latest, opening)
        if latest == instant:
            return instant
        instant = latest
    return None
