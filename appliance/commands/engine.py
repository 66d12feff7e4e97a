"""Commands to the engine: live state of campaigns, agents and callers."""

from __future__ import annotations

from typing import Any, ClassVar

from appliance.commands.base import Command, UserCommand
from appliance.types import SuperviseMode


class CampaignAction(UserCommand, frozen=True, kw_only=True):
    """`action`: start | pause | resume | stop. `stop` lets living conversations end."""

    SERVICE: ClassVar[str] = "engine"
    campaign_id: str
    action: str


class ForecastPace(UserCommand, frozen=True, kw_only=True):
    """What a change of a campaign's pace would do; nothing is changed.

    Reply data {reason, now, then}: `reason` "" or why nothing can be foretold (mode | not_running | no_agents |
    too_few_calls); else `now` and `then` are domain.pacing_outlook.Expected as plain values.
    """

    SERVICE: ClassVar[str] = "engine"
    campaign_id: str
    abandoned_limit: float
    max_lines: int | None = None
    weight: int = 1


class AgentLogin(UserCommand, frozen=True, kw_only=True):
    """Seat an agent: `actor_id` is the agent's user id. `campaigns=()` means all that he may work in."""

    SERVICE: ClassVar[str] = "engine"
    seat_id: str
    campaigns: tuple[str, ...] = ()
    ready: bool = False


class AgentLogout(UserCommand, frozen=True, kw_only=True):
    SERVICE: ClassVar[str] = "engine"


class AgentReady(UserCommand, frozen=True, kw_only=True):
    """Become ready (from paused or wrap-up; during a conversation: after it)."""

    SERVICE: ClassVar[str] = "engine"


class AgentPause(UserCommand, frozen=True, kw_only=True):
    """Pause with a reason; asked for during a conversation it applies after it."""

    SERVICE: ClassVar[str] = "engine"
    reason: str = ""


class AgentHangup(UserCommand, frozen=True, kw_only=True):
    SERVICE: ClassVar[str] = "engine"


class AgentHold(UserCommand, frozen=True, kw_only=True):
    SERVICE: ClassVar[str] = "engine"
    resume: bool = False


class AgentDtmf(UserCommand, frozen=True, kw_only=True):
    SERVICE: ClassVar[str] = "engine"
    digits: str


class AgentMute(UserCommand, frozen=True, kw_only=True):
    SERVICE: ClassVar[str] = "engine"
    on: bool = True


class AgentRecording(UserCommand, frozen=True, kw_only=True):
    """Leave card data out of the recording (`paused`), or go on; audited."""

    SERVICE: ClassVar[str] = "engine"
    paused: bool


class AgentStartRecording(UserCommand, frozen=True, kw_only=True):
    """Record this conversation from now on, where it is recorded on demand; audited."""

    SERVICE: ClassVar[str] = "engine"


class AgentReattach(UserCommand, frozen=True, kw_only=True):
    """The agent's phone is there again (the page was loaded anew, the network was away): call it into his call."""

    SERVICE: ClassVar[str] = "engine"


class TransferTargets(UserCommand, frozen=True, kw_only=True):
    """Whom the agent may transfer to now: reply data {agents, seats, queues: [{id, name}], numbers: bool}."""

    SERVICE: ClassVar[str] = "engine"


class AgentTransfer(UserCommand, frozen=True, kw_only=True):
    """Pass the customer on. `to`: `agent:<id>`, `seat:<id>`, `queue:<id>`, or a number as it is typed.

    `attended`: the other side is called first, the customer hears music; `AgentThird` then says how it goes on.
    """

    SERVICE: ClassVar[str] = "engine"
    to: str
    attended: bool = False


class AgentThird(UserCommand, frozen=True, kw_only=True):
    """`action`: complete (leave the customer to the third party) | join (all talk) | private (the two alone) | drop."""

    SERVICE: ClassVar[str] = "engine"
    action: str


class AgentDraft(UserCommand, frozen=True, kw_only=True):
    """Keep what is typed during a conversation: the note, the form's answers. No disposition yet."""

    SERVICE: ClassVar[str] = "engine"
    conversation_id: str
    note: str = ""
    answers: dict[str, Any] | None = None


class AgentDispose(UserCommand, frozen=True, kw_only=True):
    """Set the disposition of the agent's conversation; in wrap-up it makes the agent ready (or paused if asked)."""

    SERVICE: ClassVar[str] = "engine"
    conversation_id: str
    disposition: str
    note: str = ""
    callback_at: str | None = None  # RFC 3339
    callback_to: str = "me"  # me | anyone
    promise_amount_minor: int | None = None
    promise_date: str | None = None
    other_number: str = ""  # of the person, as it was typed: dialled next
    answers: dict[str, Any] | None = None  # of the campaign's form, by key


class AgentPreview(UserCommand, frozen=True, kw_only=True):
    """Preview mode: `action` next (show a lead) | dial | skip."""

    SERVICE: ClassVar[str] = "engine"
    action: str


class AgentDial(UserCommand, frozen=True, kw_only=True):
    """Dial by hand: a record, or a number that was typed (E.164 or as it is written at home) in a running campaign."""

    SERVICE: ClassVar[str] = "engine"
    lead_id: str = ""
    number: str = ""
    campaign_id: str = ""


class SuperviseAgent(UserCommand, frozen=True, kw_only=True):
    SERVICE: ClassVar[str] = "engine"
    agent_id: str
    seat_id: str
    mode: SuperviseMode | None


class TakeOver(UserCommand, frozen=True, kw_only=True):
    """The phone of the supervisor's seat gets the agent's customer; the agent goes to his wrap-up."""

    SERVICE: ClassVar[str] = "engine"
    agent_id: str
    seat_id: str


class ForceState(UserCommand, frozen=True, kw_only=True):
    """Set another person's state: `state` ready | pause | log_out; in a conversation it applies after it.

    The agent sees who did it; reply data {state, pending}.
    """

    SERVICE: ClassVar[str] = "engine"
    agent_id: str
    state: str
    reason: str = ""


class AddCaller(UserCommand, frozen=True, kw_only=True):
    """Make a record of the unknown caller of a conversation, in the campaign of his queue if it has one.

    `custom` {key of a field of one's own: as typed}; raises ValidationErrors for what does not fit its field.
    """

    SERVICE: ClassVar[str] = "engine"
    conversation_id: str
    name: str
    custom: dict[str, Any] = {}


class CallBackMissed(UserCommand, frozen=True, kw_only=True):
    """Put missed callers before the list, due at once; `campaign_id` for those of whom no campaign knows.

    Reply data {called_back, skipped}: counts. Skipped: no number, no campaign, or do-not-call.
    """

    SERVICE: ClassVar[str] = "engine"
    call_ids: tuple[str, ...]
    campaign_id: str = ""


class ReleaseSeat(UserCommand, frozen=True, kw_only=True):
    """Sign out who sits at a seat (needs seats.write); a conversation ends first, as when he asked himself."""

    SERVICE: ClassVar[str] = "engine"
    seat_id: str


class LiveView(Command, frozen=True, kw_only=True):
    """Ask for the current projection; the reply's `data` is `events.LiveRoom` or `events.LiveAgent` as builtins."""

    SERVICE: ClassVar[str] = "engine"
    agent_id: str | None = None
