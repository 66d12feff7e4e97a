"""Which hours people answer: attempts counted by local hour, kind of day and line type, for domain.best_hour."""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, String, case, cast, func, select
from sqlalchemy.orm import Session

from appliance.domain.best_hour import Cell, HourTable
from appliance.domain.calling_hours import zone
from appliance.domain.retry import NOBODY_THERE
from appliance.store.models import Attempt, PhoneNumber
from appliance.types import HYGIENE_OUTCOMES, LineType, Outcome

_SLOT_S = 3600


def table(session: Session, since: datetime, now: datetime, box_zone: ZoneInfo) -> HourTable:
    """Count the attempts since an instant that could have reached a person: (answered by one, all) by cell.

    The database counts by hour of UTC; zones that lie half an hour off are counted by the hour in which most falls.
    """
    counted = [Outcome.HUMAN, Outcome.REJECTED, *(NOBODY_THERE - HYGIENE_OUTCOMES)]
    slot: ColumnElement[Any] = (
        func.unixepoch(Attempt.created_at) / _SLOT_S
        if session.get_bind().dialect.name == "sqlite"
        else func.floor(func.extract("epoch", Attempt.created_at) / _SLOT_S)
    )
    zones_text = cast(PhoneNumber.time_zones, String)  # PostgreSQL does not group by JSON
    human = func.sum(case((Attempt.outcome == Outcome.HUMAN, 1), else_=0))
    rows = session.execute(
        select(slot, zones_text, PhoneNumber.line_type, func.count(), human)
        .outerjoin(PhoneNumber, PhoneNumber.number == Attempt.number)
        .where(Attempt.created_at > since, Attempt.created_at <= now, Attempt.outcome.in_(counted))
        .group_by(slot, zones_text, PhoneNumber.line_type)
    ).all()
    counts: dict[Cell, list[int]] = defaultdict(lambda: [0, 0])
    for at, zones, line_type, attempts, answered in rows:
        names = json.loads(zones or "[]")
        where = zone(names[0]) if names else box_zone
        middle = datetime.fromtimestamp(int(at) * _SLOT_S + _SLOT_S / 2, tz=UTC)
        local = middle.astimezone(where)
        cell = counts[Cell(local.hour, local.weekday() >= 5, LineType(line_type or LineType.UNKNOWN))]
        cell[0] += int(answered)
        cell[1] += attempts
    return HourTable({cell: (n[0], n[1]) for cell, n in counts.items()})
