"""Lists out of the box's own rows: missed calls, call history, due call-backs, rows that an import refused.

A source is written as a file into the upload folder, and goes from there the way of every list: columns, dry run,
duplicates, rejects.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from appliance.commands import MakeList
from appliance.domain.amounts import amount_text
from appliance.domain.list_columns import PHONES
from appliance.domain.lists import DUPLICATES
from appliance.errors import CallerError
from appliance.outside.table_files import write_xlsx
from appliance.store.models import Attempt, ContactNumber, ImportReject, InboundCall, Lead
from appliance.store.repositories import imports
from appliance.types import LeadState, NumberType, Outcome

SOURCES = ("missed", "history", "callbacks", "rejects")
_HEADER = (*(role.value for role in PHONES), "name", "amount", "currency", "external id", "last call", "last outcome")
_MISSED = ("missed", "abandoned_in_queue", "callback_asked", "closed", "overflowed")
_PAGE = 500

Rows = list[Sequence[Any]]


def make_list(session: Session, wanted: MakeList, target: Path, box_zone: ZoneInfo) -> int:
    """Write the list of a source; returns its rows. Raises CallerError for an unknown source, day or outcome."""
    if wanted.source not in SOURCES:
        raise CallerError("list.unknown_source", f"Use one of {', '.join(SOURCES)}.", source=wanted.source)
    if wanted.source == "rejects":
        header, rows = _rejects(session, wanted.import_id or "")
    else:
        header, rows = list(_HEADER), _people(session, wanted, box_zone)
    write_xlsx(target, [("list", header, rows)])
    return len(rows)


def _people(session: Session, wanted: MakeList, box_zone: ZoneInfo) -> Rows:
    since, until = _span(wanted, box_zone)
    if wanted.source == "callbacks":
        return _of_leads(session, _callbacks(session, wanted.campaign_id, until))
    if wanted.source == "missed":
        return _missed(session, since, until)
    return _of_leads(session, _history(session, wanted, since, until))


def _history(session: Session, wanted: MakeList, since: datetime, until: datetime) -> Iterable[Lead]:
    """Leads whose last attempt in the span ended so, the latest one first."""
    unknown = set(wanted.outcomes) - set(Outcome)
    if unknown:
        raise CallerError("list.unknown_outcome", f"No call ends as {', '.join(sorted(unknown))}.")
    query = (
        select(Attempt.lead_id, Attempt.outcome)
        .where(Attempt.created_at >= since, Attempt.created_at < until, Attempt.outcome.is_not(None))
        .order_by(Attempt.created_at.desc())
    )
    if wanted.campaign_id:
        query = query.where(Attempt.campaign_id == wanted.campaign_id)
    last: dict[str, str] = {}
    for lead_id, outcome in session.execute(query):
        last.setdefault(lead_id, outcome or "")
    chosen = [lead for lead, outcome in last.items() if not wanted.outcomes or outcome in wanted.outcomes]
    return _leads(session, chosen)


def _callbacks(session: Session, campaign_id: str | None, until: datetime) -> Iterable[Lead]:
    """Leads that were promised a call by then and wait still."""
    query = (
        select(Lead).where(Lead.callback_at < until, Lead.state == LeadState.WAITING).order_by(Lead.callback_at)
    )
    return session.scalars(query.where(Lead.campaign_id == campaign_id) if campaign_id else query)


def _missed(session: Session, since: datetime, until: datetime) -> Rows:
    """People whom no agent spoke with: callers, and those whom we called and left alone; not those reached since."""
    calls = session.execute(
        select(InboundCall.caller, InboundCall.lead_id, InboundCall.at, InboundCall.outcome)
        .where(
            InboundCall.at >= since, InboundCall.at < until, InboundCall.outcome.in_(_MISSED), InboundCall.caller != "",
        )
    ).all()  # fmt: skip
    left = session.execute(
        select(Attempt.number, Attempt.lead_id, Attempt.created_at, Attempt.outcome)
        .where(Attempt.created_at >= since, Attempt.created_at < until, Attempt.abandoned.is_(True))
    ).all()  # fmt: skip
    reached: dict[str, datetime] = {}
    for number, at in session.execute(
        select(Attempt.number, Attempt.bridged_at).where(Attempt.bridged_at >= since).union_all(
            select(InboundCall.caller, InboundCall.bridged_at).where(InboundCall.bridged_at >= since)
        )
    ):
        if at is not None:
            reached[number] = max(at, reached.get(number, at))
    last = {row[0]: row for row in sorted([*calls, *left], key=lambda row: row[2])}
    people = {row.id: row for row in _leads(session, [row[1] for row in last.values() if row[1]])}
    known = {row[0]: people[row[1]] for row in last.values() if row[1] in people}
    of_leads = dict(zip(known, _of_leads(session, known.values()), strict=True))
    rows: Rows = []
    for number, _lead, at, outcome in reversed(last.values()):
        if number in reached and reached[number] > at:
            continue
        rest = list(of_leads.get(number, [""] * len(_HEADER)))
        others = [one for one in rest[: len(PHONES)] if one and one != number]
        phones = [number, *others, *[""] * len(PHONES)][: len(PHONES)]
        rows.append([*phones, *rest[len(PHONES) : -2], at, outcome])
    return rows


def _of_leads(session: Session, found: Iterable[Lead]) -> Rows:
    """Rows of the list, each person with his numbers."""
    leads = list(found)
    rows: Rows = []
    for page in _pages(leads):
        numbers: dict[str, list[str]] = {}
        for person, number in session.execute(
            select(ContactNumber.contact_id, ContactNumber.number)
            .where(
                ContactNumber.contact_id.in_([lead.contact_id for lead in page]),
                or_(ContactNumber.type.is_(None), ContactNumber.type != NumberType.WRONG),
            )
            .order_by(ContactNumber.contact_id, ContactNumber.position)
        ):
            numbers.setdefault(person, []).append(number)
        for lead in page:
            phones = [*numbers.get(lead.contact_id, [lead.number]), *[""] * len(PHONES)][: len(PHONES)]
            amount = "" if lead.amount_minor is None else amount_text(lead.amount_minor, lead.currency)
            rows.append([
                *phones, lead.name, amount, lead.currency, lead.external_id, lead.next_attempt_at, lead.last_outcome,
            ])  # fmt: skip
    return rows


def _leads(session: Session, ids: Sequence[str]) -> list[Lead]:
    found: dict[str, Lead] = {}
    for page in _pages(list(ids)):
        found |= {lead.id: lead for lead in session.scalars(select(Lead).where(Lead.id.in_(page)))}
    return [found[one] for one in dict.fromkeys(ids) if one in found]


def _rejects(session: Session, import_id: str) -> tuple[list[str], Rows]:
    """The rows as they stood in the file, without those that were there already."""
    row = imports.get(session, import_id)
    query = (
        select(ImportReject.cells)
        .where(ImportReject.import_id == import_id, ImportReject.reason.not_in([one.value for one in DUPLICATES]))
        .order_by(ImportReject.row_number)
    )
    rows: Rows = list(session.scalars(query))
    headers = [str(header) for header in row.mapping.get("headers", [])]
    return headers or [""] * max((len(cells) for cells in rows), default=1), rows


def _span(wanted: MakeList, box_zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Instants of the days asked for (both included), in the zone of the box; a day left out is no bound."""
    try:
        first = date.fromisoformat(wanted.from_day) if wanted.from_day else date(2000, 1, 1)
        last = date.fromisoformat(wanted.to_day) if wanted.to_day else date(2199, 12, 31)
    except ValueError as error:
        raise CallerError("list.bad_day", "Write the days as 2026-03-05.") from error
    begin = datetime.combine(first, time(), box_zone)
    return begin, datetime.combine(last + timedelta(days=1), time(), box_zone)


def _pages(items: list[Any]) -> Iterator[list[Any]]:
    for start in range(0, len(items), _PAGE):
        yield items[start : start + _PAGE]
