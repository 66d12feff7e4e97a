"""The demo's report: what the box says it did, from its database, against what the exchange saw, from the truth log.

Pure: `make_report` takes rows and returns the JSON object; nothing is read from live counters.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from appliance.bench.plan import national
from appliance.types import LIVE_OUTCOMES, Outcome

NOT_SEEN = "never_reached_exchange"
NO_OUTCOME = "none"


@dataclass(frozen=True)
class AttemptRow:
    """What the database says of one attempt."""

    id: str
    number: str
    outcome: str | None
    originated: bool  # the switch took it
    answered_at: datetime | None
    verdict_at: datetime | None
    bridged_at: datetime | None
    abandoned: bool
    messaged: bool = False  # the box spoke itself


@dataclass(frozen=True)
class RecordingRow:
    """One recording of the campaign and whether it was opened, decoded and found whole."""

    attempt_id: str | None
    verified: bool


@dataclass(frozen=True)
class ImportFigures:
    rows: int
    rejected: int
    duplicates: int
    reasons: dict[str, int]


def percentiles(values: Iterable[float]) -> dict[str, float | None]:
    """p50 and p95 by nearest rank, None without values."""
    ordered = sorted(values)
    if not ordered:
        return {"p50": None, "p95": None}

    def rank(share: float) -> float:
        return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 3)

    return {"p50": rank(0.5), "p95": rank(0.95)}


def make_report(
    imported: ImportFigures, attempts: Sequence[AttemptRow], recordings: Sequence[RecordingRow],
    truth: Sequence[dict[str, Any]], *, attempts_max: int, elapsed_s: float,
) -> dict[str, Any]:  # fmt: skip
    """The object that `callbox demo --json` prints.

    `attempts_max`: how often the campaign may dial one number; more counts as dialled twice, as does a call that the
    exchange saw and the database does not know.
    """
    truth_of = _truth_by_number(truth)
    confusion: dict[str, Counter[str]] = defaultdict(Counter)
    for attempt in attempts:
        confusion[_true_outcome(attempt, truth_of)][attempt.outcome or NO_OUTCOME] += 1
    live = [a for a in attempts if a.outcome in LIVE_OUTCOMES and a.answered_at is not None]
    people = [a for a in live if _true_outcome(a, truth_of) == Outcome.HUMAN]
    recorded = {r.attempt_id for r in recordings}
    unrecorded = [a for a in attempts if a.answered_at is not None and a.id not in recorded]
    return {
        "rows": imported.rows,
        "rejected": imported.rejected,
        "reasons": imported.reasons,
        "duplicates": imported.duplicates,
        "dialled": len({a.number for a in attempts}),
        "outcomes": dict(Counter(a.outcome or NO_OUTCOME for a in attempts)),
        "confusion": {true: dict(heard) for true, heard in sorted(confusion.items())},
        "live_answers": len(live),
        "connected": sum(a.bridged_at is not None for a in attempts),
        "abandoned": sum(a.abandoned for a in attempts),
        "messages": sum(a.messaged for a in attempts),
        "verdict_s": percentiles(_seconds(a.answered_at, a.verdict_at) for a in people if a.verdict_at),
        "answer_to_agent_s": percentiles(_seconds(a.answered_at, a.bridged_at) for a in live if a.bridged_at),
        "verdict_to_agent_s": percentiles(
            _seconds(a.verdict_at, a.bridged_at) for a in live if a.bridged_at and a.verdict_at
        ),
        "recordings": {"written": len(recordings), "verified": sum(r.verified for r in recordings)},
        "lost": sum(a.outcome is None for a in attempts) + len(unrecorded),
        "double_dialled": _double_dialled(attempts, truth, attempts_max),
        "elapsed_s": round(elapsed_s, 1),
    }


def _truth_by_number(truth: Sequence[dict[str, Any]]) -> dict[str, str]:
    """What the exchange's last word on each number was (a second gateway tried for one call says the same)."""
    return {str(call["number"]): str(call["truth"]) for call in truth}


def _true_outcome(attempt: AttemptRow, truth_of: dict[str, str]) -> str:
    return truth_of.get(national(attempt.number), NOT_SEEN)


def _seconds(start: datetime | None, end: datetime | None) -> float:
    assert start is not None
    assert end is not None
    return (end - start).total_seconds()


def _double_dialled(attempts: Sequence[AttemptRow], truth: Sequence[dict[str, Any]], attempts_max: int) -> int:
    """Numbers dialled more often than allowed, or more often at the exchange than the database knows.

    An attempt that the switch refused before it dialled may be made again: the exchange's calls count, by Call-ID,
    since a second gateway that is tried for one call sees the same one.
    """
    known = Counter(national(a.number) for a in attempts)
    taken = Counter(national(a.number) for a in attempts if a.originated)
    calls: dict[str, set[str]] = defaultdict(set)
    for call in truth:
        calls[str(call["number"])].add(str(call["call_id"]))
    numbers = set(known) | set(calls)
    return sum(max(taken[n], len(calls[n])) > attempts_max or len(calls[n]) > known[n] for n in numbers)
