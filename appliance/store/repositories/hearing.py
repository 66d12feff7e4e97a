"""What the ear said of attempts, and what people say it should have said."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from appliance.domain import hearing
from appliance.domain.call_model import Call
from appliance.domain.hearing import Phase
from appliance.domain.outcome import Verdict
from appliance.store.models import EarLabel, EarVerdict
from appliance.types import Kind


def add(session: Session, call: Call, ended_at: datetime | None) -> None:
    """Write the ear's words of an attempt that closes; each phase once, and only what was really heard."""
    end = None if call.answered_at is not None else call.trunk_end
    said = [(Phase.EARLY, call.early), (Phase.ANSWERED, call.heard), (Phase.LATE, call.late)]
    for phase, verdict in said:
        if verdict is None or verdict.kind == Kind.SIGNALLING:
            continue
        doubt = hearing.doubt(phase, verdict, end, call.heard)
        session.add(_row(call, phase, verdict, ended_at or call.created_at, str(doubt)))


def _row(call: Call, phase: Phase, verdict: Verdict, at: datetime, doubt: str) -> EarVerdict:
    return EarVerdict(
        attempt_id=call.attempt_id, phase=phase, campaign_id=call.campaign_id, trunk_id=call.trunk_id, at=at,
        label=verdict.outcome, kind=verdict.kind, reason=verdict.reason[:60], confidence=verdict.confidence or 0.0,
        decided_at_ms=verdict.decided_at_ms or 0, announcement_id=announcement_of(verdict.evidence),
        beep_end_ms=call.beep_end_ms if phase is Phase.ANSWERED else None, doubt=doubt, evidence=verdict.evidence,
    )  # fmt: skip


def announcement_of(evidence: dict[str, Any]) -> str:
    """The library's entry that was recognised; empty for none."""
    return str(evidence.get("announcement_id") or evidence.get("ann_id") or "")[:80]


def put_label(session: Session, label: EarLabel) -> None:
    """Write what a call was; a second word of the same stage takes the place of the first."""
    session.merge(label)


def take_label(session: Session, attempt_id: str, stage: str) -> None:
    """Take a label back; nothing happens when there is none."""
    found = session.get(EarLabel, (attempt_id, stage))
    if found is not None:
        session.delete(found)
