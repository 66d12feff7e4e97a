"""Recordings, their keys and the rules how long they are kept."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, select, text, update
from sqlalchemy.orm import Session

from appliance.domain.compliance_profile import kept_at_least
from appliance.errors import NotFoundError
from appliance.store.models import Attempt, Campaign, InboundCall, Recording, RecordingKey, RetentionRule

SPOOL, ARCHIVED, DELETED, FAILED = "spool", "archived", "deleted", "failed"
CONVERSATION, EVIDENCE = "conversation", "evidence"


def get(session: Session, recording_id: str) -> Recording:
    """Raises NotFoundError `recording.unknown`."""
    found = session.get(Recording, recording_id)
    if found is None:
        raise NotFoundError("recording.unknown", f"There is no recording {recording_id}.", recording=recording_id)
    return found


def of_conversation(session: Session, conversation_id: str) -> list[Recording]:
    return list(session.scalars(select(Recording).where(Recording.conversation_id == conversation_id)))


def note(
    session: Session, recording_id: str, *, conversation_id: str, attempt_id: str, started_at: datetime,
    spool_path: str, campaign_id: str = "", kind: str = CONVERSATION, begins_ms: int = 0,
) -> Recording:  # fmt: skip
    """Return the recording's row, made when it is not there yet."""
    recording = session.get(Recording, recording_id)
    if recording is None:
        recording = Recording(
            id=recording_id, conversation_id=conversation_id, attempt_id=attempt_id or None,
            campaign_id=campaign_id or None, kind=kind, begins_ms=begins_ms, state=SPOOL, started_at=started_at,
            spool_path=spool_path,
        )  # fmt: skip
        session.add(recording)
    return recording


def take_from_attempt(session: Session, recording: Recording) -> None:
    """Fill in whose conversation it was, as far as the attempt knows better."""
    own = recording.attempt_id
    attempt = (session.get(Attempt, own) or session.get(InboundCall, own)) if own else None
    if attempt is not None:
        recording.campaign_id = attempt.campaign_id or recording.campaign_id
        recording.agent_id = attempt.agent_id or recording.agent_id
        recording.seat_id = attempt.seat_id or recording.seat_id


def in_state(session: Session, state: str) -> list[Recording]:
    return list(session.scalars(select(Recording).where(Recording.state == state).order_by(Recording.id)))


def page(session: Session, state: str, after_id: str, limit: int) -> Sequence[Recording]:
    """Recordings of a state by id, for walking through all of them with bounded memory."""
    query = select(Recording).where(Recording.state == state, Recording.id > after_id).order_by(Recording.id)
    return session.scalars(query.limit(limit)).all()


def delete_key(session: Session, recording_id: str) -> None:
    """Delete the key for good: SQLite overwrites the row's place with zeros."""
    if session.get_bind().dialect.name == "sqlite":
        session.execute(text("PRAGMA secure_delete = ON"))
    session.execute(delete(RecordingKey).where(RecordingKey.recording_id == recording_id))


def rules(session: Session) -> dict[str, int]:
    """All retention rules: scope to days; `law:<campaign>` is what the campaign's rule profile asks at least."""
    found = {rule.scope: rule.keep_days for rule in session.scalars(select(RetentionRule))}
    for campaign_id, config in session.execute(select(Campaign.id, Campaign.config)):
        days = kept_at_least(str(config.get("rule_profile", "neutral")))
        if days:
            found[f"law:{campaign_id}"] = days
    return found


def set_expiry(session: Session, recording_id: str, expires_at: datetime) -> None:
    session.execute(update(Recording).where(Recording.id == recording_id).values(expires_at=expires_at))
