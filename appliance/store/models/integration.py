"""Other programs: answers kept for repeated requests, webhooks and what was sent to them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, ForeignKey, Index, Integer, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from appliance.store.models.base import Base, key


class ApiReply(Base):
    """The answer to a request with an idempotency key, kept for a day so that a repetition gets the same one.

    `id`: SHA-256 of token and key. `status` None: still being carried out, or the box died under it. `sealed` is the
    body under a key made of the token and the idempotency key, neither of which is kept.
    """

    __tablename__ = "api_replies"
    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    fingerprint: Mapped[str] = mapped_column(String(64))  # of method, path and body
    status: Mapped[int | None] = mapped_column(Integer)
    sealed: Mapped[bytes] = mapped_column(LargeBinary, default=b"")
    at: Mapped[datetime] = mapped_column(index=True)


class Webhook(Base):
    """An address that is told what happens. `events` are words of types.WebhookEvent.

    After a change of the secret both sign until `old_secret_until`, so that the receiver can change it too.
    """

    __tablename__ = "webhooks"
    id: Mapped[str] = key()
    name: Mapped[str] = mapped_column(String(80))
    url: Mapped[str] = mapped_column(String(500))
    events: Mapped[list[Any]] = mapped_column(default=list)
    personal: Mapped[bool] = mapped_column(Boolean, default=False)  # names, numbers and notes too
    allow_private: Mapped[bool] = mapped_column(Boolean, default=False)  # the address may lie in the own network
    secret: Mapped[str] = mapped_column(Text)
    old_secret: Mapped[str] = mapped_column(Text, default="")
    old_secret_until: Mapped[datetime | None]
    enabled: Mapped[bool] = mapped_column(Boolean, default=True)
    seen_until: Mapped[datetime]  # what happened before is told
    failing_since: Mapped[datetime | None]
    created_at: Mapped[datetime]


class WebhookDelivery(Base):
    """One message to one webhook, kept for a week. `state`: waiting | delivered | failed.

    `id` is the `webhook-id`: made of the webhook and what happened, so that nothing is told twice.
    """

    __tablename__ = "webhook_deliveries"
    id: Mapped[str] = mapped_column(String(60), primary_key=True)
    webhook_id: Mapped[str] = mapped_column(ForeignKey("webhooks.id", ondelete="CASCADE"))
    event: Mapped[str] = mapped_column(String(40))
    body: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(10), default="waiting")
    tries: Mapped[int] = mapped_column(Integer, default=0)
    status: Mapped[int | None] = mapped_column(Integer)  # what the other side answered last
    error: Mapped[str] = mapped_column(Text, default="")
    at: Mapped[datetime]
    next_at: Mapped[datetime | None]
    done_at: Mapped[datetime | None]
    __table_args__ = (Index("ix_webhook_deliveries_log", "webhook_id", "at"), Index("ix_webhook_deliveries_at", "at"))
