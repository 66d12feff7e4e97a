"""Agents' sessions at their seats and the log of their states."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance.domain.agent import Agent
from appliance.store import models
from appliance.types import AgentState


def open_sessions(session: Session) -> Sequence[tuple[models.AgentSession, models.User]]:
    """Return the sessions that were not ended, each with its user."""
    rows = session.execute(
        select(models.AgentSession, models.User)
        .join(models.User, models.User.id == models.AgentSession.agent_id)
        .where(models.AgentSession.ended_at.is_(None))
        .order_by(models.AgentSession.started_at)
    ).all()
    return [(row[0], row[1]) for row in rows]


def others_at(session: Session, seat_id: str, agent_id: str) -> bool:
    """Say whether somebody else is signed in at this seat."""
    there, other = models.AgentSession.seat_id == seat_id, models.AgentSession.agent_id != agent_id
    open_one = select(models.AgentSession.id).where(there, other, models.AgentSession.ended_at.is_(None))
    return session.scalar(open_one.limit(1)) is not None


def save(session: Session, session_id: str, agent: Agent, now: datetime) -> None:
    """Write the live state of an agent; his session is made at its first writing and ends with `offline`."""
    row = session.get(models.AgentSession, session_id)
    if row is None:
        row = models.AgentSession(id=session_id, agent_id=agent.agent_id, started_at=now)
        session.add(row)
    if agent.seat_id is not None:
        row.seat_id = agent.seat_id
    row.campaigns = sorted(agent.campaigns)
    row.state, row.state_since = agent.state, agent.since or now
    row.pending_state = agent.pending
    row.pause_reason = agent.pause_reason[:60]
    row.conversation_id = agent.conversation_id
    if agent.state is AgentState.OFFLINE:
        row.ended_at = now


def log_state(session: Session, agent_id: str, state: AgentState, reason: str, now: datetime) -> None:
    session.add(models.AgentStateLog(agent_id=agent_id, at=now, state=state, reason=reason[:60]))
