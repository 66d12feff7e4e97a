"""Seats and trunks, and what is wrong with them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from appliance.store.models.base import Base, key


class Seat(Base):
    """A place with a phone. `id` is the SIP user name; the digest secret lives at the edge only."""

    __tablename__ = "seats"
    id: Mapped[str] = key()
    display_name: Mapped[str] = mapped_column(String(120), default="")
    phone: Mapped[str] = mapped_column(String(10), default="desk")  # desk | browser
    enabled: Mapped[bool] = mapped_column(Boolean, default=True)
    recording: Mapped[str] = mapped_column(String(10), default="", server_default="")  # types.RecordingPolicy, "": none


class Trunk(Base):
    """A group of channels to the exchange. `config` is telephony.trunks.TrunkConfig as plain data."""

    __tablename__ = "trunks"
    id: Mapped[str] = key()
    display_name: Mapped[str] = mapped_column(String(120), default="")
    config: Mapped[dict[str, Any]]
    channels: Mapped[int] = mapped_column(Integer, default=30)
    enabled: Mapped[bool] = mapped_column(Boolean, default=True)


class Alert(Base):
    """An alert by key: one row while it stands, history stays (`cleared_at`)."""

    __tablename__ = "alerts"
    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    key: Mapped[str] = mapped_column(String(120), index=True)
    severity: Mapped[str] = mapped_column(String(10))
    title: Mapped[str] = mapped_column(String(200))
    text: Mapped[str] = mapped_column(Text, default="")
    raised_at: Mapped[datetime]
    cleared_at: Mapped[datetime | None]
    data: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")  # figures for other languages
    acknowledged_by: Mapped[str | None] = mapped_column(String(40))
    acknowledged_at: Mapped[datetime | None]
    snoozed_until: Mapped[datetime | None]
    caused_by: Mapped[str] = mapped_column(String(120), default="", server_default="")  # key of the alert behind it
    told_step: Mapped[int] = mapped_column(Integer, default=-1, server_default="-1")  # furthest step of sinks told
    told_at: Mapped[datetime | None]
