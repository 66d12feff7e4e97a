"""Hours and days of a zone in SQL: the database stores UTC, a report is read by the clock on the wall."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Float, Integer, case, cast, func, literal
from sqlalchemy.orm import Session

HOUR_S, DAY_S = 3600, 86400


def is_sqlite(db: Session) -> bool:
    return db.get_bind().dialect.name == "sqlite"


def epoch_s(db: Session, at: Any) -> ColumnElement[Any]:
    """Whole seconds since 1970 of an instant."""
    return func.unixepoch(at, type_=Integer) if is_sqlite(db) else cast(func.floor(func.extract("epoch", at)), Integer)


def seconds_between(db: Session, start: Any, end: Any) -> ColumnElement[Any]:
    """Seconds from one instant to another, exact to a millisecond; null when one is missing."""
    if is_sqlite(db):
        return (func.julianday(end) - func.julianday(start)) * float(DAY_S)
    return cast(func.extract("epoch", end - start), Float)


def offset_s(zone: ZoneInfo, at: datetime) -> int:
    """Seconds that the zone's clock is ahead of UTC."""
    ahead = at.astimezone(zone).utcoffset()
    return int(ahead.total_seconds()) if ahead is not None else 0


def changes(zone: ZoneInfo, since: datetime, until: datetime) -> list[tuple[datetime, int]]:
    """(first instant, offset in seconds) of each span of constant offset within [since, until]; never empty."""
    found, at = [(since, offset_s(zone, since))], since
    while at < until:
        after = at + timedelta(days=1)
        if offset_s(zone, after) != found[-1][1]:
            before = at
            while after - before > timedelta(seconds=1):  # zones change at whole seconds
                middle = before + (after - before) / 2
                if offset_s(zone, middle) == found[-1][1]:
                    before = middle
                else:
                    after = middle
            found.append((after.replace(microsecond=0), offset_s(zone, after)))
        at = max(after, at + timedelta(hours=1))
    return found


class LocalClock:
    """SQL for the local hour and day of instants between two others, and the same in Python."""

    def __init__(self, zone: ZoneInfo, since: datetime, until: datetime) -> None:
        self.zone = zone
        self._changes = changes(zone, since, until)

    def local_s(self, db: Session, at: Any) -> ColumnElement[Any]:
        """Seconds since 1970 as the clock on the wall shows it."""
        first = self._changes[0][1]
        if len(self._changes) == 1:
            return epoch_s(db, at) + first
        later = [(at >= start, literal(offset, Integer)) for start, offset in reversed(self._changes[1:])]
        return epoch_s(db, at) + case(*later, else_=first)

    def hour(self, db: Session, at: Any) -> ColumnElement[Any]:
        """Hour of the day, 0 to 23."""
        return (self.local_s(db, at) % DAY_S) // HOUR_S

    def day(self, db: Session, at: Any) -> ColumnElement[Any]:
        """Days since 1970-01-01."""
        return self.local_s(db, at) // DAY_S

    def hours(self, db: Session, at: Any) -> ColumnElement[Any]:
        """Hours since 1970-01-01."""
        return self.local_s(db, at) // HOUR_S

    def wall_s(self, at: datetime) -> float:
        """The same for one instant."""
        return at.timestamp() + offset_s(self.zone, at)


def day_name(number: int) -> str:
    """YYYY-MM-DD of a day counted from 1970-01-01."""
    return f"{datetime.fromtimestamp(number * DAY_S, UTC):%Y-%m-%d}"
