"""Attempts: written before the dial, closed once, and counted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from appliance.domain.abandoned import is_abandoned
from appliance.domain.call_model import Call
from appliance.domain.outcome import Verdict
from appliance.store import models
from appliance.store.read.measures import counted
from appliance.store.read.report_scope import Scope
from appliance.store.repositories import hearing
from appliance.types import LIVE_OUTCOMES, Disposition


def add(
    session: Session, call: Call, agent_id: str | None = None, *, rule_set: str = "",
    rule_inputs: dict[str, Any] | None = None,
) -> None:  # fmt: skip
    """Write a new attempt, open; committed before it is dialled. Only engine.choosing does, when the rules allow it."""
    lead = session.get(models.Lead, call.lead_id)
    session.add(
        models.Attempt(
            id=call.attempt_id, campaign_id=call.campaign_id, lead_id=call.lead_id,
            contact_id=lead.contact_id if lead else None, number=call.number,
            trunk_id=call.trunk_id, created_at=call.created_at, agent_id=agent_id, caller_id=call.caller_id,
            rule_set=rule_set, rule_inputs=rule_inputs or {},
        )
    )  # fmt: skip


def calls_by_caller(session: Session, numbers: Iterable[str], since: datetime) -> dict[str, int]:
    """Return how many attempts showed each caller number since an instant (ix_attempts_caller)."""
    attempt = models.Attempt
    rows = session.execute(
        select(attempt.caller_id, func.count())
        .where(attempt.caller_id.in_(list(numbers)), attempt.created_at >= since)
        .group_by(attempt.caller_id)
    ).all()
    return {row[0]: row[1] for row in rows}


def answered_of(session: Session, numbers: Iterable[str], since: datetime) -> dict[str, tuple[int, int]]:
    """Return how often each number was dialled and answered since then, in closed attempts (ix_attempts_number)."""
    attempt = models.Attempt
    rows = session.execute(
        select(attempt.number, func.count(), func.count(attempt.answered_at))
        .where(
            attempt.number.in_(list(numbers)), attempt.created_at >= since, attempt.originated_at.is_not(None),
            attempt.ended_at.is_not(None),
        )
        .group_by(attempt.number)
    ).all()  # fmt: skip
    return {row[0]: (row[1], row[2]) for row in rows}


def open_attempts(session: Session) -> Sequence[models.Attempt]:
    return session.scalars(select(models.Attempt).where(models.Attempt.ended_at.is_(None))).all()


def get(session: Session, attempt_id: str) -> models.Attempt | None:
    return session.get(models.Attempt, attempt_id)


def save(session: Session, call: Call, verdict: Verdict | None = None) -> None:
    """Write what is known of an attempt; with `verdict` it is closed, and a closed one is never written again."""
    row = session.get(models.Attempt, call.attempt_id)
    if row is None or row.ended_at is not None:
        return
    row.originated_at, row.answered_at = call.originated_at, call.answered_at
    row.verdict_at, row.bridged_at = call.verdict_at, call.bridged_at
    row.agent_id, row.seat_id = call.agent_id or row.agent_id, call.seat_id or row.seat_id
    row.abandoned, row.last_seq = call.abandoned, call.last_seq
    row.clock_at, row.answer_within_s, row.left_at = call.clock_at, call.within_s, call.left_at
    row.message_at, row.message_done, row.keys = call.message_at, call.message_done, call.keys
    if call.abandoned:
        row.disposition = Disposition.ABANDONED
    if call.trunk_end is not None:
        row.sip_status, row.q850 = call.trunk_end.sip_status, call.trunk_end.q850
    if verdict is not None:
        row.ended_at, row.outcome, row.kind = call.ended_at, verdict.outcome, verdict.kind
        row.reason, row.confidence = verdict.reason, verdict.confidence
        row.evidence, row.media = verdict.evidence, call.media
        row.abandoned = is_abandoned(
            person=verdict.outcome in LIVE_OUTCOMES, clock_at=call.clock_at, within_s=call.within_s,
            bridged_at=call.bridged_at, left_at=call.left_at,
        )  # fmt: skip
        hearing.add(session, call, row.ended_at)


def dispose_none(session: Session, attempt_id: str, now: datetime) -> None:
    """The wrap-up ended without the agent's word."""
    row = session.get(models.Attempt, attempt_id) or session.get(models.InboundCall, attempt_id)
    if row is not None and row.disposed_at is None:
        row.disposition, row.disposed_at = Disposition.NONE, now


@dataclass(frozen=True)
class AttemptCounts:
    """Figures of one campaign from its attempts; outcomes are those of the closed ones."""

    attempts: int = 0
    live_answers: int = 0
    connected: int = 0
    abandoned: int = 0
    outcomes: dict[str, int] | None = None


def counts(session: Session, campaign_id: str) -> AttemptCounts:
    """Count a campaign's attempts as the report does (store.read.measures)."""
    names = ("attempts", "persons", "connected", "abandoned")
    by_outcome = counted(session, Scope(campaign_id=campaign_id), names, models.Attempt.outcome)
    sums = {name: sum(found[name] for found in by_outcome.values()) for name in names}
    return AttemptCounts(
        attempts=sums["attempts"], live_answers=sums["persons"], connected=sums["connected"],
        abandoned=sums["abandoned"],
        outcomes={outcome: found["attempts"] for outcome, found in by_outcome.items() if outcome is not None},
    )  # fmt: skip
