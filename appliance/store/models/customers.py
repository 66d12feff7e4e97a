"""Customers beside their calls: fields of one's own, people who were merged, versions of what agents read to them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, ForeignKey, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from appliance.store.models.base import Base, key


class ContactField(Base):
    """A field that the administrator gives to every person: `config` is domain.survey.FormField as plain data.

    A retired field is neither shown nor filled in; what people have in it stays.
    """

    __tablename__ = "contact_fields"
    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    position: Mapped[int] = mapped_column(Integer)
    on_pop: Mapped[bool] = mapped_column(Boolean, default=True)  # the agent sees it in a call
    retired: Mapped[bool] = mapped_column(Boolean, default=False)
    config: Mapped[dict[str, Any]]


class ContactMerge(Base):
    """Two people who became one. `before` is all that taking it back needs (jobs.contact_merges)."""

    __tablename__ = "contact_merges"
    id: Mapped[str] = key()
    kept_id: Mapped[str] = mapped_column(String(40), index=True)
    gone_id: Mapped[str] = mapped_column(String(40), index=True)
    actor_id: Mapped[str] = mapped_column(String(40), default="")
    at: Mapped[datetime]
    undo_until: Mapped[datetime]
    undone_at: Mapped[datetime | None]
    before: Mapped[dict[str, Any]] = mapped_column(default=dict)


class CampaignVersion(Base):
    """One version of a campaign's script or form, written once. It holds for records shown from `live_from` on.

    `part` script | survey; `content` {"text": ...} or {"questions": [...]}; `live_from` None: a draft.
    """

    __tablename__ = "campaign_versions"
    campaign_id: Mapped[str] = mapped_column(ForeignKey("campaigns.id"), primary_key=True)
    part: Mapped[str] = mapped_column(String(10), primary_key=True)
    version: Mapped[int] = mapped_column(Integer, primary_key=True)
    content: Mapped[dict[str, Any]]
    at: Mapped[datetime]
    actor_id: Mapped[str] = mapped_column(String(40), default="")
    live_from: Mapped[datetime | None]
    __table_args__ = (Index("ix_campaign_versions_live", "campaign_id", "part", "live_from"),)
