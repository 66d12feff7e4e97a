"""One caller as data: where he stands, what is known of him, the engine's own events and the notices it gives back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from appliance import events as bus_events
from appliance.commands import ConversationCommand
from appliance.domain.conversation import AgentConnected as AgentConnected
from appliance.domain.conversation import AgentFound as AgentFound
from appliance.domain.conversation import AgentFree as AgentFree
from appliance.domain.conversation import AgentUnreachable as AgentUnreachable
from appliance.domain.conversation import ConversationOver as ConversationOver
from appliance.domain.conversation import Expired as Expired
from appliance.domain.conversation import FindAgent as FindAgent
from appliance.domain.conversation import HangUpAsked as HangUpAsked
from appliance.domain.conversation import SeatRefused as SeatRefused
from appliance.domain.conversation import WorkerGone as WorkerGone
from appliance.domain.third_party import ThirdNotice


class InboundState(StrEnum):
    OFFERED = "offered"  # rings; the engine decides
    ANSWERING = "answering"  # told to answer
    NOTICE = "notice"  # hears that the call is recorded
    WAITING = "waiting"  # in the queue
    OFFER = "offer"  # has waited long enough: a key brings a call-back
    CONNECTING = "connecting"  # a seat rings for him
    TALKING = "talking"
    FAREWELL = "farewell"  # hears a last message, then we hang up
    CLOSING = "closing"  # hung up, or being hung up
    ENDED = "ended"


class InboundOutcome(StrEnum):
    CONNECTED = "connected"
    MISSED = "missed"  # gone before he was in a queue
    ABANDONED_IN_QUEUE = "abandoned_in_queue"
    CALLBACK_ASKED = "callback_asked"
    CLOSED = "closed"
    OVERFLOWED = "overflowed"


CLOSED, OVERFLOW, CALLBACK = "closed", "overflow", "callback"
"""Reasons that are an outcome: nobody answers at this hour, he has waited too long, or wants to be called back."""


@dataclass(frozen=True)
class InboundPolicy:
    """The figures of the queue where the caller waits now, taken when he came into it."""

    language: str = "zh"
    music: str = "music"
    closed_prompt: str = ""
    record: bool = True
    record_on_demand: bool = False
    record_required: bool = False  # by the rules of its campaign
    record_seats: Mapping[str, str] = field(default_factory=dict, hash=False)  # seats with a policy of their own
    notice: bool = False
    callback_key: bool = True
    max_wait_s: float = 600.0
    announce_every_s: float = 45.0
    overflow: str = "callback"
    seat_answer_timeout_s: float = 5.0


@dataclass(frozen=True)
class InboundCall:
    """A caller; `call_id` is the conversation's id. `agent_id` and `seat_id` while one is bound to him."""

    call_id: str
    trunk_id: str
    caller: str
    called: str
    at: datetime
    queue_id: str = ""
    policy: InboundPolicy = InboundPolicy()
    state: InboundState = InboundState.OFFERED
    last_seq: int = 0
    hops: int = 0
    deadline: datetime | None = None  # when `Expired` is due
    wait_ends: datetime | None = None  # when the queue has had him long enough
    resting: bool = False  # no agent is tried before the deadline: his worker refused one a moment ago
    callback_at: datetime | None = None
    answered_at: datetime | None = None
    queued_at: datetime | None = None
    bridged_at: datetime | None = None
    ended_at: datetime | None = None
    lost: bool = False
    reason: str = ""  # CLOSED, OVERFLOW, CALLBACK, or what ended the call
    contact_id: str | None = None
    lead_id: str | None = None
    campaign_id: str = ""
    agent_id: str | None = None
    seat_id: str | None = None
    media: dict[str, Any] = field(default_factory=dict)
    controls: bus_events.Controls | None = None
    outside: bool = False  # he is with a number outside, or at a seat without an agent

    @property
    def waits(self) -> bool:
        """Is he somebody whom a free agent may be given?"""
        return self.state in (InboundState.WAITING, InboundState.OFFER) and not self.resting

    @property
    def wait_s(self) -> float:
        """Seconds from the answer to the agent, or to the end without one."""
        until = self.bridged_at or self.ended_at
        return max(0.0, (until - self.answered_at).total_seconds()) if until and self.answered_at else 0.0


def recognised(call: InboundCall, *, contact_id: str | None, lead_id: str | None, campaign_id: str) -> InboundCall:
    """Return the caller with his person, his record and the campaign of either."""
    return replace(call, contact_id=contact_id, lead_id=lead_id, campaign_id=campaign_id)


# ---- the engine's own events -------------------------------------------------------------------------


@dataclass(frozen=True)
class Admitted:
    """His queue is open: he is answered and waits there."""

    queue_id: str
    policy: InboundPolicy


@dataclass(frozen=True)
class TurnedAway:
    """No queue has his number, or it is closed: he hears so."""

    queue_id: str
    policy: InboundPolicy


@dataclass(frozen=True)
class Moved:
    """He goes on waiting in another queue."""

    queue_id: str
    policy: InboundPolicy


OwnEvent = Admitted | TurnedAway | Moved | AgentFound | SeatRefused | Expired | HangUpAsked | WorkerGone
InboundEvent = OwnEvent | bus_events.ConversationEvent


# ---- notices to the engine -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Decide:
    """He rings: answer with Admitted or TurnedAway."""


@dataclass(frozen=True)
class Announce:
    """Say him his place and how long it may take."""


@dataclass(frozen=True)
class Overflowed:
    """He has waited long enough for this queue, which names another one: answer with Moved, or Expired again."""


@dataclass(frozen=True)
class PassedTo:
    """An agent has passed him on to another queue: answer with Moved."""

    queue_id: str


@dataclass(frozen=True)
class CallBack:
    """He asked for a call-back: put him before the list."""


@dataclass(frozen=True)
class Ended:
    """The call is closed with its outcome."""

    outcome: InboundOutcome


Notice = (
    Decide | FindAgent | Announce | Overflowed | CallBack | AgentConnected | AgentFree | AgentUnreachable
    | ConversationOver | Ended | PassedTo | ThirdNotice
)  # fmt: skip
Commands = tuple[Notice | ConversationCommand, ...]
