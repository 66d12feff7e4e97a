"""The closed vocabulary in the reader's language: outcomes, states, roles, dispositions, reasons."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l

OUTCOMES: dict[str, Any] = {
    "human": _l("Person"),
    "machine": _l("Voicemail"),
    "screening": _l("Call screening"),
    "ivr": _l("Voice menu"),
    "fax": _l("Fax"),
    "modem": _l("Modem"),
    "ringback": _l("Rang, no answer"),
    "busy": _l("Busy"),
    "congestion": _l("Network busy"),
    "vacant": _l("Number does not exist"),
    "powered_off": _l("Switched off"),
    "out_of_service": _l("Out of service"),
    "unreachable": _l("Not reachable"),
    "call_barred": _l("Calls barred"),
    "number_changed": _l("Number changed"),
    "sit_vacant": _l("Tone: vacant number"),
    "sit_intercept": _l("Tone: intercept"),
    "sit_no_circuit": _l("Tone: no circuit"),
    "sit_reorder": _l("Tone: reorder"),
    "sit_info": _l("Special information tone"),
    "announcement_unknown": _l("Unknown announcement"),
    "music": _l("Music"),
    "silence": _l("Silence"),
    "dtmf": _l("Key tones"),
    "unknown": _l("Not sure"),
    "rejected": _l("Rejected"),
    "no_answer": _l("No answer"),
    "trunk_failed": _l("Trunk failed"),
    "cancelled": _l("Cancelled"),
    "lost": _l("Lost"),
}

AGENT_STATES: dict[str, Any] = {
    "offline": _l("Signed off"),
    "ready": _l("Ready"),
    "reserved": _l("Connecting"),
    "talking": _l("Talking"),
    "wrap_up": _l("Wrap-up"),
    "paused": _l("Paused"),
    "previewing": _l("Preview"),
    "dialling": _l("Dialling"),
}
AGENT_ICONS = {
    "offline": "power", "ready": "circle-check", "reserved": "phone-incoming", "talking": "phone",
    "wrap_up": "pencil", "paused": "player-pause", "previewing": "eye", "dialling": "phone-outgoing",
}  # fmt: skip
AGENT_COLOURS = {
    "offline": "secondary", "ready": "green", "reserved": "azure", "talking": "blue", "wrap_up": "orange",
    "paused": "yellow", "previewing": "purple", "dialling": "azure",
}  # fmt: skip

CAMPAIGN_STATES: dict[str, Any] = {
    "draft": _l("Draft"),
    "running": _l("Running"),
    "paused": _l("Paused"),
    "stopped": _l("Stopped"),
    "finished": _l("Finished"),
}
CAMPAIGN_COLOURS = {
    "draft": "secondary", "running": "green", "paused": "yellow", "stopped": "red", "finished": "blue",
}  # fmt: skip
CAMPAIGN_MODES: dict[str, Any] = {
    "progressive": _l("Progressive"),
    "preview": _l("Preview"),
    "predictive": _l("Predictive"),
    "voice": _l("Voice message"),
}
MODE_HINTS: dict[str, Any] = {
    "progressive": _l("One line for each free agent. Nobody who answers has to wait."),
    "preview": _l("The agent sees the record first and then dials."),
    "predictive": _l("More lines than free agents, kept under the limit for abandoned calls."),
    "voice": _l("The box says a message itself; a key may bring an agent."),
}

LINE_STATES: dict[str, Any] = {
    "dialling": _l("Dialling"),
    "calling": _l("Dialling"),
    "originated": _l("Dialling"),
    "reserved": _l("Reserved"),
    "ringing": _l("Ringing"),
    "early": _l("Listening before answer"),
    "answered": _l("Answered"),
    "heard": _l("Waits for an agent"),
    "beep": _l("Waiting for the beep"),
    "message": _l("Hears a message"),
    "connecting": _l("Connecting to agent"),
    "talking": _l("Talking"),
    "bridged": _l("Talking"),
    "ended": _l("Ended"),
    # of a caller
    "offered": _l("Calls us"),
    "answering": _l("Calls us"),
    "notice": _l("Hears the notice"),
    "waiting": _l("Waits in the queue"),
    "offer": _l("Is offered a call-back"),
    "farewell": _l("Hears a message"),
    "closing": _l("Ending"),
}

INBOUND_OUTCOMES: dict[str, Any] = {
    "connected": _l("Spoke with an agent"),
    "missed": _l("Hung up before the answer"),
    "abandoned_in_queue": _l("Hung up in the queue"),
    "callback_asked": _l("Asked to be called back"),
    "closed": _l("Called outside the hours"),
    "overflowed": _l("Waited too long"),
}
OVERFLOWS: dict[str, Any] = {
    "callback": _l("Offer a call-back"),
    "queue": _l("Go to another queue"),
    "message": _l("Say that nobody is free"),
}
DIRECTIONS: dict[str, Any] = {
    "inbound": _l("called us"), "outbound": _l("we called"), "notice": _l("heard our message"),
}  # fmt: skip

CALL_SORTS: dict[str, Any] = {
    "newest": _l("Newest first"),
    "oldest": _l("Oldest first"),
    "longest": _l("Longest first"),
    "shortest": _l("Shortest first"),
    "best": _l("Best score first"),
    "worst": _l("Worst score first"),
}
APPEAL_STATES: dict[str, Any] = {"open": _l("unanswered"), "accepted": _l("accepted"), "refused": _l("refused")}
APPEAL_COLOURS = {"open": "yellow", "accepted": "green", "refused": "secondary"}

ROLES: dict[str, Any] = {
    "administrator": _l("Administrator"),
    "supervisor": _l("Supervisor"),
    "agent": _l("Agent"),
}
ROLE_HINTS: dict[str, Any] = {
    "administrator": _l("Everything, including users, trunks and settings."),
    "supervisor": _l("Campaigns, lists, live board, recordings and reports."),
    "agent": _l("Own desk and own recordings."),
}

DISPOSITIONS: dict[str, Any] = {
    "promise_to_pay": _l("Promise to pay"),
    "paid": _l("Already paid"),
    "call_back": _l("Call back"),
    "refused": _l("Refused"),
    "wrong_number": _l("Wrong number"),
    "not_at_home": _l("Not at home"),
    "disputed": _l("Disputed"),
    "do_not_call": _l("Do not call again"),
    "informed": _l("Informed"),
    "other": _l("Other"),
    "machine": _l("Voicemail or machine"),
    "abandoned": _l("Abandoned"),
    "none": _l("None"),
    "": _l("None"),
}

PAUSE_REASONS: dict[str, Any] = {
    "break": _l("Break"),
    "lunch": _l("Lunch"),
    "training": _l("Training"),
    "meeting": _l("Meeting"),
    "technical": _l("Technical problem"),
    "seat_failed": _l("The phone did not answer"),
    "phone not reachable": _l("The phone could not be reached"),
}
FORCED: dict[str, Any] = {
    "ready": _l("The agent is ready."),
    "pause": _l("The agent is paused."),
    "log_out": _l("The agent is signed out."),
}
TOLD: dict[str, Any] = {
    "ready": _l("%(name)s has made you ready."),
    "pause": _l("%(name)s has paused you."),
    "log_out": _l("%(name)s has signed you out of your seat."),
    "taken_over": _l("%(name)s has taken your customer over."),
}
RECORDING_POLICIES: dict[str, Any] = {
    "always": _l("Always"),
    "on_demand": _l("Only when the agent asks for it"),
    "never": _l("Never"),
}
PRIORITY_ORDERS: dict[str, Any] = {
    "due": _l("What is due longest"),
    "priority": _l("Higher priority first"),
}


def told(what: str, name: str) -> str:
    """What a supervisor has done with the agent who reads it."""
    return str(TOLD[what]) % {"name": name} if what in TOLD else ""



CHOSEN_REASONS = ("break", "lunch", "training", "meeting", "technical")
"""The reasons an agent gives; the others are the box's."""

PHONES: dict[str, Any] = {"desk": _l("Desk phone"), "browser": _l("Browser phone")}

SEVERITIES: dict[str, Any] = {"info": _l("Information"), "warning": _l("Warning"), "critical": _l("Critical")}
SEVERITY_COLOURS = {"info": "azure", "warning": "yellow", "critical": "red"}

SUPERVISE_MODES: dict[str, Any] = {"listen": _l("Listen"), "whisper": _l("Whisper"), "barge": _l("Barge in")}

SUPERVISE_DONE: dict[str, Any] = {
    "listen": _l("You listen; nobody hears you. Your phone answers by itself."),
    "whisper": _l("You whisper; only the agent hears you."),
    "barge": _l("You are in the call; both hear you."),
}

RECORDING_STATES: dict[str, Any] = {
    "spool": _l("Being written"),
    "archived": _l("Archived"),
    "deleted": _l("Deleted"),
    "failed": _l("Failed"),
}

IMPORT_STATES: dict[str, Any] = {
    "waiting": _l("Waiting"),
    "running": _l("Running"),
    "finished": _l("Finished"),
    "failed": _l("Failed"),
}

ATTEMPT_STEPS: dict[str, Any] = {
    "created_at": _l("Number chosen"),
    "originated_at": _l("Taken by the switch"),
    "answered_at": _l("Answered"),
    "verdict_at": _l("The ear decided"),
    "clock_at": _l("Waits for an agent from here"),
    "message_at": _l("The box began to speak"),
    "bridged_at": _l("Connected to the agent"),
    "left_at": _l("The customer's line ended"),
    "ended_at": _l("Ended"),
    "disposed_at": _l("Result set"),
}

EVERY: dict[str, Any] = {
    "": _l("Only by hand"), "day": _l("Every day"), "week": _l("Every week"), "month": _l("Every month"),
}  # fmt: skip
WEEKDAYS: dict[str, Any] = {
    "1": _l("Monday"), "2": _l("Tuesday"), "3": _l("Wednesday"), "4": _l("Thursday"), "5": _l("Friday"),
    "6": _l("Saturday"), "7": _l("Sunday"),
}  # fmt: skip
REPORT_STATES: dict[str, Any] = {"sent": _l("Sent"), "made": _l("Made"), "failed": _l("Failed")}

DOUBTS: dict[str, Any] = {
    "unknown": _l("not recognised"),
    "announcement": _l("unknown announcement"),
    "disagrees": _l("the exchange says otherwise"),
    "unsure": _l("not sure"),
    "late": _l("recognised too late"),
    "agent": _l("the agent says otherwise"),
}
"""Why a verdict of the ear should be listened to."""

EAR_PHASES: dict[str, Any] = {
    "early": _l("Before the answer"),
    "answered": _l("After the answer"),
    "late": _l("Later"),
}

ANNOUNCEMENTS = (
    "vacant", "powered_off", "out_of_service", "unreachable", "busy", "call_barred", "number_changed", "congestion",
)  # fmt: skip
"""What an announcement of the exchange can say."""

EAR_KEYS: dict[str, tuple[tuple[str, str], ...]] = {
    "early": (
        ("1", "ringback"), ("2", "busy"), ("3", "congestion"), ("4", "vacant"), ("5", "powered_off"),
        ("6", "out_of_service"), ("7", "unreachable"), ("8", "call_barred"), ("9", "number_changed"),
        ("0", "announcement_unknown"), ("M", "music"), ("S", "silence"), ("H", "human"),
    ),
    "answered": (
        ("1", "human"), ("2", "machine"), ("3", "screening"), ("4", "ivr"), ("5", "fax"), ("6", "music"),
        ("7", "silence"), ("8", "busy"), ("9", "ringback"), ("0", "announcement_unknown"),
    ),
}  # fmt: skip
"""Keys (physical, within the labelling desk only) and the labels they choose."""

REJECT_REASONS: dict[str, Any] = {}

THEMES: dict[str, Any] = {"auto": _l("As the system"), "light": _l("Light"), "dark": _l("Dark")}


def text(table: dict[str, Any], key: str | None) -> str:
    """The label of a key; an unknown key is shown as it is."""
    return str(table.get(key or "", key or ""))


BLOCKED: dict[str, Any] = {
    "no_agents": _l("no agent is ready"),
    "no_channels": _l("all channels are in use"),
    "caller_ids_spent": _l("each shown number has made its calls of today"),
    "no_leads": _l("the list is worked through"),
    "not_due": _l("no number is due yet"),
    "disk_full": _l("the disk is nearly full"),
    "clock_unknown": _l("the box does not know the time"),
    "bus_away": _l("the inner connection is interrupted"),
    "store_away": _l("the database does not answer"),
    "switch_away": _l("the switch does not answer"),
    "switch_full": _l("the box carries as many calls as it can"),
    "in_call": _l("the numbers that are due are in a call of another campaign"),
    "failed": _l("the box made a mistake with this campaign and tries again; its log says more"),
    "hours": _l("outside calling hours"),
    "attempts": _l("attempts per number are used up for now"),
    "rules": _l("the rules of the country forbid it now"),
}


def blocked(reason: str) -> str:
    """Why a running campaign dials nothing; rules of a profile come as `<profile>.<rule>`."""
    if "." not in reason:
        return text(BLOCKED, reason)
    rule = reason.partition(".")[2]
    return text(BLOCKED, next((key for key in ("hours", "attempts", "in_call") if key in rule), "rules"))


AUDIT_AREAS: dict[str, Any] = {
    "login": _l("Sign-in"),
    "user": _l("Users"),
    "seat": _l("Seats"),
    "trunk": _l("Trunks"),
    "campaign": _l("Campaigns"),
    "import": _l("Import"),
    "do_not_call": _l("Do not call"),
    "person": _l("People"),
    "recording": _l("Recordings"),
    "score": _l("Quality"),
    "scorecard": _l("Quality"),
    "sampling_plan": _l("Quality"),
    "calibration": _l("Quality"),
    "appeal": _l("Quality"),
    "retention": _l("Retention"),
    "report": _l("Reports"),
    "saved_report": _l("Reports"),
    "settings": _l("Settings"),
    "ear": _l("What the box heard"),
    "announcement": _l("Announcements"),
    "alert": _l("Alerts"),
    "line": _l("Lines"),
    "disk": _l("Disks"),
    "array": _l("Disks"),
    "contact": _l("People"),
    "contact_field": _l("Fields of people"),
    "article": _l("Knowledge base"),
    "script": _l("Script"),
    "form": _l("Form"),
    "backup": _l("Backup"),
    "update": _l("Updates"),
    "box": _l("Box"),
}

ALERT_AREAS: dict[str, Any] = {
    "line.": _l("Lines"),
    "trunk.": _l("Trunks"),
    "gateway.": _l("Gateways"),
    "disk.": _l("Disks"),
    "raid.": _l("Mirror"),
    "service": _l("Services"),
    "sensor.": _l("Sensors"),
    "link.": _l("Network ports"),
    "clock.": _l("Clock"),
    "ear.": _l("What the box heard"),
    "sink.": _l("Ways of alerts"),
    "report.": _l("Reports"),
}
"""How the keys of alerts begin, for the filter of their history."""

SNOOZES: dict[int, Any] = {15: _l("15 min"), 60: _l("1 h"), 240: _l("4 h"), 1440: _l("1 day"), 10080: _l("7 days")}
"""Minutes for which an alert can be silenced."""

SINKS = ("email", "sms", "webhook", "syslog", "snmp_trap", "leds")
"""Ways out of the box that can be tried; named as their sections of the settings."""
