"""What the demo finds in a home after a campaign: attempt rows, and recordings opened, decoded and measured."""

from __future__ import annotations

import hashlib
import io

import soundfile
from sqlalchemy import select

from appliance.bench.report import AttemptRow, RecordingRow
from appliance.errors import BoxError
from appliance.logs import get_logger
from appliance.settings import Home, load_secrets
from appliance.store import sealed
from appliance.store.db import Store
from appliance.store.models import Attempt, Recording, RecordingKey
from appliance.store.repositories import recordings as recording_rows

LENGTH_TOLERANCE_S = 1.5


def attempt_rows(store: Store, campaign_id: str) -> list[AttemptRow]:
    """All attempts of a campaign."""
    with store.read() as session:
        rows = session.scalars(select(Attempt).where(Attempt.campaign_id == campaign_id).order_by(Attempt.id))
        return [
            AttemptRow(
                id=row.id, number=row.number, outcome=row.outcome,
                originated=row.originated_at is not None, answered_at=row.answered_at,
                verdict_at=row.verdict_at, bridged_at=row.bridged_at, abandoned=row.abandoned,
                messaged=row.message_at is not None,
            )
            for row in rows
        ]  # fmt: skip


def unarchived(store: Store, campaign_id: str) -> int:
    """Recordings of a campaign that still wait to be archived."""
    with store.read() as session:
        rows = session.scalars(select(Recording.state).where(Recording.campaign_id == campaign_id))
        return sum(state == recording_rows.SPOOL for state in rows)


def recording_evidence(home: Home, store: Store, campaign_id: str) -> list[RecordingRow]:
    """Open every recording of a campaign with its key; `verified` when hash, format and length are right."""
    secret = load_secrets(home).archive_key.get_secret_value()
    found = []
    with store.read() as session:
        there_is = Recording.state != recording_rows.FAILED  # of a failed one nothing was ever on the disk
        conversations = select(Recording).where(
            Recording.campaign_id == campaign_id, there_is, Recording.kind == recording_rows.CONVERSATION
        )
        for recording in session.scalars(conversations):
            attempt = session.get(Attempt, recording.attempt_id) if recording.attempt_id else None
            key = session.get(RecordingKey, recording.id)
            problem = "no key" if key is None else _problem(home, recording, key, attempt, secret)
            if problem:
                get_logger(recording=recording.id).warning("recording not verified", problem=problem)
            found.append(RecordingRow(recording.attempt_id, not problem))
    return found


def _problem(home: Home, recording: Recording, key: RecordingKey, attempt: Attempt | None, secret: str) -> str:
    """What is wrong with a recording; empty when nothing is."""
    problem, length_s = opened(home, recording, key, secret)
    if problem or attempt is None or attempt.answered_at is None or attempt.ended_at is None:
        return problem
    talked_s = (attempt.ended_at - attempt.answered_at).total_seconds()
    if abs(length_s - talked_s) > LENGTH_TOLERANCE_S:
        return f"{length_s:.1f} s of sound for {talked_s:.1f} s of conversation"
    return ""


def opened(home: Home, recording: Recording, key: RecordingKey, secret: str) -> tuple[str, float]:
    """Open an archived recording with its key: what is wrong with it (empty: nothing), and its seconds of sound."""
    if recording.state != recording_rows.ARCHIVED:
        return f"state {recording.state}", 0.0
    try:
        plain_key = sealed.unwrap(secret, key.wrapped_key, f"recording:{recording.id}")
        with sealed.SealedReader(home.archive / recording.archive_path, plain_key) as reader:
            data = b"".join(reader.chunks())
    except (BoxError, OSError) as error:
        return str(error), 0.0
    if hashlib.sha256(data).hexdigest() != recording.sha256:
        return "SHA-256 differs", 0.0
    try:
        with soundfile.SoundFile(io.BytesIO(data)) as sound:
            channels, length_s = sound.channels, sound.frames / sound.samplerate
    except soundfile.LibsndfileError as error:
        return str(error), 0.0
    return ("" if channels == 2 else f"{channels} channels"), length_s
