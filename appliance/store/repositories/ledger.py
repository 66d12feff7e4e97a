"""The contact ledger: what happened with a person, from the rows, as it was known at an instant."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from appliance.domain.compliance_ledger import Channel, Consent, Event, EventKind, Ledger
from appliance.domain.numbers import zones
from appliance.store import models
from appliance.types import E164, LIVE_OUTCOMES, NO_TALK, NumberState, Outcome

_NEVER_RANG = frozenset({
    Outcome.VACANT, Outcome.CONGESTION, Outcome.TRUNK_FAILED, Outcome.CANCELLED, Outcome.SIT_VACANT,
    Outcome.SIT_NO_CIRCUIT, Outcome.SIT_REORDER, Outcome.OUT_OF_SERVICE, Outcome.UNREACHABLE, Outcome.POWERED_OFF,
    Outcome.BUSY, Outcome.CALL_BARRED, Outcome.NUMBER_CHANGED,
})  # fmt: skip
_UNREACHABLE_AFTER = 3  # attempts in a row without an answer (CBA guideline 2026)


@dataclass(frozen=True, slots=True)
class Asked:
    """One contact that is asked about."""

    contact_id: str
    number: str
    campaign_id: str
    debt: str = ""
    channel: Channel = Channel.CALL
    agent_guaranteed: bool = False
    lead_attempts: int = 0


def asked_of(lead: models.Lead, *, channel: Channel = Channel.CALL, agent_guaranteed: bool = False) -> Asked:
    """Return the question about a lead's next dial."""
    return Asked(
        lead.contact_id, lead.number, lead.campaign_id, lead.external_id, channel, agent_guaranteed, lead.attempts
    )


def load(
    session: Session, asked: Sequence[Asked], *, days: int, now: datetime, without: str = ""
) -> list[Ledger]:
    """Return a ledger for each question, of what was known at `now`, `days` back (`without`: an attempt's id).

    A person's calls are those made for him and those to any of his numbers, whoever they were made for. An attempt the
    exchange never saw does not count once it is closed.
    """
    people = sorted({one.contact_id for one in asked})
    numbers = _numbers(session, asked, people)
    events, busy = _events(session, numbers, since=now - timedelta(days=days), now=now, without=without)
    facts = {row.contact_id: row for row in session.scalars(
        select(models.PersonFacts).where(models.PersonFacts.contact_id.in_(people))
    )}  # fmt: skip
    every_number = {number for of in numbers.values() for number in of}
    box = set(session.scalars(select(models.DoNotCall.number).where(
        models.DoNotCall.number.in_(every_number), models.DoNotCall.created_at <= now
    )))  # fmt: skip
    campaign = {(row.campaign_id, row.number) for row in session.scalars(select(models.CampaignDoNotCall).where(
        models.CampaignDoNotCall.number.in_(every_number), models.CampaignDoNotCall.created_at <= now
    ))}  # fmt: skip
    found = []
    for one in asked:
        barred = {
            "box": one.number in box, "campaign": (one.campaign_id, one.number) in campaign,
            "person": _barred(facts.get(one.contact_id), now),
        }  # fmt: skip
        found.append(
            _ledger(
                session, one, facts.get(one.contact_id), events[one.contact_id], one.contact_id in busy,
                frozenset(level for level, holds in barred.items() if holds), now,
            )
        )  # fmt: skip
        found[-1] = replace(found[-1], numbers=frozenset(numbers[one.contact_id]))
    return found


def _numbers(session: Session, asked: Sequence[Asked], people: list[str]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for one in asked:
        found[one.contact_id].add(one.number)
    rows = session.execute(
        select(models.ContactNumber.contact_id, models.ContactNumber.number).where(
            models.ContactNumber.contact_id.in_(people)
        )
    )
    for contact_id, number in rows:
        found[contact_id].add(number)
    return found


def _barred(facts: models.PersonFacts | None, now: datetime) -> bool:
    return facts is not None and facts.do_not_call_since is not None and facts.do_not_call_since <= now


def _ledger(
    session: Session, asked: Asked, facts: models.PersonFacts | None, events: list[Event], in_call: bool,
    barred: frozenset[str], now: datetime,
) -> Ledger:  # fmt: skip
    plain = Ledger(
        number=asked.number, events=tuple(events), debt=asked.debt, channel=asked.channel, in_call=in_call,
        zones=_zones(asked.number, facts.time_zone if facts else ""), do_not_call=barred,
        agent_guaranteed=asked.agent_guaranteed, lead_attempts=asked.lead_attempts,
    )  # fmt: skip
    if facts is None:
        return plain
    revoked = facts.contact_revoked_at
    return replace(
        plain, contact_revoked=revoked is not None and revoked <= now,
        consents=tuple(consent_of(one) for one in facts.consents), third_party=facts.third_party,
        third_party_refused=facts.third_party_refused,
        debtor_unreachable=bool(facts.debtor_id) and _unreachable(session, facts.debtor_id or "", now),
    )  # fmt: skip


def consent_of(plain: dict[str, Any]) -> Consent:
    """Read one entry of PersonFacts.consents."""
    revoked = plain.get("revoked_at")
    return Consent(
        plain["kind"], datetime.fromisoformat(plain["given_at"]), datetime.fromisoformat(revoked) if revoked else None
    )


def _zones(number: str, address_zone: str) -> tuple[str, ...]:
    """Return where a person may be: his address, and the number's region where it names just one zone."""
    of_number = zones(E164(number))
    if not address_zone:
        return of_number
    return (address_zone, *of_number) if len(of_number) == 1 and of_number[0] != address_zone else (address_zone,)


def _unreachable(session: Session, contact_id: str, now: datetime) -> bool:
    """Say whether a debtor has no number left that works, or did not answer three times in a row."""
    states = session.scalars(
        select(models.PhoneNumber.state)
        .join(models.ContactNumber, models.ContactNumber.number == models.PhoneNumber.number)
        .where(models.ContactNumber.contact_id == contact_id)
    ).all()
    if states and all(state != NumberState.GOOD for state in states):
        return True
    attempt = models.Attempt
    last = session.execute(
        select(attempt.outcome, attempt.bridged_at)
        .where(attempt.contact_id == contact_id, attempt.ended_at.is_not(None), attempt.ended_at <= now,
               attempt.originated_at.is_not(None))
        .order_by(attempt.created_at.desc()).limit(_UNREACHABLE_AFTER)
    ).all()  # fmt: skip
    return len(last) == _UNREACHABLE_AFTER and not any(
        bridged_at is not None or outcome in LIVE_OUTCOMES for outcome, bridged_at in last
    )


# ---- from attempts to events ---------------------------------------------------------------------------------

_READ = (
    "id", "contact_id", "number", "created_at", "originated_at", "answered_at", "bridged_at", "ended_at", "outcome",
    "disposition", "disposed_at", "abandoned", "clock_at", "message_at",
)  # fmt: skip


def _events(
    session: Session, numbers: dict[str, set[str]], *, since: datetime, now: datetime, without: str
) -> tuple[dict[str, list[Event]], set[str]]:
    """Return each person's events up to `now`, and who is in a call then."""
    attempt = models.Attempt
    every_number = sorted({number for of in numbers.values() for number in of})
    columns = [getattr(attempt, name) for name in _READ]
    rows = session.execute(
        select(*columns, models.Lead.external_id)
        .outerjoin(models.Lead, models.Lead.id == attempt.lead_id)
        .where(
            or_(attempt.contact_id.in_(sorted(numbers)), attempt.number.in_(every_number)),
            attempt.created_at > since, attempt.created_at <= now, attempt.id != without,
        )
        .order_by(attempt.created_at)
    ).all()  # fmt: skip
    found: dict[str, list[Event]] = defaultdict(list)
    busy: set[str] = set()
    owners: dict[str, set[str]] = defaultdict(set)
    for contact_id, of in numbers.items():
        for number in of:
            owners[number].add(contact_id)
    for row in rows:
        is_open = row.ended_at is None or row.ended_at > now
        if not is_open and row.originated_at is None:
            continue
        events = events_of(row, row.external_id or "", now)
        people = owners[row.number] | ({row.contact_id} if row.contact_id in numbers else set())
        for contact_id in people:
            found[contact_id] += events
            if is_open:
                busy.add(contact_id)
    return found, busy


def events_of(row: Any, debt: str, now: datetime) -> list[Event]:
    """Return what one attempt (its columns `_READ`) was to the person, as far as it had happened by `now`.

    A doubt counts against us: whoever was put through to an agent has spoken, unless it is known to be a machine.
    """
    outcome = row.outcome if row.ended_at is not None and row.ended_at <= now else None
    talked = row.disposition not in NO_TALK and row.disposed_at is not None and row.disposed_at <= now
    person = outcome is None or outcome in LIVE_OUTCOMES or outcome == Outcome.LOST or talked
    happened: list[tuple[EventKind, datetime | None]] = [(EventKind.ATTEMPT, row.created_at)]
    if row.answered_at is not None or (outcome is not None and outcome not in _NEVER_RANG):
        happened.append((EventKind.RING, row.created_at))
    if person:
        if outcome is not None or row.bridged_at is not None:
            happened.append((EventKind.ANSWERED, row.answered_at))
        happened.append((EventKind.CONVERSATION, row.bridged_at))
        happened.append((EventKind.ROBOT, row.message_at))
    else:
        happened.append((EventKind.MESSAGE, row.message_at))  # a voice message, left with a machine
    if row.abandoned:
        happened.append((EventKind.ABANDONED, row.clock_at or row.answered_at or row.created_at))
    return [
        Event(at, kind, row.number, debt, row.id) for kind, at in happened if at is not None and at <= now
    ]


def numbers_of(session: Session, contact_ids: Iterable[str]) -> dict[str, list[str]]:
    """Return the numbers of people, in their order."""
    found: dict[str, list[str]] = defaultdict(list)
    rows = session.scalars(
        select(models.ContactNumber)
        .where(models.ContactNumber.contact_id.in_(list(contact_ids)))
        .order_by(models.ContactNumber.contact_id, models.ContactNumber.position)
    )
    for row in rows:
        found[row.contact_id].append(row.number)
    return found
