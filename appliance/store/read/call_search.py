"""Calls and recordings found by anything that is known of them, a page at a time, however many there are.

`call_search` (written by jobs.search_index) has one row a call; its tokens are cut with each other by index, in the
order of time, so that a page costs the same whether the words are common or rare.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Integer, Select, Text, cast, column, func, literal, or_, select, table, text
from sqlalchemy.dialects.postgresql import ARRAY, array
from sqlalchemy.orm import Session

from appliance.domain import call_words
from appliance.store import granted
from appliance.store.db import Store
from appliance.store.models import (
    Attempt,
    CallSearch,
    Campaign,
    Department,
    InboundCall,
    Lead,
    Recording,
    User,
)  # fmt: skip
from appliance.store.read.pages import Page

SORTS = ("newest", "oldest", "longest", "shortest", "best", "worst")
_VALUES = {"longest": CallSearch.duration_s, "shortest": CallSearch.duration_s, "best": CallSearch.score,
           "worst": CallSearch.score}  # fmt: skip
_UPWARDS = frozenset({"oldest", "shortest", "worst"})
_COMMON = 10_000  # more calls than these are not sorted but met in the order of an index
_DIGITS_MAX = 5  # of a long number: its first digits are those of all numbers, and long to look up
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_words = table("call_words", column("rowid", Integer), column("call_words"))


@dataclass(frozen=True, kw_only=True)
class CallFilter:
    """What is looked for; None or empty: anything. Words must all be there; `number` as domain.call_words says.

    `agent_ids`: only of these (how far the reader's permission goes); `team`: a department and all below it.
    """

    number: str = ""
    name: str = ""
    note: str = ""
    campaign_id: str = ""
    agent_id: str = ""
    team: str = ""
    agent_ids: frozenset[str] | None = None
    outcome: str = ""
    disposition: str = ""
    direction: str = ""  # inbound | outbound
    since: datetime | None = None
    until: datetime | None = None
    at_least_s: float | None = None
    at_most_s: float | None = None
    score_at_least: float | None = None
    score_at_most: float | None = None
    held: bool = False
    recorded: bool = True
    sort: str = "newest"


@dataclass(frozen=True)
class CallRow:
    """One call that was found; `duration_s` and `state` are its recording's (`recording_id` None: there is none)."""

    conversation_id: str
    recording_id: str | None
    at: datetime
    number: str
    name: str
    note: str
    campaign_name: str
    agent_name: str
    outcome: str
    disposition: str
    direction: str
    duration_s: float | None
    state: str
    legal_hold: bool
    score: float | None


def search(store: Store, wanted: CallFilter, *, cursor: str = "", size: int = 50) -> Page[CallRow]:
    """A page of calls; `cursor` is that of the page before (Page.older)."""
    with store.read() as db:
        rows = _found(db, wanted, cursor, size + 1, sqlite=store.is_sqlite)
        page = _rows(db, rows[:size])
    last = rows[size - 1] if len(rows) > size else None
    return Page(page, _cursor(wanted, last) if last is not None else None)


def recording_ids(store: Store, wanted: CallFilter, limit: int) -> list[str]:
    """Recordings that are found, at most `limit`."""
    with store.read() as db:
        rows = _found(db, wanted, "", limit, sqlite=store.is_sqlite)
    return [row.recording_id for row in rows if row.recording_id]


def _found(db: Session, wanted: CallFilter, cursor: str, limit: int, *, sqlite: bool) -> Sequence[Any]:
    must, any_of = _tokens(db, wanted)
    if any(not group for group in any_of):
        return []
    by_value = wanted.sort in _VALUES
    by_words = sqlite and bool(must or any_of)
    seq: Any = _words.c.rowid if by_words and not by_value else CallSearch.seq
    query = _bounded(wanted, cursor, seq)
    query = _matched_sqlite(db, query, wanted, must, any_of) if by_words else query.where(*_matched(must, any_of))
    order: list[Any] = [_VALUES[wanted.sort], seq] if by_value else [seq]
    up = wanted.sort in _UPWARDS
    return db.execute(query.order_by(*(one.asc() if up else one.desc() for one in order)).limit(limit)).all()


def _tokens(db: Session, wanted: CallFilter) -> tuple[list[str], list[list[str]]]:
    """Tokens that a call must all have, and groups of which it must have one."""
    must = [*call_words.of_number(wanted.number), *call_words.of_text("p", wanted.name),
            *call_words.of_text("t", wanted.note)]  # fmt: skip
    plain = {"a": wanted.agent_id, "c": wanted.campaign_id, "o": wanted.outcome, "d": wanted.disposition}
    must += [call_words.of_value(kind, value) for kind, value in plain.items() if value]
    any_of: list[list[str]] = []
    people = wanted.agent_ids
    if wanted.team:
        team = _team(db, wanted.team)
        people = team if people is None else people & team
    if people is not None:
        any_of.append(call_words.of_any("a", people))
    if wanted.at_least_s is not None or wanted.at_most_s is not None:
        any_of.append(call_words.of_lengths(wanted.at_least_s, wanted.at_most_s))
    elif wanted.recorded and wanted.sort not in _VALUES:
        must.append("r=1")
    if wanted.score_at_least is not None or wanted.score_at_most is not None:
        any_of.append(call_words.of_scores(wanted.score_at_least, wanted.score_at_most))
    if wanted.held:
        must.append("h=1")
    if wanted.direction:
        must.append("i=1" if wanted.direction == "inbound" else "i=0")
    return must, any_of


def _team(db: Session, department_id: str) -> frozenset[str]:
    rows = db.execute(select(Department.id, Department.parent_id)).all()
    team = granted.below(department_id, [(row[0], row[1]) for row in rows])
    return frozenset(db.scalars(select(User.id).where(User.department_id.in_(team))))


def _bounded(wanted: CallFilter, cursor: str, place: Any) -> Select[Any]:
    """What no token says: exact bounds, the time, and where the page before ended."""
    row = CallSearch
    shown: tuple[Any, ...] = (row.seq, row.conversation_id, row.recording_id, row.duration_s, row.score)
    query: Select[Any] = select(*shown)
    length, score = CallSearch.duration_s, CallSearch.score
    for low, high, of in (
        (_micros(wanted.since), _micros(wanted.until), place),
        (wanted.at_least_s, wanted.at_most_s, length),
        (wanted.score_at_least, wanted.score_at_most, score),
    ):
        query = query.where(of >= low) if low is not None else query
        query = query.where(of < high if of is place else of <= high) if high is not None else query
    value = _VALUES.get(wanted.sort)
    if value is not None:
        query = query.where(value.is_not(None))
    seq, at = _place(cursor)
    if seq is None:
        return query
    up = wanted.sort in _UPWARDS
    after = place > seq if up else place < seq
    if value is None:
        return query.where(after)
    return query.where(or_(value > at if up else value < at, (value == at) & after))


def _matched_sqlite(
    db: Session, query: Select[Any], wanted: CallFilter, must: list[str], any_of: list[list[str]]
) -> Select[Any]:  # fmt: skip
    """By the word index in the order of time. For another order few hits are sorted, and many are met soon in it."""
    digits = [token for token in must if token.startswith("n=")]
    looked_up = [token for token in must if token not in digits[:-_DIGITS_MAX]]
    groups = [f'"{token}"' for token in looked_up]
    groups += ["(" + " OR ".join(f'"{one}"' for one in group) + ")" for group in any_of]
    match = _words.c.call_words.op("MATCH")(" AND ".join(groups))
    rest = [_has(token) for token in digits[:-_DIGITS_MAX]]
    if wanted.sort not in _VALUES:
        return query.select_from(_words).join(CallSearch, CallSearch.seq == _words.c.rowid).where(match, *rest)
    hits = db.scalars(select(_words.c.rowid).where(match).limit(_COMMON + 1)).all()
    if len(hits) > _COMMON:
        return query.where(*map(_has, must), *(or_(*map(_has, group)) for group in any_of))
    found = func.json_each("[" + ",".join(map(str, hits)) + "]").table_valued("value").alias("found")
    return query.join(found, CallSearch.seq == found.c.value).where(*rest)


def _has(token: str) -> ColumnElement[bool]:
    """Whether a row's words hold a token, looked at in the row itself."""
    return func.instr(" " + CallSearch.words + " ", f" {token} ") > 0


def _matched(must: list[str], any_of: list[list[str]]) -> list[ColumnElement[bool]]:
    """By PostgreSQL's index of the words as an array."""
    words = func.string_to_array(CallSearch.words, text("' '"), type_=ARRAY(Text))
    conditions = [words.contains(cast(array(must), ARRAY(Text)))] if must else []
    return conditions + [words.overlap(cast(array(group), ARRAY(Text))) for group in any_of]


def _micros(at: datetime | None) -> int | None:
    return None if at is None else int((at - _EPOCH).total_seconds() * 1_000_000)


def _cursor(wanted: CallFilter, row: Any) -> str:
    if wanted.sort not in _VALUES:
        return str(row.seq)
    return f"{row.seq}:{(row.score if _VALUES[wanted.sort] is CallSearch.score else row.duration_s)!r}"


def _place(cursor: str) -> tuple[int | None, float]:
    seq, _, value = cursor.partition(":")
    try:
        return int(seq), float(value or 0)
    except ValueError:
        return None, 0.0


def _rows(db: Session, found: Sequence[Any]) -> list[CallRow]:
    """What is shown of the calls of one page, in its order."""
    ids = [row.conversation_id for row in found]
    sounds = {
        row.id: row
        for row in db.execute(
            select(Recording.id, Recording.state, Recording.legal_hold, Recording.started_at, Recording.agent_id,
                   Recording.campaign_id)
            .where(Recording.id.in_([row.recording_id for row in found if row.recording_id]))
        )
    }  # fmt: skip
    calls: dict[str, Any] = {}
    for model in (Attempt, InboundCall):
        inbound = model is InboundCall
        number, at = (InboundCall.caller, InboundCall.at) if inbound else (Attempt.number, Attempt.created_at)
        query = (
            select(model.id, at.label("at"), number.label("number"), Lead.name, model.note, model.agent_id,
                   model.campaign_id, model.outcome, model.disposition, literal(inbound).label("inbound"))
            .outerjoin(Lead, Lead.id == model.lead_id).where(model.id.in_(ids))
        )  # fmt: skip
        calls |= {row.id: row for row in db.execute(query)}
    people, campaigns = _names(db, calls.values(), sounds.values())
    return [_row(row, calls.get(row.conversation_id), sounds.get(row.recording_id), people, campaigns) for row in found]


def _names(db: Session, *groups: Any) -> tuple[dict[str, str], dict[str, str]]:
    rows = [row for group in groups for row in group]
    people = select(User.id, func.coalesce(func.nullif(User.display_name, ""), User.login)).where(
        User.id.in_({row.agent_id for row in rows if row.agent_id})
    )
    campaigns = select(Campaign.id, Campaign.name).where(
        Campaign.id.in_({row.campaign_id for row in rows if row.campaign_id})
    )
    return {row[0]: row[1] for row in db.execute(people)}, {row[0]: row[1] for row in db.execute(campaigns)}


def _row(found: Any, call: Any, sound: Any, people: dict[str, str], campaigns: dict[str, str]) -> CallRow:
    agent_id = (sound.agent_id if sound else None) or (call.agent_id if call else None) or ""
    campaign_id = (call.campaign_id if call else None) or (sound.campaign_id if sound else None) or ""
    return CallRow(
        conversation_id=found.conversation_id, recording_id=sound.id if sound else None,
        at=sound.started_at if sound else call.at if call else datetime.fromtimestamp(found.seq / 1e6, UTC),
        number=call.number if call else "", name=(call.name or "") if call else "", note=call.note if call else "",
        campaign_name=campaigns.get(campaign_id, ""), agent_name=people.get(agent_id, ""),
        outcome=(call.outcome or "") if call else "", disposition=call.disposition if call else "",
        direction="inbound" if call and call.inbound else "outbound", duration_s=found.duration_s,
        state=sound.state if sound else "", legal_hold=bool(sound and sound.legal_hold), score=found.score,
    )  # fmt: skip
