"""Events on the bus: the one declaration of what a service tells the others.

Two families. `ConversationEvent` goes through JetStream (subject `callbox.<cell>.evt.conversation.<id>`), carries a
sequence number per conversation and is consumed idempotently. `Live*` events are plain messages on
`callbox.<cell>.evt.live.<topic>`: views for screens, worthless when late, never stored.
"""

from __future__ import annotations

from typing import Any

import msgspec

SCHEMA_VERSION = 1


class ConversationEvent(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Base: which conversation, its own sequence number from 1, when (Unix seconds at the worker)."""

    conversation_id: str
    attempt_id: str
    seq: int
    at_unix_s: float
    schema: int = SCHEMA_VERSION


class InboundOffered(ConversationEvent, frozen=True, kw_only=True):
    """Somebody calls the box through a trunk and rings; the engine answers or lets go (`AnswerInbound`, `Hangup`).

    `caller` and `called` as the trunk's inbound number rules write them; `caller` is empty when it is withheld.
    """

    trunk_id: str
    caller: str
    called: str


class InboundUnserved(ConversationEvent, frozen=True, kw_only=True):
    """Somebody called through a trunk and the edge refused him (503): no worker was free. There is no conversation."""

    trunk_id: str
    caller: str
    called: str


class LegProgress(ConversationEvent, frozen=True, kw_only=True):
    """A provisional answer: 100-199. `early_media` when sound flows before answer."""

    role: str
    sip_status: int
    early_media: bool = False


class LegAnswered(ConversationEvent, frozen=True, kw_only=True):
    role: str
    seat_id: str | None = None


class LegEnded(ConversationEvent, frozen=True, kw_only=True):
    """`sip_status` of the final answer (200 for a normal BYE); `q850` from the Reason header (RFC 3326)."""

    role: str
    sip_status: int
    reason: str = ""
    q850: int | None = None
    retry_after_s: int | None = None
    by_us: bool = False
    answered: bool = False
    seat_id: str | None = None


class Heard(ConversationEvent, frozen=True, kw_only=True):
    """A verdict of the ear. `phase` early | answered; `final` once per phase; evidence is small and JSON-able.

    After a final `unknown` one more word may come, not final and with a `reason` that begins with `late_`.
    """

    phase: str
    label: str
    kind: str
    reason: str
    confidence: float
    decided_at_ms: int
    final: bool
    evidence: dict[str, Any] = {}


class Bridged(ConversationEvent, frozen=True, kw_only=True):
    """Customer and seat hear each other from now on."""

    seat_id: str
    agent_id: str


class HandedOver(ConversationEvent, frozen=True, kw_only=True):
    """The seat has left the customer to somebody else (`commands.HandOver`, whose fields these are).

    `joined`: that one talks with him already, as the conversation's seat. Otherwise he hears music, and is connected.
    """

    joined: bool
    seat_id: str = ""
    agent_id: str = ""
    number: str = ""
    trunk_id: str = ""
    caller_id: str = ""
    queue_id: str = ""
    wait_s: float = 60.0


class Controls(ConversationEvent, frozen=True, kw_only=True):
    """How a conversation stands that is not simply talk, on change. `third`: who was brought in beside the seat."""

    held: bool = False
    muted: bool = False
    recording_paused: bool = False
    recording: bool = False  # told only where it is recorded on demand, or a seat has a policy of its own
    third: str = ""  # "" | ringing | talking
    third_agent_id: str = ""
    third_name: str = ""  # its seat or number


class SeatFailed(ConversationEvent, frozen=True, kw_only=True):
    """The seat did not answer or refused: the engine picks another agent."""

    seat_id: str
    agent_id: str
    sip_status: int
    reason: str = ""


class DtmfReceived(ConversationEvent, frozen=True, kw_only=True):
    role: str
    digit: str
    duration_ms: int = 0


class PromptEnded(ConversationEvent, frozen=True, kw_only=True):
    prompt_id: str
    role: str


class RecordingStarted(ConversationEvent, frozen=True, kw_only=True):
    recording_id: str
    spool_path: str


class RecordingClosed(ConversationEvent, frozen=True, kw_only=True):
    """The spool is complete and synced; `frames` are stereo samples at 8 kHz.

    `error_id` says why it stopped before the call did (`recording.disk_full`); what was written is whole.
    """

    recording_id: str
    spool_path: str
    frames: int
    error_id: str = ""
    gaps: list[list[float]] = []  # [from_s, to_s] that were left out


class ConversationEnded(ConversationEvent, frozen=True, kw_only=True):
    """The last event of a conversation, with its media figures.

    `tap_gap_counts`: frames by gap in whole milliseconds (1000: a second and more), to be summed over calls.
    """

    reason: str = ""
    lost_frames: int = 0
    rtp_lost: int = 0
    rtp_received: int = 0
    tap_gap_p50_ms: float = 0.0
    tap_gap_p99_ms: float = 0.0
    tap_gap_max_ms: float = 0.0
    tap_gap_counts: dict[str, int] = {}
    cpu_s: float = 0.0
    rss_mb: float = 0.0
    lost: bool = False  # published by the parent for a worker that died


CONVERSATION_EVENTS: tuple[type[ConversationEvent], ...] = (
    LegProgress, LegAnswered, LegEnded, Heard, Bridged, SeatFailed, DtmfReceived, PromptEnded,
    RecordingStarted, RecordingClosed, ConversationEnded, InboundOffered, HandedOver, Controls,
    InboundUnserved,
)  # fmt: skip


class WorkerBeat(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Heartbeat of one worker on `evt.live.worker.<conversation_id>`, each second; a restarted parent finds it so."""

    conversation_id: str
    attempt_id: str
    pid: int
    slot: int
    started_unix_s: float


class LiveAgent(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """One agent as his own page and the supervisor see him (`evt.live.agent.<agent_id>`).

    `record` is the customer's record while one is on the screen: name, number (masked by policy), fields.
    """

    agent_id: str
    display_name: str
    seat_id: str | None
    state: str
    since_unix_s: float
    pending_state: str | None = None  # asked for during a conversation, applies after it
    pause_reason: str = ""
    conversation_id: str | None = None
    campaign_id: str | None = None
    campaign_name: str = ""
    record: dict[str, Any] | None = None
    on_hold: bool = False
    wrap_up_ends_unix_s: float | None = None
    popped_at_unix_s: float | None = None
    preview_ends_unix_s: float | None = None  # then the record on the screen is dialled or skipped
    heard_late: str = ""  # what the ear says now of a call that the agent has; empty: nothing new
    direction: str = "outbound"  # inbound: the customer called us
    queue_name: str = ""  # inbound: where he waited
    waited_s: float = 0.0  # inbound: from the answer to the agent
    muted: bool = False
    recording_paused: bool = False
    on_demand: str = ""  # recorded on demand: "off" until he asks for it, then "on"; "": it is not his choice
    third: str = ""  # a third party beside him: "" | ringing | talking
    third_name: str = ""
    joined: bool = False  # he is the third party himself
    told_by: str = ""  # a supervisor has done something with him:
    told_what: str = ""  # ready | pause | log_out | taken_over
    told_at_unix_s: float = 0.0
    schema: int = SCHEMA_VERSION


class LiveCampaign(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Counters of one campaign (`evt.live.campaign.<campaign_id>`), computed from attempt rows plus open attempts."""

    campaign_id: str
    name: str
    mode: str
    state: str
    leads_total: int
    leads_waiting: int
    leads_done: int
    leads_retired: int
    attempts: int
    live_answers: int
    connected: int
    abandoned: int
    dialling_now: int
    talking_now: int
    outcomes: dict[str, int] = {}
    blocked_reason: str = ""  # why nothing is dialled: hours, no agents, no channels, disk...
    lines_per_agent: float = 0.0  # open lines without an agent yet, by agents who are ready or soon will be
    abandoned_share: float = 0.0  # over the limit's window, as the rule profile counts it
    abandoned_limit: float = 0.0  # 0: no limit applies
    answers_foretold: float = 0.0  # share of the last dials that the answer model said would be answered
    answers_found: float = 0.0  # and that were
    answers_error: float = 0.0  # mean distance of both over bins of chance; of `answers_judged` dials
    answers_judged: int = 0
    schema: int = SCHEMA_VERSION


class LiveQueue(msgspec.Struct, frozen=True, kw_only=True):
    """One queue of callers: how many wait, since when the first of them, how many agents answer it."""

    queue_id: str
    name: str
    open: bool
    waiting: int = 0
    waits_since_unix_s: float | None = None  # who waits longest
    talking: int = 0
    agents: int = 0
    estimated_wait_s: float = 0.0  # of somebody who came now


class LiveLine(msgspec.Struct, frozen=True, kw_only=True):
    """One open attempt, or caller, for the supervisor's board (number masked)."""

    conversation_id: str
    campaign_id: str
    state: str
    since_unix_s: float
    agent_id: str | None = None
    number_masked: str = ""
    direction: str = "outbound"
    queue_name: str = ""  # inbound


class LiveTrunk(msgspec.Struct, frozen=True, kw_only=True):
    """Channels of one trunk: all, those that may be used now, those in use; `resting` after failures."""

    trunk_id: str
    channels: int
    usable: int
    used: int = 0
    enabled: bool = True
    resting: bool = False


class LiveRoom(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The whole room for the supervisor (`evt.live.room`), at most twice a second."""

    agents: list[LiveAgent] = []
    campaigns: list[LiveCampaign] = []
    lines: list[LiveLine] = []
    queues: list[LiveQueue] = []
    trunks: list[LiveTrunk] = []
    started: dict[str, float] = {}  # seconds of the engine's start: loaded_s connected_s rebuilt_s cpu_s
    at_unix_s: float = 0.0
    schema: int = SCHEMA_VERSION


class LiveJob(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Progress of long work (`evt.live.job.<job_id>`)."""

    job_id: str
    kind: str
    done: int
    total: int
    state: str  # running | finished | failed
    message: str = ""
    result: dict[str, Any] = {}


class LiveAlert(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """An alert was raised or cleared (`evt.live.alert`).

    `data["alert"]` is the id of its words in `appliance.texts`, the rest of `data` their figures; `title` and `text`
    are the English words. `caused_by` is the key of the alert that explains this one. `source` is empty but for what
    `watch` itself has written down already.
    """

    key: str
    severity: str
    title: str
    text: str
    raised: bool
    at_unix_s: float
    data: dict[str, Any] = {}  # figures of the text, for screens in another language
    caused_by: str = ""
    source: str = ""


class LiveHardware(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """One section of the hardware as `watch` last read it, on change and at least every 10 s.

    `evt.live.hardware.<section>`; sections are those of `home.hardware_file`: disks, sensors, clock, replacement ...
    `lines` is {lines: [drivers.lines.LineStatus as plain values, alarms sorted]}; a row may also hold `verbs` (what its
    driver offers now), `choices` ({verb: [values that may be asked for]}), `places_calls` (False: watched only),
    `trunks` (ids of the trunks it carries) and `tests` ([{verb, ends_at_unix_s}] that run now).
    """

    section: str
    data: dict[str, Any]
    taken_at_unix_s: float
    error: str = ""  # not empty: `data` is the last good reading, and this is why there is no newer one


class ClockTrust(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Whether the box knows the time (`evt.live.clock`), on change and every 10 s; the engine dials only while it does.

    `watch` decides by `settings.hardware.clock_policy`; `reason` is a word for screens, empty while trusted.
    """

    trusted: bool
    at_unix_s: float
    reason: str = ""


class StorageState(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """How the disks under the recordings do (`evt.live.storage`), on change and every 10 s, told by `watch`.

    The writers of recordings go on in any state and give up evidence first (`telephony.storage`); the archive waits
    while a mirror is degraded (`jobs`). `low`: less than twice the recordings' reserve is free.
    """

    degraded: bool
    rebuilding: bool
    at_unix_s: float
    low: bool = False


TRUNK_WORD_S = 60.0


class TrunkService(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """How many calls a trunk may carry now (`evt.live.trunk.<id>`), on change and every 10 s, told by `watch`.

    0 takes it out of dialling, also for calls to come from all campaigns; calls in progress are left alone. The word
    holds for `TRUNK_WORD_S`: without `watch` a trunk is used whole. `reason` is lines_down, lines_degraded or sip.
    """

    trunk_id: str
    usable_channels: int
    at_unix_s: float
    reason: str = ""


class ConfigChanged(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Configuration was written (`evt.live.config`); `what`: seat, trunk, campaign, queue, user, retention, settings"""

    what: str
    id: str


class RecordingArchived(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """`evt.live.recording`: the archive of one recording is verified, its spool is gone."""

    recording_id: str
    conversation_id: str


LIVE_EVENTS: tuple[type[msgspec.Struct], ...] = (
    WorkerBeat, LiveAgent, LiveCampaign, LiveRoom, LiveJob, LiveAlert, LiveHardware, ClockTrust, StorageState,
    TrunkService, ConfigChanged, RecordingArchived,
)  # fmt: skip
