"""Commands to the switch and to a living conversation (one process each)."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from appliance.commands.base import Command
from appliance.types import LegRole, SuperviseMode


class RecordPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """When to record (`domain.recording_policy`). Nothing is written before the answer unless `early` is set.

    `on_demand`: only from `StartRecording` on. `with_seat`: not before a seat is connected. `seats`: policy
    (types.RecordingPolicy) of those seats that have one of their own.
    """

    enabled: bool = True
    early: bool = False
    on_demand: bool = False
    with_seat: bool = False
    seats: dict[str, str] = {}


class ListenPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """What the ear does on this call."""

    enabled: bool = True
    country: str | None = None  # ISO 3166 alpha-2 of the tone plan, None: unknown
    deadline_ms: int = 4000  # person or machine must be said by then (from answer)
    machine_certainty: float | None = None  # probability wanted for `machine`; None: the ear's own
    until_beep: bool = False  # a machine is listened to until its beep, to leave a message


class Originate(Command, frozen=True, kw_only=True):
    """Dial one number. Expires 2 s after `issued_at_unix_s`; an attempt id that the switch has seen is refused.

    `number` is E.164; the edge applies the trunk's number rules. `audio.library` files may name announcements.
    """

    SERVICE: ClassVar[str] = "switch"
    attempt_id: str
    conversation_id: str
    number: str
    trunk_id: str
    caller_id: str | None = None
    ring_timeout_s: float = 40.0
    record: RecordPolicy = RecordPolicy()
    listen: ListenPolicy = ListenPolicy()
    issued_at_unix_s: float
    campaign_id: str = ""


class ConversationCommand(Command, frozen=True, kw_only=True):
    """A command to one living worker; its subject is `cmd.conversation.<conversation_id>`."""

    SERVICE: ClassVar[str] = "conversation"
    conversation_id: str


class ConnectSeat(ConversationCommand, frozen=True, kw_only=True):
    """INVITE the seat with auto-answer and bridge it to the trunk leg when it answers.

    With `number` (E.164, through `trunk_id`) an outside number is called instead. Role TRANSFER brings a third party
    in beside the seat: `Controls` tells of it, and `HandOver` leaves the customer to it. `again`: the seat's phone has
    lost its call (a page that was loaded anew) and is called in its place.
    """

    seat_id: str = ""  # SIP user name at the edge
    agent_id: str = ""
    answer_timeout_s: float = 5.0
    role: LegRole = LegRole.SEAT
    number: str = ""
    trunk_id: str = ""
    caller_id: str | None = None
    again: bool = False


class HandOver(ConversationCommand, frozen=True, kw_only=True):
    """The seat leaves; `events.HandedOver` follows when it has.

    A third party that has answered goes on with the customer. Otherwise he hears music, and the engine connects him as
    the fields say, which come back in the event: an agent's seat, an outside number, or whoever a queue finds.
    """

    seat_id: str = ""
    agent_id: str = ""
    number: str = ""
    trunk_id: str = ""
    caller_id: str = ""
    queue_id: str = ""
    wait_s: float = 60.0  # so long somebody is looked for


class Mute(ConversationCommand, frozen=True, kw_only=True):
    """Nobody hears the seat, and it is not recorded; `on=False` undoes it."""

    on: bool = True


class PauseRecording(ConversationCommand, frozen=True, kw_only=True):
    """Leave out what is said (card data): a short tone, then silence in its place; `resume=True` goes on.

    Digits that come meanwhile are told nobody.
    """

    resume: bool = False


class StartRecording(ConversationCommand, frozen=True, kw_only=True):
    """Record from now on, while the customer is at this seat; refused where the policy says always or never."""


class AnswerInbound(ConversationCommand, frozen=True, kw_only=True):
    """Answer a caller who rings (`events.InboundOffered`); nothing happens when he was answered already."""

    record: RecordPolicy = RecordPolicy()


class Hangup(ConversationCommand, frozen=True, kw_only=True):
    """End one leg, or the whole conversation when `role` is None. `sip_status` refuses a caller who still rings."""

    role: LegRole | None = None
    reason: str = "engine"
    sip_status: int = 0


class Hold(ConversationCommand, frozen=True, kw_only=True):
    """Customer hears music, agent hears nothing; `resume=True` undoes it.

    `until_bridged`: the music of a queue, which ends by itself when a seat answers; said again it only shows that
    somebody still attends to the caller.
    """

    resume: bool = False
    until_bridged: bool = False
    music: str = "music"


class Supervise(ConversationCommand, frozen=True, kw_only=True):
    """Bring a supervisor's seat in; sent again with another mode it changes the mode; `mode=None` sends him away."""

    seat_id: str
    mode: SuperviseMode | None


class PlayPrompt(ConversationCommand, frozen=True, kw_only=True):
    """Play a sound file (8 kHz mono WAV in the prompt folder) to a leg; `PromptEnded` follows."""

    prompt_id: str
    role: LegRole = LegRole.TRUNK
    hangup_after: bool = False
    then: tuple[str, ...] = ()  # prompts played right after it; `PromptEnded` comes once, behind the last


class SendDtmf(ConversationCommand, frozen=True, kw_only=True):
    """Send digits by RFC 4733 events."""

    digits: str
    role: LegRole = LegRole.TRUNK
