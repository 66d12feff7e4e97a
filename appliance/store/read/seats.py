"""Seats and who sits there now."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import and_, select

from appliance.store.db import Store
from appliance.store.models import AgentSession, Seat


@dataclass(frozen=True)
class SeatView:
    """A place with a phone (`desk` or `browser`); `agent_id` is who is signed in there."""

    id: str
    display_name: str
    phone: str
    enabled: bool
    agent_id: str | None
    recording: str = ""  # types.RecordingPolicy; "": as the campaign says


_TAKEN = and_(AgentSession.seat_id == Seat.id, AgentSession.ended_at.is_(None))
_QUERY = select(Seat, AgentSession.agent_id).outerjoin(AgentSession, _TAKEN)


def _view(seat: Seat, agent_id: str | None) -> SeatView:
    return SeatView(
        id=seat.id, display_name=seat.display_name, phone=seat.phone, enabled=seat.enabled, agent_id=agent_id,
        recording=seat.recording,
    )  # fmt: skip


def seats(store: Store) -> list[SeatView]:
    """All seats by id."""
    with store.read() as db:
        rows = db.execute(_QUERY.order_by(Seat.id)).all()
    return list({seat.id: _view(seat, agent_id) for seat, agent_id in rows}.values())


def seat(store: Store, seat_id: str) -> SeatView | None:
    """One seat."""
    with store.read() as db:
        row = db.execute(_QUERY.where(Seat.id == seat_id)).first()
    return _view(*row) if row else None
