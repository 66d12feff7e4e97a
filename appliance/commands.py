"""Commands on the bus (request and reply): the one declaration of what one service may ask of another.

Subject `callbox.<cell>.cmd.<service>`; `service` is `switch` (Originate), `conversation.<id>` (one living worker),
`engine` (live state: campaigns, agents), `office` (accounts, configuration, audit: served by jobs), `jobs`
(imports, archive, retention, reports), `watch` (alerts), `privd`. Each command names its service in `SERVICE`.
A command is answered by its `Reply` type or by `Failure`. Commands are never redelivered by the bus.
"""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec

from appliance.types import LegRole, SuperviseMode


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """The negative reply; becomes the CallboxError of class `kind` again at the caller."""

    kind: str  # class name in appliance.errors
    error_id: str
    message: str
    retryable: bool = False
    placeholders: dict[str, Any] = {}


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """The plain positive reply; `id` is what was made or touched, `data` what the caller asked for."""

    id: str | None = None
    data: dict[str, Any] = {}


class Command(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Base of all commands (tagged with the class name)."""

    SERVICE: ClassVar[str] = ""


class UserCommand(Command, frozen=True, kw_only=True):
    """A command that a person gave: who, from where (for permissions and audit)."""

    actor_id: str
    actor_address: str = ""


# ---- switch: one conversation, one process -------------------------------------------------------------


class RecordPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """When to record. Nothing is written before `from_answer` unless `early` is set."""

    enabled: bool = True
    early: bool = False


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


# ---- engine: live state ---------------------------------------------------------------------------------


class CampaignAction(UserCommand, frozen=True, kw_only=True):
    """`action`: start | pause | resume | stop. `stop` lets living conversations end."""

    SERVICE: ClassVar[str] = "engine"
    campaign_id: str
    action: str


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


class AddCaller(UserCommand, frozen=True, kw_only=True):
    """Make a record of the unknown caller of a conversation, in the campaign of his queue if it has one."""

    SERVICE: ClassVar[str] = "engine"
    conversation_id: str
    name: str


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


# ---- office (served by jobs): accounts, configuration, audit --------------------------------------------


class SetUpAdministrator(Command, frozen=True, kw_only=True):
    """First run: `token` is the one-time set-up token; refused when an administrator exists."""

    SERVICE: ClassVar[str] = "office"
    token: str
    login: str
    password: str
    actor_address: str = ""
    language: str = "en"


class LogIn(Command, frozen=True, kw_only=True):
    """Reply data: session_token, user_id, role. Lock-out after repeated failures (`login.locked`)."""

    SERVICE: ClassVar[str] = "office"
    login: str
    password: str
    totp: str = ""
    actor_address: str = ""
    user_agent: str = ""


class LogOut(Command, frozen=True, kw_only=True):
    """End one session; `everywhere` ends all of its user's, this one included."""

    SERVICE: ClassVar[str] = "office"
    session_token: str
    everywhere: bool = False


class SaveUser(UserCommand, frozen=True, kw_only=True):
    """Make (id None) or change a user; `password=None` leaves it. Reply id."""

    SERVICE: ClassVar[str] = "office"
    id: str | None = None
    login: str
    display_name: str = ""
    role: str
    password: str | None = None
    language: str = "en"
    enabled: bool = True
    skills: dict[str, int] | None = None  # level 1 to 5 by name; None leaves them
    own_password: bool = False  # a user changes his own password or language (no users.write needed)
    theme: str | None = None  # light | dark | auto; None leaves it
    current_password: str | None = None  # needed with own_password when a new password is given
    session_token: str = ""  # a new password ends the user's sessions, all but this one
    role_id: str | None = None  # a role of one's own ("": back to the built-in `role`); None leaves it
    department_id: str | None = None  # "": none; None leaves it


class SaveShortcuts(UserCommand, frozen=True, kw_only=True):
    """Remember one's own keys: {shortcut id: chord}; what is left out has its usual key."""

    SERVICE: ClassVar[str] = "office"
    keys: dict[str, str] = {}


class SaveRole(UserCommand, frozen=True, kw_only=True):
    """Make (id None) or change a role of one's own; `permissions` {types.Permission: types.Scope}. Reply id.

    Nobody gives what he does not have himself (`role.not_own`). Its users are signed out when it becomes smaller.
    """

    SERVICE: ClassVar[str] = "office"
    id: str | None = None
    name: str
    base: str = "agent"  # types.Role beside whose users its users are listed
    permissions: dict[str, str] = {}


class RemoveRole(UserCommand, frozen=True, kw_only=True):
    """Take a role away that nobody has (`role.in_use`)."""

    SERVICE: ClassVar[str] = "office"
    id: str


class SaveDepartment(UserCommand, frozen=True, kw_only=True):
    """Make (id None) or change a department; `parent_id` "": at the top. Reply id."""

    SERVICE: ClassVar[str] = "office"
    id: str | None = None
    name: str
    parent_id: str = ""


class RemoveDepartment(UserCommand, frozen=True, kw_only=True):
    """Take a department away that is empty: no users, none below it (`department.in_use`)."""

    SERVICE: ClassVar[str] = "office"
    id: str


class MakeApiToken(UserCommand, frozen=True, kw_only=True):
    """A key for another program that acts for `user_id` (empty: oneself). Reply id, data.token (shown once).

    `scopes`: values of types.Permission that user and actor have; `days` 0: it does not run out.
    """

    SERVICE: ClassVar[str] = "office"
    name: str
    scopes: list[str]
    user_id: str = ""
    days: int = 365


class RevokeApiToken(UserCommand, frozen=True, kw_only=True):
    """End a key now; one's own, or any with settings.write."""

    SERVICE: ClassVar[str] = "office"
    id: str


class FinishSetUpStep(UserCommand, frozen=True, kw_only=True):
    """Note a step of the first set-up as done, or left out for now (`skipped`); `data` is for the hand-over report."""

    SERVICE: ClassVar[str] = "office"
    step: str
    skipped: bool = False
    data: dict[str, Any] = {}


class PreparePhone(UserCommand, frozen=True, kw_only=True):
    """New credentials for a desk phone, as its sheet shows them: data {user, password, realm, token, expires_at}.

    `token` lets the phone fetch its settings once (RedeemPhoneToken); credentials given before hold no longer.
    """

    SERVICE: ClassVar[str] = "office"
    seat_id: str


class RedeemPhoneToken(Command, frozen=True, kw_only=True):
    """A phone fetches its settings: data {user, password, realm, display_name}. Fails with `phone.token_used`."""

    SERVICE: ClassVar[str] = "office"
    token: str
    actor_address: str = ""


class UploadCertificate(UserCommand, frozen=True, kw_only=True):
    """Use an own certificate (PEM, leaf first) with its key, or the box's own again (both empty).

    Fails with ValidationErrors by field; front and edge take it up when they start next.
    """

    SERVICE: ClassVar[str] = "office"
    certificate: str = ""
    key: str = ""


class EnrolTotp(UserCommand, frozen=True, kw_only=True):
    """First half of switching the second factor on: reply data {secret, uri}; nothing holds yet."""

    SERVICE: ClassVar[str] = "office"


class ConfirmTotp(UserCommand, frozen=True, kw_only=True):
    """Second half: a code made from the new secret; from now on log-in asks for one."""

    SERVICE: ClassVar[str] = "office"
    code: str


class DisableTotp(UserCommand, frozen=True, kw_only=True):
    """Switch the second factor off: one's own by password, another user's (`user_id`) by users.write."""

    SERVICE: ClassVar[str] = "office"
    user_id: str | None = None
    password: str = ""


class SaveSeat(UserCommand, frozen=True, kw_only=True):
    """Make or change a seat; `password=None` makes one at creation (reply data.password, shown once)."""

    SERVICE: ClassVar[str] = "office"
    id: str
    display_name: str = ""
    phone: str = "desk"  # desk | browser
    password: str | None = None
    enabled: bool = True


class SeatPhoneCredentials(UserCommand, frozen=True, kw_only=True):
    """Fresh credentials for the browser phone of a seat (reply data: user, password, realm, expires_at)."""

    SERVICE: ClassVar[str] = "office"
    seat_id: str


class SaveTrunk(UserCommand, frozen=True, kw_only=True):
    """Make or change a trunk; `config` as `appliance.store.models.Trunk.config` (see telephony.trunks)."""

    SERVICE: ClassVar[str] = "office"
    id: str
    display_name: str = ""
    config: dict[str, Any]
    enabled: bool = True


class PreviewNumber(UserCommand, frozen=True, kw_only=True):
    """What a trunk's rules make of a number, also before they are saved: reply data {sent, rule}.

    `direction` outbound | inbound, `which` called | calling; `rule` counts from 1, None: no rule applied.
    """

    SERVICE: ClassVar[str] = "office"
    config: dict[str, Any]
    number: str
    direction: str = "outbound"
    which: str = "called"


class SaveCampaign(UserCommand, frozen=True, kw_only=True):
    """Make (id None) or change a campaign; `config` as domain.campaign.CampaignConfig. Reply id."""

    SERVICE: ClassVar[str] = "office"
    id: str | None = None
    name: str
    mode: str
    config: dict[str, Any] = {}


class SaveQueue(UserCommand, frozen=True, kw_only=True):
    """Make (id None) or change a queue of callers; `config` as domain.inbound_config.QueueConfig. Reply id.

    Fails with ValidationErrors by field; a called number belongs to one queue only.
    """

    SERVICE: ClassVar[str] = "office"
    id: str | None = None
    name: str
    config: dict[str, Any] = {}
    enabled: bool = True


class RemoveQueue(UserCommand, frozen=True, kw_only=True):
    """Take a queue away; who waits in it goes on waiting."""

    SERVICE: ClassVar[str] = "office"
    id: str


class SaveDoNotCall(UserCommand, frozen=True, kw_only=True):
    """Bar a number or take that back (`remove`); any spelling, region as in lists. Reply id: E.164.

    `level`: box (no campaign dials it), campaign (`campaign_id` does not) or person (whoever has it is not dialled at
    any of his numbers).
    """

    SERVICE: ClassVar[str] = "office"
    number: str
    reason: str = ""
    remove: bool = False
    level: str = "box"
    campaign_id: str | None = None


class ImportDoNotCall(UserCommand, frozen=True, kw_only=True):
    """Bar every number of an uploaded table (`path` in the upload folder), for the box or for one campaign.

    Reply data {rows, added, known, rejected: [{row, cell, problem}], rejected_count}.
    """

    SERVICE: ClassVar[str] = "office"
    path: str
    file_name: str
    reason: str = ""
    campaign_id: str | None = None


class SavePerson(UserCommand, frozen=True, kw_only=True):
    """What the rules must know of a person (store.models.PersonFacts); fails with ValidationErrors by field.

    `consents` names the kinds that hold from now on: what is new is dated now, what is gone is revoked now.
    """

    SERVICE: ClassVar[str] = "office"
    contact_id: str
    time_zone: str = ""
    contact_revoked: bool = False
    third_party: bool = False
    third_party_refused: bool = False
    debtor_number: str = ""
    consents: list[str] = []


class SaveRetention(UserCommand, frozen=True, kw_only=True):
    """Retention rule of a campaign or a seat (scope 'campaign:<id>', 'seat:<id>' or 'default')."""

    SERVICE: ClassVar[str] = "office"
    scope: str
    keep_days: int


class LegalHold(UserCommand, frozen=True, kw_only=True):
    SERVICE: ClassVar[str] = "office"
    recording_id: str
    hold: bool
    reason: str = ""


class SaveSettings(UserCommand, frozen=True, kw_only=True):
    """Merge `changes` (nested by section, as `settings.save_settings`) into the settings file; audited."""

    SERVICE: ClassVar[str] = "office"
    changes: dict[str, Any]


class SaveLineCard(UserCommand, frozen=True, kw_only=True):
    """Add (`new`) or change an entry of `hardware.cards`; an empty secret leaves the one that is known. Reply id.

    Fails with ValidationErrors by field. `watch` reads the cards anew when it hears `ConfigChanged` of settings.
    """

    SERVICE: ClassVar[str] = "office"
    card: dict[str, Any]  # as settings.LineCardSettings
    new: bool = False


class RemoveLineCard(UserCommand, frozen=True, kw_only=True):
    """Take an entry out of `hardware.cards`: its lines are watched no more."""

    SERVICE: ClassVar[str] = "office"
    id: str
    source: str


class Audit(UserCommand, frozen=True, kw_only=True):
    """Append one line to the hash-chained audit log (listen, export, download of rejects...)."""

    SERVICE: ClassVar[str] = "office"
    action: str
    subject: str
    detail: dict[str, Any] = {}


class OpenRecording(UserCommand, frozen=True, kw_only=True):
    """Audit a listen or export and hand out a read ticket: reply data {path, key_b64, size_bytes, content_type}.

    The one way to a recording's key: no audit line, no sound.
    """

    SERVICE: ClassVar[str] = "office"
    recording_id: str
    purpose: str = "listen"  # listen | export


class LabelCall(UserCommand, frozen=True, kw_only=True):
    """Say what a call really was (`label` as types.Outcome; empty takes the label back).

    `announcement` enrols the sound that was labelled under a new id (reply data.announcement_id).
    """

    SERVICE: ClassVar[str] = "office"
    attempt_id: str
    label: str
    stage: str = "answered"  # early | answered
    announcement: bool = False


class EnrolAnnouncement(UserCommand, frozen=True, kw_only=True):
    """Teach the ear an announcement: from an uploaded file (`path`) or from a recording (`recording_id`).

    `from_s` and `to_s` cut it out (0: to the end). Reply id: the entry's. Workers forked from now on know it.
    """

    SERVICE: ClassVar[str] = "office"
    label: str
    id: str = ""  # empty: one is made
    name: str = ""
    country: str = ""
    language: str = ""
    path: str = ""
    recording_id: str = ""
    from_s: float = 0.0
    to_s: float = 0.0


class SaveAnnouncement(UserCommand, frozen=True, kw_only=True):
    """Change what an enrolled announcement is called and means."""

    SERVICE: ClassVar[str] = "office"
    id: str
    label: str
    name: str = ""
    country: str = ""
    language: str = ""


class RetireAnnouncement(UserCommand, frozen=True, kw_only=True):
    """Listen for an announcement no more, or again (`back`); its sound is kept."""

    SERVICE: ClassVar[str] = "office"
    id: str
    back: bool = False


class NameCluster(UserCommand, frozen=True, kw_only=True):
    """Name an unknown announcement that was heard again and again: enrols its clearest clip. Reply id: the entry's."""

    SERVICE: ClassVar[str] = "office"
    cluster: str
    label: str
    name: str = ""


class EarCurve(Command, frozen=True, kw_only=True):
    """What the trade-off setting costs: reply data {points: [{setting, people_dropped, machines_passed}]}."""

    SERVICE: ClassVar[str] = "office"


# ---- jobs ------------------------------------------------------------------------------------------------


class ImportList(UserCommand, frozen=True, kw_only=True):
    """Import a file that the web laid in the upload folder. Progress on `evt.live.job.<id>`; reply id = import id.

    `dry_run` writes nothing but the import's own row and its row-by-row verdicts. `duplicates`: skip | warn | merge,
    for people who are there already by any of their numbers; `across_campaigns`: also in another campaign.
    """

    SERVICE: ClassVar[str] = "jobs"
    path: str
    file_name: str
    campaign_id: str | None = None
    campaign_name: str | None = None
    region: str | None = None
    mapping: dict[str, str] | None = None
    dry_run: bool = True
    duplicates: str = "skip"
    across_campaigns: bool = False


class MakeList(UserCommand, frozen=True, kw_only=True):
    """Lay a list made of the box's own rows into the upload folder; reply data {path, file_name, rows}.

    `source`: missed | history | callbacks | rejects. `outcomes`, `campaign_id` (of the calls) and the days
    `from_day`..`to_day` (YYYY-MM-DD, in the box's zone, both included) choose from the history; `import_id` says
    whose rejects. The file is then inspected and imported as any other.
    """

    SERVICE: ClassVar[str] = "jobs"
    source: str
    campaign_id: str | None = None
    outcomes: list[str] = []
    from_day: str = ""
    to_day: str = ""
    import_id: str | None = None


class SetNumberState(UserCommand, frozen=True, kw_only=True):
    """A person's decision about a number: `good` lets it dial again, `retired` takes it out. Leads follow. Audited."""

    SERVICE: ClassVar[str] = "office"
    number: str
    state: str
    reason: str = ""


class InspectList(UserCommand, frozen=True, kw_only=True):
    """Look at the head of an uploaded list: reply data {columns, mapping, sample (rows of text cells), remembered}.

    The mapping is the one by which a list with the same header was last taken (first of `campaign_id`, then any:
    `remembered`), or guessed.

    `columns` are headers (or letters of columns without one), `mapping` {role: column} as `ImportList.mapping`,
    `sample` at most 5 rows below the header.
    """

    SERVICE: ClassVar[str] = "jobs"
    path: str
    file_name: str
    campaign_id: str | None = None


class RunRetention(UserCommand, frozen=True, kw_only=True):
    """Reply data: what would be (dry_run) or was deleted."""

    SERVICE: ClassVar[str] = "jobs"
    dry_run: bool = True


class ExportReport(UserCommand, frozen=True, kw_only=True):
    """Write a report or list to a table file; reply id = job id, `LiveJob.result` = {path, file_name, rows}.

    `report`: campaign | figures | attempts | recordings | rejects; `file_format`: csv | xlsx. `choice` holds the
    fields of a report's address (store.read.report_scope, and `by`) for figures and attempts. The file stands in the
    upload folder for a day.
    """

    SERVICE: ClassVar[str] = "jobs"
    report: str
    campaign_id: str | None = None
    import_id: str | None = None
    file_format: str = "csv"
    language: str = "en"  # of the reasons in a file of rejects, of the headings of figures
    choice: dict[str, str] = {}


class SaveReport(UserCommand, frozen=True, kw_only=True):
    """Keep a report, new (no id) or changed; reply id. It is written and sent by the box when it is due.

    `choice` as in ExportReport; `every` day | week | month, or empty: only by hand; `at_time` HH:MM of the box's
    clock, `on_day` of the week (1 Monday) or of the month; `recipients` separated by commas.
    """

    SERVICE: ClassVar[str] = "jobs"
    report_id: str | None = None
    name: str
    choice: dict[str, str] = {}
    file_format: str = "xlsx"
    every: str = ""
    at_time: str = "08:00"
    on_day: int = 1
    recipients: str = ""
    language: str = "en"


class DeleteReport(UserCommand, frozen=True, kw_only=True):
    """Forget a saved report."""

    SERVICE: ClassVar[str] = "jobs"
    report_id: str


class RunReport(UserCommand, frozen=True, kw_only=True):
    """Make (and send) a saved report now; reply id = job id."""

    SERVICE: ClassVar[str] = "jobs"
    report_id: str


class AcknowledgeAlert(UserCommand, frozen=True, kw_only=True):
    """Say that somebody looks after a standing alert: it goes no further."""

    SERVICE: ClassVar[str] = "watch"
    key: str


class SnoozeAlert(UserCommand, frozen=True, kw_only=True):
    """Hear nothing of a standing alert for a while; told again after it when it still stands."""

    SERVICE: ClassVar[str] = "watch"
    key: str
    minutes: int


class TestSink(UserCommand, frozen=True, kw_only=True):
    """Send a test alert one way now (`email`, `sms`, `webhook`, `syslog`, `snmp_trap`, `leds`).

    Reply data {seconds}; fails with `sink.failed` and what the other side said, `sink.not_set_up` when it is not.
    """

    SERVICE: ClassVar[str] = "watch"
    sink: str


# ---- watch: disks -----------------------------------------------------------------------------------------


class ShowDisks(UserCommand, frozen=True, kw_only=True):
    """Look at the disks anew; reply data {arrays, disks, pictures, replacement} as `watch.disks` puts them."""

    SERVICE: ClassVar[str] = "watch"


class ReplaceDisk(UserCommand, frozen=True, kw_only=True):
    """Bring a new disk into an array. `serial` and its last four characters as a person typed them.

    Everything is looked at anew; refused for a foreign or smaller disk (`replace.refused`). Goes on by itself and over
    restarts; progress as LiveHardware of the section `replacement`.
    """

    SERVICE: ClassVar[str] = "watch"
    array: str
    serial: str
    confirmation: str


class RetireDisk(UserCommand, frozen=True, kw_only=True):
    """Take a living disk out of its array so that it can be pulled; refused for the last good one."""

    SERVICE: ClassVar[str] = "watch"
    array: str
    serial: str
    confirmation: str


class AbandonReplacement(UserCommand, frozen=True, kw_only=True):
    """Forget a replacement that cannot go on (the new disk is broken too); nothing that was done is undone."""

    SERVICE: ClassVar[str] = "watch"


class RunDiskTest(UserCommand, frozen=True, kw_only=True):
    """Start a disk's test of itself: `kind` short or long."""

    SERVICE: ClassVar[str] = "watch"
    serial: str
    kind: str = "short"


class LocateDisk(UserCommand, frozen=True, kw_only=True):
    """Light the lamp of a disk's bay (`on`), or put it out; it goes out by itself after ten minutes.

    Refused with `disk.no_lamp` where the enclosure has none.
    """

    SERVICE: ClassVar[str] = "watch"
    serial: str
    on: bool = True


class CheckArray(UserCommand, frozen=True, kw_only=True):
    """Compare both halves of a mirror in the background."""

    SERVICE: ClassVar[str] = "watch"
    array: str


# ---- watch: lines -----------------------------------------------------------------------------------------


class ControlLine(UserCommand, frozen=True, kw_only=True):
    """Tell a line something (`verb` as drivers.lines.Verb); reply data {before, after, verified}.

    Loop-backs and error tests end by themselves after `arguments["seconds"]`; refused while calls run unless `force`.
    """

    SERVICE: ClassVar[str] = "watch"
    line_id: str
    verb: str
    arguments: dict[str, Any] = {}
    force: bool = False


class ProfileFromTranscript(UserCommand, frozen=True, kw_only=True):
    """Make a card's profile of a captured terminal session; written down only with `save`.

    Reply data {toml, command, up, down, alarms, fields}: what was found in it. Nothing is invented: a transcript that
    does not show a line that is well is refused (`line.bad_transcript`).
    """

    SERVICE: ClassVar[str] = "watch"
    profile_id: str
    make: str
    model: str
    kind: str = "e1"  # e1 | fxo
    transcript: str
    save: bool = False


class ShowLineCards(UserCommand, frozen=True, kw_only=True):
    """Reply data {cards, profiles}: cards without secrets but with `secrets_set`, makes with their `readers`."""

    SERVICE: ClassVar[str] = "watch"


class TestLineCard(UserCommand, frozen=True, kw_only=True):
    """Read a card once that need not be saved (`card` as SaveLineCard); reply data {seconds, lines}.

    Fails with ValidationErrors by field, or with what its driver says went wrong and what to do.
    """

    SERVICE: ClassVar[str] = "watch"
    card: dict[str, Any]


# ---- watch: line test -------------------------------------------------------------------------------------


class BeginLineTest(UserCommand, frozen=True, kw_only=True):
    """Open an instrument and begin the plan of its kind; one test at a time (`line_test.running`).

    `resource`: VISA name; with `simulate` it stays empty. Reply data: the test as `watch.line_test` puts it.
    """

    SERVICE: ClassVar[str] = "watch"
    pair: str
    resource: str = ""
    profile: str = "scpi_meter"
    simulate: bool = False


class ActOnLineTest(UserCommand, frozen=True, kw_only=True):
    """What the technician did or says (`event`: ready yes no again next skip abort); waits for the meter.

    Ohms and mA are measured only by `yes` after a check of the pair. Reply data as BeginLineTest.
    """

    SERVICE: ClassVar[str] = "watch"
    test_id: str
    event: str


class ShowLineTests(UserCommand, frozen=True, kw_only=True):
    """Reply data {running, results, profiles}: results newest first, of one `pair` or of all."""

    SERVICE: ClassVar[str] = "watch"
    pair: str = ""


class LineTestReport(UserCommand, frozen=True, kw_only=True):
    """The signed report of one test; reply data {pdf_base64, file_name}."""

    SERVICE: ClassVar[str] = "watch"
    test_id: str
    language: str = "en"


# ---- watch: services, network, test calls ------------------------------------------------------------------


class ShowServices(UserCommand, frozen=True, kw_only=True):
    """Reply data {services: [{name, state, since_s}], on_device}: supervisor's, and systemd's on the device."""

    SERVICE: ClassVar[str] = "watch"


class RestartService(UserCommand, frozen=True, kw_only=True):
    """Stop one service and start it again; audited."""

    SERVICE: ClassVar[str] = "watch"
    name: str


class ShowNetwork(UserCommand, frozen=True, kw_only=True):
    """Reply data {ports: [{name, addresses, up}], gateway, can_change, trial_ends_unix_s (None: none runs)}."""

    SERVICE: ClassVar[str] = "watch"


class TryNetwork(UserCommand, frozen=True, kw_only=True):
    """Change a port's address (`address` a.b.c.d/n or "dhcp"); it takes itself back after 60 s unless kept."""

    SERVICE: ClassVar[str] = "watch"
    port: str
    address: str
    gateway: str = ""


class KeepNetwork(UserCommand, frozen=True, kw_only=True):
    """Keep the change that is on trial, or take it back at once."""

    SERVICE: ClassVar[str] = "watch"
    keep: bool = True


class SetTimeZone(UserCommand, frozen=True, kw_only=True):
    """The system's zone, on the device (`network.not_here` elsewhere); the box's own stands in the settings."""

    SERVICE: ClassVar[str] = "watch"
    zone: str


class BeginTestCall(UserCommand, frozen=True, kw_only=True):
    """Dial a number through a trunk and listen, with no campaign; it is recorded. Reply id: the conversation's."""

    SERVICE: ClassVar[str] = "watch"
    number: str
    trunk_id: str


class ShowTestCall(UserCommand, frozen=True, kw_only=True):
    """Reply data {number, trunk_id, running, steps: [str], outcome, reason, answered, seconds, error_id, error}."""

    SERVICE: ClassVar[str] = "watch"
    id: str


COMMANDS: tuple[type[Command], ...] = (
    SaveRole, RemoveRole, SaveDepartment, RemoveDepartment, MakeApiToken, RevokeApiToken, FinishSetUpStep,
    PreparePhone, RedeemPhoneToken, UploadCertificate, ReleaseSeat, ShowServices, RestartService, ShowNetwork,
    TryNetwork, KeepNetwork, SetTimeZone, BeginTestCall, ShowTestCall,
    Originate, ConnectSeat, AnswerInbound, Hangup, Hold, Supervise, PlayPrompt, SendDtmf,
    HandOver, Mute, PauseRecording, AgentMute, AgentRecording, AgentReattach, TransferTargets, AgentTransfer,
    AgentThird, AgentDraft, SaveShortcuts,
    CampaignAction, AgentLogin, AgentLogout, AgentReady, AgentPause, AgentHangup, AgentHold, AgentDtmf,
    AgentDispose, AgentPreview, AgentDial, SuperviseAgent, AddCaller, CallBackMissed, LiveView,
    SetUpAdministrator, LogIn, LogOut, SaveUser, EnrolTotp, ConfirmTotp, DisableTotp, SaveDoNotCall,
    ImportDoNotCall, SavePerson,
    SaveSeat, SeatPhoneCredentials, SaveTrunk, PreviewNumber, SaveCampaign, SaveQueue, RemoveQueue,
    LabelCall, EnrolAnnouncement, SaveAnnouncement, RetireAnnouncement, NameCluster, EarCurve,
    SaveRetention, LegalHold, SaveSettings, Audit, OpenRecording, ImportList, InspectList, MakeList,
    SetNumberState, RunRetention,
    ExportReport, AcknowledgeAlert, SnoozeAlert, TestSink, ControlLine, ProfileFromTranscript,
    ShowDisks, ReplaceDisk, RetireDisk, AbandonReplacement, RunDiskTest, LocateDisk, CheckArray,
    SaveLineCard, RemoveLineCard, ShowLineCards, TestLineCard,
    BeginLineTest, ActOnLineTest, ShowLineTests, LineTestReport,
)  # fmt: skip
