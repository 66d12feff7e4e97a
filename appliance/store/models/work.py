"""The queue of jobs, knowledge and saved reports."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from appliance.store.models.base import Base, key


class Job(Base):
    """A piece of long work in the durable queue of `jobs` (archive, import, retention, report)."""

    __tablename__ = "jobs"
    id: Mapped[str] = key()
    kind: Mapped[str] = mapped_column(String(30))
    payload: Mapped[dict[str, Any]]
    state: Mapped[str] = mapped_column(String(20), index=True)  # waiting | running | finished | failed
    tries: Mapped[int] = mapped_column(Integer, default=0)
    run_at: Mapped[datetime]
    error: Mapped[str] = mapped_column(Text, default="")
    result: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]


class KbArticle(Base):
    """An article of the knowledge base, shown beside the script.

    `tags`: words separated by spaces. It is suggested when one of `dispositions` is chosen, or in a step of the script
    (`step`: headings of such steps, one a line). SQLite finds its words by the table `kb_search`, which triggers keep
    up (version 0012). The row is what agents read (version `version`) while `state`, a types.ArticleState, is
    published; `newest` may be a later draft of kb_versions.
    """

    __tablename__ = "kb_articles"
    id: Mapped[str] = key()
    title: Mapped[str] = mapped_column(String(200))
    body: Mapped[str] = mapped_column(Text, default="")
    tags: Mapped[str] = mapped_column(String(400), default="")
    dispositions: Mapped[list[Any]] = mapped_column(default=list)
    step: Mapped[str] = mapped_column(String(120), default="")
    version: Mapped[int] = mapped_column(Integer, default=1)
    updated_at: Mapped[datetime]
    category: Mapped[str] = mapped_column(String(80), default="", server_default="")
    state: Mapped[str] = mapped_column(String(10), default="published", server_default="published")
    newest: Mapped[int] = mapped_column(Integer, default=1, server_default="1")


class KbVersion(Base):
    """One version of an article as it was written; none is ever changed or taken out."""

    __tablename__ = "kb_versions"
    article_id: Mapped[str] = mapped_column(ForeignKey("kb_articles.id"), primary_key=True)
    version: Mapped[int] = mapped_column(Integer, primary_key=True)
    title: Mapped[str] = mapped_column(String(200))
    body: Mapped[str] = mapped_column(Text, default="")
    tags: Mapped[str] = mapped_column(String(400), default="")
    category: Mapped[str] = mapped_column(String(80), default="")
    dispositions: Mapped[list[Any]] = mapped_column(default=list)
    step: Mapped[str] = mapped_column(String(120), default="")
    at: Mapped[datetime]
    actor_id: Mapped[str] = mapped_column(String(40), default="")
    published_at: Mapped[datetime | None]  # when agents last began to read it


class SavedReport(Base):
    """A report that somebody wants again: its choice, and when it is sent to whom (appliance.jobs.report_mail).

    `choice` holds the fields of store.read.report_scope and `by`; `every` day | week | month, or empty: only by hand.
    `last_state` sent | made | failed.
    """

    __tablename__ = "saved_reports"
    id: Mapped[str] = key()
    name: Mapped[str] = mapped_column(String(120), unique=True)
    choice: Mapped[dict[str, Any]]
    file_format: Mapped[str] = mapped_column(String(5), default="xlsx")
    every: Mapped[str] = mapped_column(String(10), default="")
    at_time: Mapped[str] = mapped_column(String(5), default="08:00")  # HH:MM in the box's zone
    on_day: Mapped[int] = mapped_column(Integer, default=1)  # of the week (1 Monday) or of the month
    recipients: Mapped[str] = mapped_column(Text, default="")  # separated by commas; empty: nobody is written to
    language: Mapped[str] = mapped_column(String(5), default="en")
    created_by: Mapped[str] = mapped_column(String(40), default="")
    created_at: Mapped[datetime]
    next_at: Mapped[datetime | None]
    last_at: Mapped[datetime | None]
    last_state: Mapped[str] = mapped_column(String(10), default="")
    last_message: Mapped[str] = mapped_column(Text, default="")
    last_file: Mapped[str] = mapped_column(Text, default="")  # in the upload folder, for a day
    last_file_name: Mapped[str] = mapped_column(String(160), default="")
