"""The words of the house: identifiers, enumerations and the closed vocabulary of outcomes.

Everything here is data without behaviour; every room may import it.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NewType

AttemptId = NewType("AttemptId", str)
"""ULID-like text id of one dial of one number; made before the dial, never used twice."""
ConversationId = NewType("ConversationId", str)
"""Id of the legs bridged in one worker. For an outbound dial it equals the attempt id."""
E164 = NewType("E164", str)
"""A telephone number as '+' and digits (ITU-T E.164)."""


LOCAL_ACTOR = "cli"
"""`actor_id` of the command line: who may read the box's own secrets file is its administrator."""


class Outcome(StrEnum):
    """What became of one attempt: heard by the ear or said by the exchange (DESIGN, section 6)."""

    HUMAN = "human"
    MACHINE = "machine"
    SCREENING = "screening"
    IVR = "ivr"
    FAX = "fax"
    MODEM = "modem"
    RINGBACK = "ringback"
    BUSY = "busy"
    CONGESTION = "congestion"
    VACANT = "vacant"
    POWERED_OFF = "powered_off"
    OUT_OF_SERVICE = "out_of_service"
    UNREACHABLE = "unreachable"
    CALL_BARRED = "call_barred"
    NUMBER_CHANGED = "number_changed"
    SIT_VACANT = "sit_vacant"
    SIT_INTERCEPT = "sit_intercept"
    SIT_NO_CIRCUIT = "sit_no_circuit"
    SIT_REORDER = "sit_reorder"
    SIT_INFO = "sit_info"
    ANNOUNCEMENT_UNKNOWN = "announcement_unknown"
    MUSIC = "music"
    SILENCE = "silence"
    DTMF = "dtmf"
    UNKNOWN = "unknown"
    # said by signalling or by ourselves, never heard
    REJECTED = "rejected"
    NO_ANSWER = "no_answer"
    TRUNK_FAILED = "trunk_failed"
    CANCELLED = "cancelled"
    LOST = "lost"  # our own worker died under the call


class Kind(StrEnum):
    """How an outcome was learnt."""

    TONE = "tone"
    ANNOUNCEMENT = "announcement"
    SIT = "sit"
    FAX_CED = "fax_ced"
    FAX_CNG = "fax_cng"
    FAX_PREAMBLE = "fax_preamble"
    MODEM = "modem"
    SPEECH = "speech"
    MUSIC = "music"
    SILENCE = "silence"
    SIGNALLING = "signalling"


LIVE_OUTCOMES = frozenset({Outcome.HUMAN, Outcome.UNKNOWN})
"""Outcomes that are handed to an agent: a person, or a doubt."""

HYGIENE_OUTCOMES = frozenset(
    {Outcome.VACANT, Outcome.NUMBER_CHANGED, Outcome.FAX, Outcome.MODEM, Outcome.OUT_OF_SERVICE, Outcome.SIT_VACANT}
)
"""Outcomes that retire or park the number itself."""


DEFAULT_RETRY_S: dict[Outcome, float] = {
    Outcome.BUSY: 600.0, Outcome.NO_ANSWER: 7200.0, Outcome.RINGBACK: 7200.0, Outcome.MACHINE: 14400.0,
    Outcome.SCREENING: 14400.0, Outcome.CONGESTION: 300.0, Outcome.REJECTED: 14400.0, Outcome.POWERED_OFF: 14400.0,
    Outcome.UNREACHABLE: 14400.0, Outcome.HUMAN: 14400.0, Outcome.UNKNOWN: 3600.0, Outcome.LOST: 60.0,
}  # fmt: skip
"""Seconds until a new campaign's next attempt, by outcome; an outcome left out ends the lead."""


class CampaignMode(StrEnum):
    PREVIEW = "preview"
    PROGRESSIVE = "progressive"
    PREDICTIVE = "predictive"
    VOICE = "voice"


class CampaignState(StrEnum):
    DRAFT = "draft"
    RUNNING = "running"
    PAUSED = "paused"
    STOPPED = "stopped"
    FINISHED = "finished"


class LeadState(StrEnum):
    """Where a contact stands in its campaign."""

    WAITING = "waiting"  # may be dialled (not before next_attempt_at)
    RESERVED = "reserved"  # an attempt row exists and is open
    DONE = "done"
    RETIRED = "retired"  # number hygiene: vacant, fax, ...
    DO_NOT_CALL = "do_not_call"


class NumberState(StrEnum):
    """Whether a number may be dialled at all (domain.hygiene)."""

    GOOD = "good"
    PARKED = "parked"  # not before PhoneNumber.parked_until
    RETIRED = "retired"  # dialled again only when a person says so


class ArticleState(StrEnum):
    """Whether agents read an article of the knowledge base."""

    DRAFT = "draft"  # never published yet
    PUBLISHED = "published"
    WITHDRAWN = "withdrawn"


class NumberType(StrEnum):
    """What a number is to its person."""

    MOBILE = "mobile"
    HOME = "home"
    WORK = "work"
    OTHER = "other"
    UNKNOWN = "unknown"
    WRONG = "wrong"  # somebody else answers there, an agent said; not dialled for this person


class LineType(StrEnum):
    """What the numbering plan says of a number."""

    MOBILE = "mobile"
    FIXED = "fixed"
    UNKNOWN = "unknown"  # a plan that does not tell (US), toll-free, VoIP


class AgentState(StrEnum):
    OFFLINE = "offline"
    READY = "ready"
    RESERVED = "reserved"  # a conversation is being connected to the seat
    TALKING = "talking"
    WRAP_UP = "wrap_up"
    PAUSED = "paused"
    PREVIEWING = "previewing"  # preview mode: record on screen, number not yet dialled
    DIALLING = "dialling"  # preview mode: the agent's own dial is under way


class LegRole(StrEnum):
    TRUNK = "trunk"
    SEAT = "seat"
    SUPERVISOR = "supervisor"
    TRANSFER = "transfer"


SEAT_PASSED_ON = "passed_on"
SEAT_AWAY_REASONS = frozenset({"again", "reload", "media_lost"})
"""Reasons of `LegEnded` of a seat that are no hang-up: it left the customer to somebody, or may come back."""


class LegState(StrEnum):
    CALLING = "calling"
    RINGING = "ringing"  # 180, no media
    EARLY = "early"  # early media flows
    ANSWERED = "answered"
    ENDED = "ended"


class SuperviseMode(StrEnum):
    LISTEN = "listen"
    WHISPER = "whisper"
    BARGE = "barge"


class RecordingPolicy(StrEnum):
    """When a conversation is recorded."""

    ALWAYS = "always"
    ON_DEMAND = "on_demand"  # from the agent's button on
    NEVER = "never"


class Role(StrEnum):
    ADMINISTRATOR = "administrator"
    SUPERVISOR = "supervisor"
    AGENT = "agent"


class Severity(StrEnum):
    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class Disposition(StrEnum):
    """How a conversation ended in the agent's words (built-in set; campaigns may add their own codes)."""

    PROMISE_TO_PAY = "promise_to_pay"
    PAID = "paid"
    CALL_BACK = "call_back"
    REFUSED = "refused"
    WRONG_NUMBER = "wrong_number"
    NOT_AT_HOME = "not_at_home"
    DISPUTED = "disputed"
    DO_NOT_CALL = "do_not_call"
    INFORMED = "informed"
    OTHER = "other"
    MACHINE = "machine"  # the ear let a machine through
    ABANDONED = "abandoned"  # set by the box, never by an agent
    NONE = "none"  # wrap-up ran out


NO_TALK = frozenset({"", Disposition.MACHINE, Disposition.NONE, Disposition.ABANDONED})
"""Dispositions from which nobody can tell that somebody was spoken with."""

RIGHT_PARTY = frozenset(
    {
        Disposition.PROMISE_TO_PAY, Disposition.PAID, Disposition.CALL_BACK, Disposition.REFUSED, Disposition.DISPUTED,
        Disposition.DO_NOT_CALL, Disposition.INFORMED,
    }
)  # fmt: skip
"""Dispositions that an agent sets when he spoke with the debtor himself (right-party contact)."""


class Permission(StrEnum):
    CAMPAIGNS_READ = "campaigns.read"
    CAMPAIGNS_WRITE = "campaigns.write"
    LISTS_IMPORT = "lists.import"
    AGENTS_READ = "agents.read"
    AGENTS_SUPERVISE = "agents.supervise"
    AGENT_WORK = "agent.work"
    CALLS_DIAL = "calls.dial"  # dial a number that was typed; for agents the campaign says so
    RECORDINGS_LISTEN = "recordings.listen"
    RECORDINGS_LISTEN_OWN = "recordings.listen.own"
    RECORDINGS_EXPORT = "recordings.export"
    RECORDINGS_RETAIN = "recordings.retain"  # legal hold, deletion, retention rules
    QUALITY_OWN = "quality.own"  # see one's own scores and appeal
    QUALITY_SCORE = "quality.score"  # score calls, answer appeals, see results
    QUALITY_MANAGE = "quality.manage"  # scorecards, sampling plans, calibrations
    REPORTS_READ = "reports.read"
    REPORTS_EXPORT = "reports.export"
    SEATS_WRITE = "seats.write"
    TRUNKS_WRITE = "trunks.write"
    USERS_WRITE = "users.write"
    SETTINGS_WRITE = "settings.write"
    AUDIT_READ = "audit.read"
    ALERTS_READ = "alerts.read"
    HARDWARE_READ = "hardware.read"
    HARDWARE_WRITE = "hardware.write"  # lines, disks: what a technician changes
    BOX_MAINTAIN = "box.maintain"  # backup and restore, update, factory reset: all the box's data in one hand
    EAR_TEACH = "ear.teach"  # label what was heard, enrol announcements


class Scope(StrEnum):
    """How far a permission of a role reaches: one's own things, those of one's department and below, all."""

    OWN = "own"
    TEAM = "team"
    ALL = "all"


SCOPED_PERMISSIONS = frozenset(
    {
        Permission.RECORDINGS_LISTEN, Permission.RECORDINGS_EXPORT, Permission.AGENTS_READ,
        Permission.AGENTS_SUPERVISE, Permission.REPORTS_READ, Permission.REPORTS_EXPORT, Permission.QUALITY_SCORE,
    }
)  # fmt: skip
"""Permissions about people, which may reach less far than all; the others hold or do not."""


_SUPERVISOR = frozenset(
    {
        Permission.CAMPAIGNS_READ, Permission.CAMPAIGNS_WRITE, Permission.LISTS_IMPORT, Permission.AGENTS_READ,
        Permission.AGENTS_SUPERVISE, Permission.RECORDINGS_LISTEN, Permission.RECORDINGS_EXPORT,
        Permission.CALLS_DIAL, Permission.REPORTS_READ, Permission.REPORTS_EXPORT, Permission.ALERTS_READ,
        Permission.AGENT_WORK, Permission.EAR_TEACH, Permission.HARDWARE_READ, Permission.QUALITY_SCORE,
        Permission.QUALITY_MANAGE,
    }
)  # fmt: skip
ROLE_PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.ADMINISTRATOR: frozenset(Permission),
    Role.SUPERVISOR: _SUPERVISOR,
    Role.AGENT: frozenset({Permission.AGENT_WORK, Permission.RECORDINGS_LISTEN_OWN, Permission.QUALITY_OWN}),
}


class WebhookEvent(StrEnum):
    """What another program can be told of; the words are part of the API."""

    ATTEMPT_FINISHED = "attempt.finished"
    DISPOSITION_SET = "disposition.set"
    PROMISE_MADE = "promise.made"
    INBOUND_FINISHED = "inbound.finished"
    RECORDING_READY = "recording.ready"
    IMPORT_FINISHED = "import.finished"
    ALERT_RAISED = "alert.raised"
    ALERT_CLEARED = "alert.cleared"
