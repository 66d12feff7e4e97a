"""Recordings, their keys and how long they live; what the ear heard in them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Boolean, Float, ForeignKey, Index, Integer, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from appliance.store.models.base import Base, key


class Recording(Base):
    """One recorded conversation: a spool, then an encrypted archive. `state`: spool | archived | deleted | failed.

    `kind` conversation, or evidence: the last seconds before answer that the ear judged by.
    """

    __tablename__ = "recordings"
    id: Mapped[str] = key()
    conversation_id: Mapped[str] = mapped_column(String(40), index=True)
    attempt_id: Mapped[str | None] = mapped_column(String(40), index=True)
    campaign_id: Mapped[str | None] = mapped_column(String(40), index=True)
    agent_id: Mapped[str | None] = mapped_column(String(40), index=True)
    seat_id: Mapped[str | None] = mapped_column(String(40))
    kind: Mapped[str] = mapped_column(String(20), default="conversation", server_default="conversation")
    begins_ms: Mapped[int] = mapped_column(Integer, default=0, server_default="0")  # evidence: in early media
    state: Mapped[str] = mapped_column(String(20))
    started_at: Mapped[datetime]
    duration_s: Mapped[float] = mapped_column(Float, default=0.0)
    spool_path: Mapped[str] = mapped_column(Text, default="")
    archive_path: Mapped[str] = mapped_column(Text, default="")
    sha256: Mapped[str] = mapped_column(String(64), default="")  # of the plain Ogg/Opus file
    size_bytes: Mapped[int] = mapped_column(BigInteger, default=0)
    peaks: Mapped[dict[str, Any]] = mapped_column(default=dict)  # {"left": [...], "right": [...], "per_s": n}
    gaps: Mapped[list[Any]] = mapped_column(default=list, server_default="[]")  # [from_s, to_s] that were not recorded
    archived_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
    legal_hold: Mapped[bool] = mapped_column(Boolean, default=False)
    legal_hold_reason: Mapped[str] = mapped_column(Text, default="")
    deleted_at: Mapped[datetime | None]


class EarVerdict(Base):
    """What the ear said of an attempt: one row a `phase` (early | answered | late), written when the attempt closes.

    `decided_at_ms` counts from the start of early media or from answer. `doubt` (domain.hearing) is empty for a verdict
    that nobody need look at.
    """

    __tablename__ = "ear_verdicts"
    attempt_id: Mapped[str] = mapped_column(ForeignKey("attempts.id"), primary_key=True)
    phase: Mapped[str] = mapped_column(String(10), primary_key=True)
    campaign_id: Mapped[str] = mapped_column(String(40))
    trunk_id: Mapped[str] = mapped_column(String(40))
    at: Mapped[datetime]
    label: Mapped[str] = mapped_column(String(30))
    kind: Mapped[str] = mapped_column(String(20), default="")
    reason: Mapped[str] = mapped_column(String(60), default="")
    confidence: Mapped[float] = mapped_column(Float, default=0.0)
    decided_at_ms: Mapped[int] = mapped_column(Integer, default=0)
    announcement_id: Mapped[str] = mapped_column(String(80), default="", index=True)
    beep_end_ms: Mapped[int | None] = mapped_column(Integer)
    doubt: Mapped[str] = mapped_column(String(30), default="")
    evidence: Mapped[dict[str, Any]] = mapped_column(default=dict)
    __table_args__ = (Index("ix_ear_verdicts_trunk", "trunk_id", "at"), Index("ix_ear_verdicts_at", "at"))


class EarLabel(Base):
    """What a person says that a call was, after listening; the ear is trained and measured by these."""

    __tablename__ = "ear_labels"
    attempt_id: Mapped[str] = mapped_column(ForeignKey("attempts.id"), primary_key=True)
    stage: Mapped[str] = mapped_column(String(10), primary_key=True)  # early | answered
    label: Mapped[str] = mapped_column(String(30))
    announcement_id: Mapped[str] = mapped_column(String(80), default="")
    labelled_by: Mapped[str] = mapped_column(String(40))
    labelled_at: Mapped[datetime]


class ClipCodes(Base):
    """Fingerprint of an evidence clip with an unknown announcement. `cluster`: id of the first clip that sounds so."""

    __tablename__ = "clip_codes"
    recording_id: Mapped[str] = mapped_column(ForeignKey("recordings.id"), primary_key=True)
    attempt_id: Mapped[str] = mapped_column(String(40))
    trunk_id: Mapped[str] = mapped_column(String(40))
    at: Mapped[datetime]
    cluster: Mapped[str] = mapped_column(String(40), index=True)
    codes: Mapped[bytes] = mapped_column(LargeBinary)
    announcement_id: Mapped[str] = mapped_column(String(80), default="")  # the entry it was enrolled as


class RecordingKey(Base):
    """The key of one recording, wrapped by the box's archive key. Deleting the row is deleting the recording."""

    __tablename__ = "recording_keys"
    recording_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    wrapped_key: Mapped[str] = mapped_column(Text)


class RetentionRule(Base):
    """`scope`: 'default', 'campaign:<id>' or 'seat:<id>'; the longest that applies wins."""

    __tablename__ = "retention_rules"
    scope: Mapped[str] = mapped_column(String(60), primary_key=True)
    keep_days: Mapped[int] = mapped_column(Integer)
