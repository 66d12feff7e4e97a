"""The health of a list: how many of its numbers are good, rest, are given up, or were never tried; with evidence."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Select, String, cast, exists, func, select
from sqlalchemy.orm import Session

from appliance.store.db import Store
from appliance.store.models import Attempt, ContactNumber, Lead, PhoneNumber, Recording
from appliance.types import NumberState

SHOWN_MAX = 200


@dataclass(frozen=True)
class Evidence:
    """One verdict against a number: the attempt, and its recording when there is one."""

    day: str
    outcome: str
    kind: str
    attempt_id: str
    recording_id: str = ""


@dataclass(frozen=True)
class NumberView:
    """One number that is not simply good."""

    number: str
    state: str
    reason: str
    since: datetime | None
    parked_until: datetime | None
    region: str
    line_type: str
    evidence: list[Evidence]


@dataclass(frozen=True)
class ListHealth:
    """Numbers of a list by state; each number is counted once. `good` were dialled, `unknown` were not yet.

    `suspected` are among the good ones: one verdict stands against them. `reasons`: (state, reason) -> numbers.
    """

    numbers: int = 0
    good: int = 0
    suspected: int = 0
    parked: int = 0
    retired: int = 0
    unknown: int = 0
    reasons: dict[tuple[str, str], int] = field(default_factory=dict)
    line_types: dict[str, int] = field(default_factory=dict)

    def share(self, count: int) -> float:
        return count / self.numbers if self.numbers else 0.0


def health(store: Store, *, campaign_id: str | None = None, import_id: str | None = None) -> ListHealth:
    """Count the numbers of the people of a campaign, of an import, or of the whole box."""
    of_list = _numbers(campaign_id, import_id).subquery()
    dialled = exists().where(Attempt.number == of_list.c.number, Attempt.originated_at.is_not(None))
    doubted = cast(PhoneNumber.verdicts, String).not_in(["[]", "null"])
    state = func.coalesce(PhoneNumber.state, NumberState.GOOD.value)
    query = (
        select(state, PhoneNumber.state_reason, PhoneNumber.line_type, dialled, doubted, func.count())
        .select_from(of_list)
        .outerjoin(PhoneNumber, PhoneNumber.number == of_list.c.number)
        .group_by(state, PhoneNumber.state_reason, PhoneNumber.line_type, dialled, doubted)
    )
    counts = dict.fromkeys(("good", "suspected", "parked", "retired", "unknown"), 0)
    reasons: dict[tuple[str, str], int] = {}
    line_types: dict[str, int] = {}
    with store.read() as db:
        for kept, reason, line_type, was_dialled, has_verdicts, count in db.execute(query):
            good = kept == NumberState.GOOD
            counts["unknown" if good and not was_dialled else kept] += count
            counts["suspected"] += count if good and has_verdicts else 0
            line_types[line_type or "unknown"] = line_types.get(line_type or "unknown", 0) + count
            if not good:
                reasons[kept, reason] = reasons.get((kept, reason), 0) + count
    total = counts["good"] + counts["parked"] + counts["retired"] + counts["unknown"]
    return ListHealth(numbers=total, **counts, reasons=reasons, line_types=line_types)


def bad_numbers(
    store: Store, *, campaign_id: str | None = None, import_id: str | None = None, state: str = "", digits: str = "",
    limit: int = SHOWN_MAX,
) -> list[NumberView]:  # fmt: skip
    """Numbers that rest, are given up or are suspected, the latest first; `digits`: part of the number looked for."""
    of_list = _numbers(campaign_id, import_id)
    query = select(PhoneNumber).where(
        PhoneNumber.number.in_(of_list),
        (PhoneNumber.state != NumberState.GOOD) | cast(PhoneNumber.verdicts, String).not_in(["[]", "null"]),
    )
    if state:
        query = query.where(PhoneNumber.state == state)
    if wanted := "".join(c for c in digits if c.isdigit()):
        query = query.where(PhoneNumber.number.contains(wanted))
    with store.read() as db:
        rows = db.scalars(query.order_by(PhoneNumber.state_since.desc(), PhoneNumber.number).limit(limit)).all()
        recordings = _recordings(db, [one["attempt_id"] for row in rows for one in row.verdicts or ()])
        return [_view(row, recordings) for row in rows]


def _numbers(campaign_id: str | None, import_id: str | None) -> Select[Any]:
    query = select(ContactNumber.number).distinct()
    if campaign_id or import_id:
        query = query.join(Lead, Lead.contact_id == ContactNumber.contact_id)
    if campaign_id:
        query = query.where(Lead.campaign_id == campaign_id)
    if import_id:
        query = query.where(Lead.import_id == import_id)
    return query


def _recordings(db: Session, attempts: list[str]) -> dict[str, str]:
    query = select(Recording.attempt_id, Recording.id).where(
        Recording.attempt_id.in_(attempts), Recording.state != "deleted"
    )
    return {attempt: recording for attempt, recording in db.execute(query) if attempt}


def _view(row: PhoneNumber, recordings: dict[str, str]) -> NumberView:
    evidence = [Evidence(**one, recording_id=recordings.get(one["attempt_id"], "")) for one in row.verdicts or ()]
    since = row.state_since.astimezone(UTC) if row.state_since else None
    return NumberView(
        row.number, row.state, row.state_reason, since, row.parked_until, row.region, row.line_type, evidence
    )
