"""What the rules are asked about: everything that happened with one person, and how he is to be contacted now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum


class EventKind(StrEnum):
    """One thing that happened; those of one dial share its `ref`."""

    ATTEMPT = "attempt"  # a dial went out
    RING = "ring"  # the exchange rang
    ANSWERED = "answered"  # by a person; a machine's answer is none
    ABANDONED = "abandoned"  # answered by a person, and nobody spoke with him
    CONVERSATION = "conversation"  # an agent spoke with him
    ROBOT = "robot"  # a machine spoke with him
    MESSAGE = "message"  # a text or a voice message was sent


@dataclass(frozen=True, slots=True)
class Event:
    """`debt` empty: not known, counted with every debt. `ref`: the attempt's id."""

    at: datetime
    kind: EventKind
    number: str
    debt: str = ""
    ref: str = ""


class Channel(StrEnum):
    CALL = "call"  # an agent is to speak
    ROBOT = "robot"  # a machine is to speak
    MESSAGE = "message"


@dataclass(frozen=True, slots=True)
class Consent:
    """What a person agreed to: `hours` (calls at other hours), `frequency`, `robot`, `third_party`."""

    kind: str
    given_at: datetime
    revoked_at: datetime | None = None

    def holds(self, now: datetime) -> bool:
        return self.given_at <= now and (self.revoked_at is None or now < self.revoked_at)


@dataclass(frozen=True, slots=True)
class Ledger:
    """All that is known of a person, and the contact that is asked for: `number`, `debt`, `channel`.

    `zones` are all IANA zones the person may be in (empty: unknown); `holidays` are local days off beside those of the
    country; `do_not_call` names the levels that bar him (box, campaign, person). Events after the instant that is
    asked about do not belong in it.
    """

    number: str
    events: tuple[Event, ...] = ()
    numbers: frozenset[str] = frozenset()  # all of the person's, `number` among them
    debt: str = ""
    channel: Channel = Channel.CALL
    zones: tuple[str, ...] = ()
    holidays: frozenset[date] = frozenset()
    in_call: bool = False
    do_not_call: frozenset[str] = frozenset()
    consents: tuple[Consent, ...] = ()
    contact_revoked: bool = False  # the person has taken back the consent to be contacted at all
    third_party: bool = False
    third_party_refused: bool = False
    debtor_unreachable: bool = False
    agent_guaranteed: bool = False  # an agent waits for this very call
    lead_attempts: int = 0  # dials of this lead that counted

    def agreed(self, kind: str, now: datetime, days: int | None = None) -> bool:
        """Say whether a consent holds now (`days`: for so long after it was given)."""
        for one in self.consents:
            fresh = days is None or now - one.given_at <= timedelta(days=days)
            if one.kind == kind and fresh and one.holds(now):
                return True
        return False
