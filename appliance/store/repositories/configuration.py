"""Seats, trunks, campaigns and the do-not-call list as configuration: the rows that `office` writes."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance.errors import NotFoundError
from appliance.store.models import Campaign, Seat, Trunk


def seat(session: Session, seat_id: str) -> Seat:
    """Raises NotFoundError `seat.unknown`."""
    found = session.get(Seat, seat_id)
    if found is None:
        raise NotFoundError("seat.unknown", f"There is no seat '{seat_id}'.", seat=seat_id)
    return found


def seats(session: Session) -> list[Seat]:
    return list(session.scalars(select(Seat).order_by(Seat.id)))


def trunk(session: Session, trunk_id: str) -> Trunk:
    """Raises NotFoundError `trunk.unknown`."""
    found = session.get(Trunk, trunk_id)
    if found is None:
        raise NotFoundError("trunk.unknown", f"There is no trunk '{trunk_id}'.", trunk=trunk_id)
    return found


def trunks(session: Session) -> list[Trunk]:
    return list(session.scalars(select(Trunk).order_by(Trunk.id)))


def campaign(session: Session, campaign_id: str) -> Campaign:
    """Raises NotFoundError `campaign.unknown`."""
    found = session.get(Campaign, campaign_id)
    if found is None:
        raise NotFoundError("campaign.unknown", f"There is no campaign {campaign_id}.", campaign=campaign_id)
    return found


def campaign_by_name(session: Session, name: str) -> Campaign | None:
    return session.scalar(select(Campaign).where(Campaign.name == name))


def campaigns(session: Session) -> list[Campaign]:
    return list(session.scalars(select(Campaign).order_by(Campaign.name)))
