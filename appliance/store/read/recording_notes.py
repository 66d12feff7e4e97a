"""Comments and markers of a recording, and the files that were packed of recordings."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from appliance.store.db import Store
from appliance.store.models import Job, Recording, RecordingNote, User


@dataclass(frozen=True)
class NoteView:
    """One comment; an empty `text` is a marker."""

    id: str
    at_s: float
    text: str
    author_id: str
    author_name: str
    created_at: datetime
    edited_at: datetime | None


def notes(store: Store, recording_id: str) -> list[NoteView]:
    """Those that were not deleted, in the order of the recording."""
    name = func.coalesce(func.nullif(User.display_name, ""), User.login, "")
    query = (
        select(RecordingNote, name).outerjoin(User, User.id == RecordingNote.author_id)
        .where(RecordingNote.recording_id == recording_id, RecordingNote.deleted_at.is_(None))
        .order_by(RecordingNote.at_s, RecordingNote.id)
    )  # fmt: skip
    with store.read() as db:
        return [
            NoteView(row.id, row.at_s, row.text, row.author_id, author, row.created_at, row.edited_at)
            for row, author in db.execute(query)
        ]


def gaps(store: Store, recording_id: str) -> list[tuple[float, float]]:
    """[from_s, to_s] that were left out, since card data were spoken."""
    with store.read() as db:
        found = db.scalar(select(Recording.gaps).where(Recording.id == recording_id)) or []
    return [(float(begin), float(end)) for begin, end in found]


def parts(store: Store, conversation_id: str) -> list[tuple[str, datetime, float]]:
    """All recordings of a conversation as (id, when, seconds): one that was switched on and off has several."""
    query = (
        select(Recording.id, Recording.started_at, Recording.duration_s)
        .where(Recording.conversation_id == conversation_id, Recording.kind == "conversation",
               Recording.deleted_at.is_(None))
        .order_by(Recording.started_at)
    )  # fmt: skip
    with store.read() as db:
        return [(row[0], row[1], row[2]) for row in db.execute(query)]


@dataclass(frozen=True)
class PackView:
    """A zip that somebody asked for. `state`: waiting | running | finished | failed."""

    id: str
    state: str
    error: str
    total: int
    result: dict[str, Any]
    created_at: datetime


def pack(store: Store, job_id: str, actor_id: str) -> PackView | None:
    """A zip, for who asked for it and nobody else."""
    with store.read() as db:
        job = db.get(Job, job_id)
    if job is None or job.kind != "recordings_zip" or job.payload.get("actor_id") != actor_id:
        return None
    return PackView(job.id, job.state, job.error, len(job.payload["recording_ids"]), dict(job.result), job.created_at)
