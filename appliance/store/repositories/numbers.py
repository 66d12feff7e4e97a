"""Numbers: what is known of each, and whether it may be dialled. A number without a row is good."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance.store.models import PhoneNumber
from appliance.types import NumberState


def get(session: Session, number: str) -> PhoneNumber:
    """Return the row of a number, made when there is none."""
    row = session.get(PhoneNumber, number)
    if row is None:
        row = PhoneNumber(number=number, state=NumberState.GOOD, verdicts=[])
        session.add(row)
    return row


def rows(session: Session, numbers: Iterable[str]) -> dict[str, PhoneNumber]:
    """Return the rows there are, by number."""
    found = session.scalars(select(PhoneNumber).where(PhoneNumber.number.in_(list(numbers))))
    return {row.number: row for row in found}


def effective_state(state: str | None, parked_until: datetime | None, now: datetime) -> NumberState:
    """Say whether a number may be dialled now: good when it has no row, or when its rest is over."""
    if state is None:
        return NumberState.GOOD
    if state == NumberState.PARKED and parked_until is not None and parked_until <= now:
        return NumberState.GOOD
    return NumberState(state)


def set_state(
    session: Session, number: str, state: NumberState, *, reason: str, now: datetime,
    parked_until: datetime | None = None,
) -> None:  # fmt: skip
    """Write what was decided of a number."""
    row = get(session, number)
    row.state, row.state_reason, row.state_since, row.parked_until = state, reason[:60], now, parked_until
