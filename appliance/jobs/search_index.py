"""Keeps what calls are found by (`call_search`) up with what is known of them.

Triggers leave a mark for each change of a call; here the marked calls are read again and written as they are now. The
writers of calls lose no time by it, and a search is a second or two behind at most.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session

from appliance.domain.call_words import CallFacts, tokens
from appliance.store.db import Store
from appliance.store.models import Attempt, CallChange, CallSearch, Evaluation, InboundCall, Lead, Recording

_BATCH = 150  # one write of some 20 ms
_BATCHES = 40  # in one sweep: a box with a million old calls is searchable after some minutes
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class _Found:
    """A call as it is to be found."""

    at: datetime
    recording_id: str | None
    facts: CallFacts


class SearchIndex:
    """The one writer of `call_search`."""

    def __init__(self, store: Store, *, batch: int = _BATCH) -> None:
        """`batch`: changes that are written at once; all other writers wait so long."""
        self._store = store
        self._size = batch

    def sweep(self) -> int:
        """Take up to some thousand changes; returns how many there were."""
        taken = 0
        for _ in range(_BATCHES):
            count = self._batch()
            taken += count
            if count < self._size:
                break
        return taken

    def _batch(self) -> int:
        with self._store.read() as db:
            marks = db.execute(
                select(CallChange.id, CallChange.conversation_id).order_by(CallChange.id).limit(self._size)
            ).all()
            ids = sorted({mark[1] for mark in marks})
            calls = _calls(db, ids) if ids else {}
        if not marks:
            return 0
        with self._store.write() as db:
            write(db, ids, calls)
            db.execute(delete(CallChange).where(CallChange.id.in_([mark[0] for mark in marks])))
        return len(marks)


def write(db: Session, ids: Sequence[str], calls: dict[str, _Found]) -> None:
    """Write calls as they are now; those of `ids` that are in no table any more go."""
    rows = {
        row.conversation_id: row for row in db.scalars(select(CallSearch).where(CallSearch.conversation_id.in_(ids)))
    }
    wanted = {one: _seq(call.at) for one, call in calls.items() if one not in rows}
    taken = set(db.scalars(select(CallSearch.seq).where(CallSearch.seq.in_(wanted.values()))))
    new: list[dict[str, Any]] = []
    for one in ids:
        call, row = calls.get(one), rows.get(one)
        if call is None:
            if row is not None:
                db.delete(row)
            continue
        values = {
            "recording_id": call.recording_id, "duration_s": call.facts.duration_s, "score": call.facts.score,
            "words": " ".join(tokens(call.facts)),
        }  # fmt: skip
        if row is None:
            new.append({"seq": _free(db, wanted[one], taken), "conversation_id": one, "at": call.at, **values})
            continue
        for name, value in values.items():
            setattr(row, name, value)
    if new:
        db.execute(insert(CallSearch), new)


def _seq(at: datetime) -> int:
    return int((at - _EPOCH).total_seconds() * 1_000_000)


def _free(db: Session, seq: int, taken: set[int]) -> int:
    """The next place that no call has: two may begin in the same microsecond."""
    while seq in taken:
        seq += 1
        if db.get(CallSearch, seq) is not None:
            taken.add(seq)
    taken.add(seq)
    return seq


def _calls(db: Session, ids: Sequence[str]) -> dict[str, _Found]:
    sounds = _recordings(db, ids)
    scores = _scores(db, ids)
    found: dict[str, _Found] = {}
    for model in (Attempt, InboundCall):
        inbound = model is InboundCall
        number, at = (InboundCall.caller, InboundCall.at) if inbound else (Attempt.number, Attempt.created_at)
        query = (
            select(model.id, at, number, Lead.name, model.note, model.agent_id, model.campaign_id, model.outcome,
                   model.disposition)
            .outerjoin(Lead, Lead.id == model.lead_id).where(model.id.in_(ids))
        )  # fmt: skip
        for row in db.execute(query):
            sound = sounds.get(row[0])
            facts = CallFacts(
                number=row[2], name=row[3] or "", note=row[4], agent_id=row[5] or (sound and sound.agent_id) or "",
                campaign_id=row[6] or "", outcome=row[7] or "", disposition=row[8], inbound=inbound,
                score=scores.get(row[0]), **_of_sound(sound),
            )  # fmt: skip
            found[row[0]] = _Found(row[1], sound.id if sound else None, facts)
    for one, sound in sounds.items():
        if one not in found:
            facts = CallFacts(
                agent_id=sound.agent_id or "", campaign_id=sound.campaign_id or "", score=scores.get(one),
                **_of_sound(sound),
            )  # fmt: skip
            found[one] = _Found(sound.started_at, sound.id, facts)
    return found


def _of_sound(sound: Any) -> dict[str, Any]:
    return {"duration_s": sound.duration_s, "held": sound.legal_hold} if sound else {}


def _recordings(db: Session, ids: Iterable[str]) -> dict[str, Any]:
    """The first recording of each conversation; those deleted and the ear's evidence are not listened to."""
    query = (
        select(Recording.id, Recording.conversation_id, Recording.duration_s, Recording.legal_hold, Recording.agent_id,
               Recording.campaign_id, Recording.started_at)
        .where(Recording.conversation_id.in_(ids), Recording.kind == "conversation", Recording.deleted_at.is_(None))
        .order_by(Recording.started_at.desc())
    )  # fmt: skip
    return {row.conversation_id: row for row in db.execute(query)}


def _scores(db: Session, ids: Iterable[str]) -> dict[str, float]:
    newest = func.max(Evaluation.scored_at).over(partition_by=Evaluation.conversation_id)
    inner = (
        select(Evaluation.conversation_id, Evaluation.score, Evaluation.scored_at, newest.label("newest"))
        .where(Evaluation.conversation_id.in_(ids), Evaluation.calibration_id.is_(None))
        .subquery()
    )
    query = select(inner.c.conversation_id, inner.c.score).where(inner.c.scored_at == inner.c.newest)
    return {row[0]: row[1] for row in db.execute(query)}
