"""What becomes of a lead after an attempt or a disposition: whether, when and on which number it is dialled again.

In two steps. `after_attempt` knows the outcome only: state and delay by the campaign's rules. `with_person` then knows
the person: his other numbers, what was tried, and when people like him answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from appliance.domain.best_hour import HourTable, best_instant
from appliance.domain.calling_hours import week_of, zone
from appliance.domain.campaign import CampaignConfig
from appliance.types import (
    HYGIENE_OUTCOMES,
    LIVE_OUTCOMES,
    Disposition,
    LeadState,
    LineType,
    NumberState,
    NumberType,
    Outcome,
)

NOT_DIALLED_RETRY_S = 3.0
CONFIRM_S = 24 * 3600.0
"""A number that seems dead is asked once more, on another day."""
OTHER_NUMBER_S = 900.0
"""Until the person's next number is tried, when it was tried less often than this one."""
BEST_HOUR_FROM_S = 3600.0
"""Shorter delays (busy, congestion) are kept as they are; longer ones look for a good hour."""
NOBODY_THERE = frozenset(
    {
        Outcome.NO_ANSWER, Outcome.RINGBACK, Outcome.MACHINE, Outcome.SCREENING, Outcome.POWERED_OFF,
        Outcome.UNREACHABLE, Outcome.CALL_BARRED, Outcome.ANNOUNCEMENT_UNKNOWN, *HYGIENE_OUTCOMES,
    }
)  # fmt: skip
"""Another number, and another time of day, may reach the person."""


@dataclass(frozen=True)
class LeadChange:
    """New state of the lead; `counted`: the attempt used up one of its dials; `number`: the one to dial next."""

    state: LeadState
    next_attempt_at: datetime | None = None
    counted: bool = True
    callback: bool = False
    number: str | None = None
    wrong_number: bool = False  # the number is somebody else's: never again for this person


@dataclass(frozen=True)
class PersonNumber:
    """One of the person's numbers, in order. `attempts`: dials of it for this lead."""

    number: str
    state: NumberState = NumberState.GOOD
    parked_until: datetime | None = None
    type: str = NumberType.UNKNOWN
    line_type: LineType = LineType.UNKNOWN
    time_zone: str = ""
    attempts: int = 0


@dataclass(frozen=True)
class Person:
    """What is known of the person behind a lead. `outcomes`: closed attempts by outcome, this one included."""

    lead_id: str
    number: str  # dialled just now
    numbers: Sequence[PersonNumber] = ()
    outcomes: Mapping[str, int] = field(default_factory=dict)
    tried: Sequence[datetime] = ()  # attempts that he did not answer
    suspected: bool = False  # one verdict stands against the number


def after_attempt(
    config: CampaignConfig, outcome: Outcome, *, dialled: bool, connected: bool, attempts_before: int, now: datetime
) -> LeadChange:
    """Return what an ended attempt does to its lead.

    `dialled` is False when the exchange never saw the call; `connected` when an agent spoke with the customer.
    """
    if not dialled:
        return LeadChange(LeadState.WAITING, now + timedelta(seconds=NOT_DIALLED_RETRY_S), counted=False)
    if connected and outcome in LIVE_OUTCOMES | {Outcome.LOST}:
        return LeadChange(LeadState.DONE)  # the disposition may bring it back
    return _again(config, outcome, attempts_before + 1, now)


def _again(config: CampaignConfig, outcome: Outcome, attempts: int, now: datetime) -> LeadChange:
    wait_s = CONFIRM_S if outcome in HYGIENE_OUTCOMES else config.retry_s.get(outcome)
    if wait_s is None or attempts >= config.attempts_total_max:
        return LeadChange(LeadState.DONE)
    return LeadChange(LeadState.WAITING, now + timedelta(seconds=wait_s))


def with_person(
    config: CampaignConfig, change: LeadChange, outcome: Outcome, person: Person, *, hours: HourTable, box_zone: str,
    now: datetime,
) -> LeadChange:  # fmt: skip
    """Say on which number, and at what hour, a lead that waits is dialled; or that none of its numbers is left."""
    numbers = [one for one in person.numbers if one.type != NumberType.WRONG]
    alive = [one for one in numbers if one.state is NumberState.GOOD]
    if outcome in HYGIENE_OUTCOMES and not alive and change.state in (LeadState.WAITING, LeadState.DONE):
        return _when_unparked(change, numbers)
    if change.state is not LeadState.WAITING or change.next_attempt_at is None or not change.counted or not alive:
        return change
    if _spent(config, outcome, person):
        return LeadChange(LeadState.DONE)
    chosen = _number(config, outcome, person, alive)
    current = next((one for one in numbers if one.number == person.number), None)
    fewer = current is None or current.state is not NumberState.GOOD or chosen.attempts < current.attempts
    if chosen.number != person.number and fewer:  # each number has its turn before the first waits its time again
        return replace(
            change, number=chosen.number,
            next_attempt_at=min(change.next_attempt_at, now + timedelta(seconds=OTHER_NUMBER_S)),
        )  # fmt: skip
    at = change.next_attempt_at
    if config.best_hour and outcome in NOBODY_THERE and (at - now).total_seconds() >= BEST_HOUR_FROM_S:
        name = config.time_zone if config.time_zone_rule == "fixed" else ""
        where = zone(name or (config.time_zone_rule == "number" and chosen.time_zone) or box_zone)
        at = best_instant(
            hours, at, week=week_of(config.calling_hours), where=where, line_type=chosen.line_type,
            tried=person.tried, seed=f"{person.lead_id}/{sum(person.outcomes.values())}",
        )  # fmt: skip
    return replace(change, number=chosen.number, next_attempt_at=at)


def _spent(config: CampaignConfig, outcome: Outcome, person: Person) -> bool:
    cap = config.retry_max.get(outcome)
    return cap is not None and person.outcomes.get(outcome.value, 0) >= cap


def _number(
    config: CampaignConfig, outcome: Outcome, person: Person, alive: Sequence[PersonNumber]
) -> PersonNumber:
    """The number of the next dial: the same one, unless nobody is there and another was tried less."""
    same = next((one for one in alive if one.number == person.number), None)
    if same is not None and (not config.other_numbers or outcome not in NOBODY_THERE):
        return same
    if not config.other_numbers:
        return alive[0]
    others = [one for one in alive if one is not same]
    fewest = min(others, key=lambda one: one.attempts, default=None)
    if fewest is None:
        return alive[0]
    return fewest if same is None or fewest.attempts < same.attempts or person.suspected else same


def _when_unparked(change: LeadChange, numbers: Sequence[PersonNumber]) -> LeadChange:
    parked = [one for one in numbers if one.state is NumberState.PARKED and one.parked_until is not None]
    if not parked:
        return LeadChange(LeadState.RETIRED)
    if change.state is LeadState.DONE:
        return change  # its dials are used up
    first = min(parked, key=lambda one: one.parked_until or datetime.max.replace(tzinfo=UTC))
    return replace(change, number=first.number, next_attempt_at=first.parked_until)


def on_other_number(change: LeadChange | None, number: str, now: datetime) -> LeadChange | None:
    """The person is dialled on another number next: when he promised it, else soon."""
    if change is not None and change.state is LeadState.DO_NOT_CALL:
        return change
    change = change or LeadChange(LeadState.WAITING)
    soon = now + timedelta(seconds=OTHER_NUMBER_S)
    at = change.next_attempt_at if change.callback else soon
    return replace(change, state=LeadState.WAITING, number=number, next_attempt_at=at)


def after_disposition(
    config: CampaignConfig, disposition: str, *, callback_at: datetime | None, attempts: int, now: datetime
) -> LeadChange | None:
    """Return what the agent's word does to the lead (`attempts` include this one); None: nothing more."""
    if disposition == Disposition.CALL_BACK and callback_at is not None:
        return LeadChange(LeadState.WAITING, callback_at, callback=True)
    if disposition == Disposition.DO_NOT_CALL:
        return LeadChange(LeadState.DO_NOT_CALL)
    if disposition == Disposition.WRONG_NUMBER:
        return LeadChange(LeadState.RETIRED, wrong_number=True)
    if disposition == Disposition.NOT_AT_HOME:
        return _again(config, Outcome.NO_ANSWER, attempts, now)
    if disposition == Disposition.MACHINE:
        return _again(config, Outcome.MACHINE, attempts, now)
    return None
