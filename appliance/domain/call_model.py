"""One attempt as data: its state, what is known of it, the engine's own events and the notices it gives back."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from appliance import events as bus_events
from appliance.commands import ConversationCommand
from appliance.domain.abandoned import Clock
from appliance.domain.campaign import VoiceMessage
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
from appliance.domain.outcome import TrunkEnd, Verdict
from appliance.domain.third_party import ThirdNotice


class CallState(StrEnum):
    DIALLING = "dialling"
    EARLY = "early"
    ANSWERED = "answered"  # the ear listens
    HEARD = "heard"  # a person waits for an agent (where the clock starts at the answer: whoever answered)
    BEEP = "beep"  # a machine: the message is left after its beep
    MESSAGE = "message"  # the box speaks, keys count
    CONNECTING = "connecting"
    TALKING = "talking"
    CLOSING = "closing"  # hung up, or being hung up
    ENDED = "ended"


@dataclass(frozen=True)
class CallPolicy:
    """The figures one attempt runs under. `owner_*`: preview, the agent who dialled; `voice`: the box speaks itself.

    `clock`: from when on a person waits (domain.abandoned); with `answer` an agent is sought before the ear has judged.
    """

    abandon_after_s: float = 2.0
    clock: Clock = "greeting_end"
    clock_latency_s: float = 0.0
    notice: str = ""  # prompt at the start of a conversation that is recorded, where the rules want it
    greeting: str = ""  # prompt that is heard until an agent is free
    greeting_s: float = 0.0
    voice: VoiceMessage | None = None
    abandon_prompt: str = "abandoned"
    ring_timeout_s: float = 40.0
    verdict_deadline_s: float = 4.0
    seat_answer_timeout_s: float = 5.0
    owner_agent_id: str | None = None
    owner_seat_id: str | None = None

    @property
    def agent_first(self) -> bool:
        """Whoever answers is connected at once, and the ear only takes machines off again."""
        return self.clock == "answer" and self.voice is None and self.owner_agent_id is None


@dataclass(frozen=True)
class Call:
    attempt_id: str
    campaign_id: str
    lead_id: str
    number: str
    trunk_id: str
    created_at: datetime
    policy: CallPolicy = CallPolicy()
    state: CallState = CallState.DIALLING
    last_seq: int = 0
    deadline: datetime | None = None  # when `Expired` is due
    originated_at: datetime | None = None
    answered_at: datetime | None = None
    verdict_at: datetime | None = None
    bridged_at: datetime | None = None
    ended_at: datetime | None = None
    progressed: bool = False
    early: Verdict | None = None
    heard: Verdict | None = None
    late: Verdict | None = None  # the newest of what the ear said after its final word
    beep_end_ms: int | None = None  # end of a voicemail's beep, from answer
    trunk_end: TrunkEnd | None = None
    retry_after_s: int | None = None
    refused: Verdict | None = None  # Originate was not taken
    lost: bool = False
    agent_id: str | None = None
    seat_id: str | None = None
    abandoned: bool = False  # was told so; who counts as abandoned is domain.abandoned's word
    caller_id: str = ""
    failed_trunks: tuple[str, ...] = ()  # that this number was tried through just before
    clock_at: datetime | None = None
    within_s: float | None = None  # and so long after it an agent must be there
    left_at: datetime | None = None  # the customer's line ended
    message_at: datetime | None = None
    message_done: bool = False
    keys: str = ""
    stop_asked: bool = False  # by key: no more calls
    media: dict[str, Any] = field(default_factory=dict)
    controls: bus_events.Controls | None = None
    passed_on_s: float = 0.0  # an agent has passed the customer on: so long somebody is looked for who takes him
    queue_id: str = ""  # whose agents take him then
    outside: bool = False  # he is with a number outside, or at a seat without an agent


# ---- the engine's own events -------------------------------------------------------------------------


@dataclass(frozen=True)
class Originated:
    """The switch has taken the attempt."""


@dataclass(frozen=True)
class OriginateRefused:
    """The switch has not taken the attempt, and never will."""

    verdict: Verdict


@dataclass(frozen=True)
class NobodyFree:
    """The search for an agent that `FindAgent` asked for found none for now."""


OwnEvent = Originated | OriginateRefused | AgentFound | SeatRefused | Expired | HangUpAsked | WorkerGone | NobodyFree
CallEvent = OwnEvent | bus_events.ConversationEvent


# ---- notices to the engine -----------------------------------------------------------------------------


@dataclass(frozen=True)
class LateWord:
    """The ear knows better now what the agent has on the line."""

    agent_id: str


@dataclass(frozen=True)
class Ended:
    """The attempt is closed with its outcome."""

    verdict: Verdict


Notice = FindAgent | AgentConnected | AgentFree | AgentUnreachable | LateWord | ConversationOver | Ended | ThirdNotice
Commands = tuple[Notice | ConversationCommand, ...]
