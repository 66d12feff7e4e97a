"""What calls and recordings are found by."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Float, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from appliance.store.models.base import Base

_Serial = BigInteger().with_variant(Integer, "sqlite")


class CallSearch(Base):
    """One call, ours or a customer's, as it is searched for; written by jobs.search_index, by nobody else.

    `seq` is the call's beginning in microseconds (the next free one): newer calls have a higher one. `words` holds the
    tokens of domain.call_words. SQLite finds them by the table `call_words`, which triggers keep up (version 0014),
    PostgreSQL by an index of the words.
    """

    __tablename__ = "call_search"
    seq: Mapped[int] = mapped_column(_Serial, primary_key=True, autoincrement=False)
    conversation_id: Mapped[str] = mapped_column(String(40), unique=True)
    at: Mapped[datetime]
    recording_id: Mapped[str | None] = mapped_column(String(40))  # of the conversation, the first of several
    duration_s: Mapped[float | None] = mapped_column(Float)  # of the recording
    score: Mapped[float | None] = mapped_column(Float)  # of the newest evaluation, 0 to 1
    words: Mapped[str] = mapped_column(Text)
    __table_args__ = (
        Index("ix_call_search_duration", "duration_s", "seq"),
        Index("ix_call_search_score", "score", "seq"),
    )


class CallChange(Base):
    """A mark that triggers leave (version 0014) when something changes by which a call is found."""

    __tablename__ = "call_changes"
    id: Mapped[int] = mapped_column(_Serial, primary_key=True, autoincrement=True)
    conversation_id: Mapped[str] = mapped_column(String(40))
