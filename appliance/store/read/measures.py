"""What each figure counts, said once: board, pace, report, export and drill-down all ask here.

A measure is a condition on an attempt's row. A figure is the number of rows that fulfil it, and the rows behind the
figure are those rows: they agree because it is the same condition. What the words mean to a reader stands beside the
numbers (`appliance.texts.measures`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select, true
from sqlalchemy.orm import Session

from appliance.store.models import Attempt
from appliance.store.read.report_scope import Scope
from appliance.types import LIVE_OUTCOMES, NO_TALK, RIGHT_PARTY, Disposition, Outcome

_live = Attempt.outcome.in_(sorted(LIVE_OUTCOMES))
_closed = Attempt.ended_at.is_not(None)
_answered = Attempt.answered_at.is_not(None)
_bridged = Attempt.bridged_at.is_not(None)
_talked = and_(
    _bridged,
    Attempt.disposition != Disposition.MACHINE,
    or_(
        Attempt.outcome.is_(None), Attempt.outcome.in_(sorted({*LIVE_OUTCOMES, Outcome.LOST})),
        Attempt.disposition.not_in(sorted(NO_TALK)),
    ),
)  # fmt: skip

MEASURES: dict[str, ColumnElement[bool]] = {
    "attempts": true(),
    "open": ~_closed,
    "persons": or_(and_(_live, _answered), and_(~_closed, _bridged)),  # who talks now has no outcome yet
    "connected": _bridged,
    "conversations": _talked,
    "rpc": and_(_talked, Attempt.disposition.in_(sorted(RIGHT_PARTY))),
    "promises": Attempt.disposition == Disposition.PROMISE_TO_PAY,
    "answered": and_(_closed, _live, _answered),
    "abandoned": and_(_closed, Attempt.abandoned.is_(True)),  # who counts: domain.abandoned, when the attempt closes
    "taken_for_machine": and_(_closed, Attempt.outcome == Outcome.MACHINE, _answered, ~_bridged),
    "without_outcome": and_(_closed, Attempt.outcome.is_(None)),
}


def count_of(name: str) -> ColumnElement[int]:
    """SQL for how many rows fulfil a measure."""
    return func.count() if name == "attempts" else func.count().filter(MEASURES[name])


def counted(db: Session, scope: Scope, names: Sequence[str], by: Any = None) -> dict[Any, dict[str, int]]:
    """Return the measures by a column's values; without `by` there is one entry, under None."""
    columns = [count_of(name).label(name) for name in names]
    if by is None:
        row = db.execute(select(*columns).where(*scope.conditions(db))).one()
        return {None: dict(zip(names, map(int, row), strict=True))}
    rows = db.execute(select(by, *columns).where(*scope.conditions(db)).group_by(by)).all()
    return {row[0]: dict(zip(names, map(int, row[1:]), strict=True)) for row in rows}
