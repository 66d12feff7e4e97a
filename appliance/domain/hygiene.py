"""Number hygiene: what the calls say of a number itself, whoever it belongs to. Pure.

A number that is vacant, changed, or a fax is retired after two such verdicts on different days, or at once when the
ear and the exchange's cause (SIP, Q.850) say the same. One that is out of service, often only an unpaid bill, is parked
for a week and tried again; after three such weeks it is retired too. What shows that somebody is there wipes out what
was said against the number. Only a person lets a retired number dial again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from appliance.types import Kind, NumberState, Outcome

PARK = timedelta(days=7)
DAYS_TO_RETIRE = 2
DAYS_OUT_OF_SERVICE = 4
"""Days on which a number was out of service before it is given up: three parkings lie between them."""
HISTORY_MAX = 8

_GROUPS = {
    Outcome.VACANT: "vacant", Outcome.SIT_VACANT: "vacant", Outcome.NUMBER_CHANGED: "number_changed",
    Outcome.FAX: "fax", Outcome.MODEM: "fax", Outcome.OUT_OF_SERVICE: "out_of_service",
}  # fmt: skip
"""Verdicts that confirm each other."""
_CAUSES = {"vacant": ({1, 28}, {404, 410, 484, 604}), "number_changed": ({22}, {301, 410})}
"""Q.850 causes and SIP statuses by which the exchange says the same as the ear."""
_SOMEBODY = frozenset({Outcome.HUMAN, Outcome.SCREENING})
_IN_USE = _SOMEBODY | {
    Outcome.MACHINE, Outcome.IVR, Outcome.RINGBACK, Outcome.BUSY, Outcome.NO_ANSWER, Outcome.REJECTED,
    Outcome.POWERED_OFF, Outcome.UNREACHABLE,
}  # fmt: skip
"""The exchange knows the number: it is neither vacant nor changed nor out of service."""


@dataclass(frozen=True)
class Said:
    """What one attempt said of its number. `day` is the day where the box stands."""

    day: date
    outcome: Outcome
    kind: str
    attempt_id: str
    sip_status: int | None = None
    q850: int | None = None


@dataclass(frozen=True)
class Noted:
    """A verdict against a number as it is kept: the evidence is the attempt (and its recording)."""

    day: str  # ISO 8601
    outcome: str
    kind: str
    attempt_id: str


@dataclass(frozen=True)
class Health:
    """What is known of a number."""

    state: NumberState = NumberState.GOOD
    reason: str = ""
    since: datetime | None = None
    parked_until: datetime | None = None
    verdicts: tuple[Noted, ...] = ()

    @property
    def suspected(self) -> bool:
        """One verdict stands against a number that is still dialled."""
        return self.state is NumberState.GOOD and any(_group(one.outcome) for one in self.verdicts)


def after(health: Health, said: Said, now: datetime) -> Health:
    """What becomes of a number by one more attempt."""
    if health.state is NumberState.RETIRED:
        return health  # by a person's decision only
    group = _group(said.outcome)
    if group is None:
        return _contradicted(health, said, now)
    noted = Noted(said.day.isoformat(), said.outcome.value, said.kind, said.attempt_id)
    verdicts = (*health.verdicts, noted)[-HISTORY_MAX:]
    days = {one.day for one in verdicts if _group(one.outcome) == group}
    needed = DAYS_OUT_OF_SERVICE if group == "out_of_service" else DAYS_TO_RETIRE
    if len(days) >= needed or _agreed(group, said):
        return Health(NumberState.RETIRED, group, now, None, verdicts)
    if group == "out_of_service":
        return Health(NumberState.PARKED, group, now, now + PARK, verdicts)
    return replace(health, verdicts=verdicts)


def by_hand(health: Health, state: NumberState, reason: str, now: datetime) -> Health:
    """What a person decided; a number that may dial again begins without a past."""
    verdicts = () if state is NumberState.GOOD else health.verdicts
    return Health(state, reason, now, now + PARK if state is NumberState.PARKED else None, verdicts)


def _group(outcome: str) -> str | None:
    return _GROUPS.get(Outcome(outcome)) if outcome in _GROUPS else None


def _agreed(group: str, said: Said) -> bool:
    """The ear heard it (announcement, SIT) and the exchange gave a cause that says so."""
    if said.kind == Kind.SIGNALLING or group not in _CAUSES:
        return False
    causes, statuses = _CAUSES[group]
    return said.q850 in causes or (said.q850 is None and said.sip_status in statuses)


def _contradicted(health: Health, said: Said, now: datetime) -> Health:
    """A sign of life: what was said against the number before does not hold. A fax may be busy, but never talks."""
    if said.outcome not in _IN_USE:
        return health
    kept = () if said.outcome in _SOMEBODY else tuple(v for v in health.verdicts if _group(v.outcome) == "fax")
    if kept == health.verdicts and health.state is NumberState.GOOD:
        return health
    since = health.since if health.state is NumberState.GOOD else now
    return Health(NumberState.GOOD, "", since, None, kept)
