"""What a soak leaves behind, judged: by the exchange's own truth, the rows, and the recordings opened again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sqlalchemy import func, select

from appliance.bench.callers import callers_file, read_callers
from appliance.bench.evidence import LENGTH_TOLERANCE_S, opened
from appliance.bench.exchange import read_truth, truth_file
from appliance.bench.plan import national
from appliance.domain.inbound_model import InboundState
from appliance.settings import Home, load_secrets
from appliance.store.db import Store
from appliance.store.models import Attempt, InboundCall, Recording, RecordingKey
from appliance.store.repositories import recordings as recording_rows
from appliance.types import Outcome

NEVER_DIALLED = "never reached the switch"
"""Reason of an attempt that a restarted engine took back: its number may be tried again."""
_EXAMPLES_MAX = 10
_SAME_CALL_S = 5.0
_KILLED_TOLERANCE_S = 5.0
"""Sound that a killed worker had not written yet: well under a second, but for a machine that is starved."""


@dataclass
class Evidence:
    """Counts of what must not happen, and some examples of each; the rest says how much was tried."""

    dialled_twice: int = 0
    attempts_without_outcome: int = 0
    callers_without_outcome: int = 0
    recordings_lost: int = 0
    attempts: int = 0
    connected: int = 0
    abandoned: int = 0
    lost: int = 0
    callers: int = 0
    recordings: int = 0
    sound_missing_s: float = 0.0  # at the end of a recording, at most
    examples: list[str] = field(default_factory=list)

    @property
    def faults(self) -> int:
        return (
            self.dialled_twice + self.attempts_without_outcome + self.callers_without_outcome + self.recordings_lost
        )

    def example(self, text: str) -> None:
        if len(self.examples) < _EXAMPLES_MAX:
            self.examples.append(text)


def living(store: Store) -> int:
    """Attempts and callers that have not ended."""
    with store.read() as session:
        return sum(
            session.scalar(select(func.count()).where(ended_at.is_(None))) or 0
            for ended_at in (Attempt.ended_at, InboundCall.ended_at)
        )


def spools(home: Home) -> int:
    """Recordings that still stand in the spool."""
    return len(list(home.spool.glob("*.au")))


def judge(home: Home, store: Store, killed: Mapping[str, float]) -> Evidence:
    """Judge a home whose soak is over; `killed`: when (unix time) the workers of which conversations were killed."""
    found = Evidence()
    with store.read() as session:
        attempts = session.scalars(select(Attempt)).all()
        callers = session.scalars(select(InboundCall)).all()
    found.attempts, found.callers = len(attempts), len(callers)
    conversations: list[Attempt | InboundCall] = [*attempts, *callers]
    found.connected = sum(one.bridged_at is not None for one in conversations)
    found.abandoned = sum(one.abandoned for one in attempts)
    found.lost = sum(one.outcome == Outcome.LOST for one in attempts)
    for attempt in attempts:
        if attempt.outcome is None or attempt.ended_at is None:
            found.attempts_without_outcome += 1
            found.example(f"attempt {attempt.id} has no outcome")
    for caller in callers:
        if caller.outcome is None or caller.state != InboundState.ENDED:
            found.callers_without_outcome += 1
            found.example(f"caller {caller.id} has no outcome")
    _judge_dials(found, home, attempts)
    _judge_recordings(found, home, store, conversations, killed)
    return found


def _judge_dials(found: Evidence, home: Home, attempts: Sequence[Attempt]) -> None:
    """Each call that the exchange saw has an attempt of its own."""
    calls = Counter(str(call["number"]) for call in read_truth(truth_file(home)))
    rows = Counter(national(one.number) for one in attempts if one.reason != NEVER_DIALLED)
    for number, excess in (calls - rows).items():
        found.dialled_twice += excess
        ids = ", ".join(one.id for one in attempts if national(one.number) == number)
        found.example(f"{calls[number]} calls for {rows[number]} attempts: {ids or 'none'}")


class _Customers:
    """When the other side of each answered conversation hung up, by its own word."""

    def __init__(self, home: Home) -> None:
        called = [(str(one["number"]), one) for one in read_truth(truth_file(home))]
        calling = [(national(str(one["caller"])), one) for one in read_callers(callers_file(home)).values()]
        self._ends: dict[str, list[tuple[float, float]]] = {}
        for number, one in [*called, *calling]:
            if one["answered_at"] is not None:
                self._ends.setdefault(number, []).append((float(one["answered_at"]), float(one["ended_at"])))

    def left_at(self, one: Attempt | InboundCall) -> datetime:
        """Return that instant; the end of the conversation where the other side knows nothing of it."""
        number = one.number if isinstance(one, Attempt) else one.caller
        answered_s = one.answered_at.timestamp() if one.answered_at is not None else 0.0
        ends = [end for began, end in self._ends.get(national(number), []) if abs(began - answered_s) < _SAME_CALL_S]
        return datetime.fromtimestamp(ends[0], UTC) if ends else one.ended_at or datetime.max.replace(tzinfo=UTC)


def _judge_recordings(
    found: Evidence, home: Home, store: Store, conversations: Sequence[Attempt | InboundCall],
    killed: Mapping[str, float],
) -> None:
    """Each answered conversation is archived to its end, or to the moment when its worker was killed."""
    secret = load_secrets(home).archive_key.get_secret_value()
    customers = _Customers(home)
    with store.read() as session:
        rows = session.scalars(select(Recording).where(Recording.kind == recording_rows.CONVERSATION)).all()
        keys = {key.recording_id: key for key in session.scalars(select(RecordingKey))}
    by_conversation: dict[str, list[Recording]] = {}
    for row in rows:
        by_conversation.setdefault(row.conversation_id, []).append(row)
    found.recordings = len(rows)
    for one in conversations:
        if one.answered_at is None or one.ended_at is None:
            continue
        until = one.ended_at
        if one.id in killed:  # perhaps only with its last words unsent: then the customer had gone before
            until = min(until, datetime.fromtimestamp(killed[one.id], UTC), customers.left_at(one))
        wanted_s, there_s, problem = (until - one.answered_at).total_seconds(), 0.0, ""
        for recording in by_conversation.get(one.id, []):
            key = keys.get(recording.id)
            problem, length_s = opened(home, recording, key, secret) if key is not None else ("no key", 0.0)
            there_s += length_s
        found.sound_missing_s = max(found.sound_missing_s, round(wanted_s - there_s, 2))
        if there_s < wanted_s - (_KILLED_TOLERANCE_S if one.id in killed else LENGTH_TOLERANCE_S):
            found.recordings_lost += 1
            found.example(f"{there_s:.1f} of {wanted_s:.1f} s recorded of {one.id} {problem}")
    left = spools(home)
    if left:
        found.recordings_lost += left
        found.example(f"{left} recordings were never archived")
