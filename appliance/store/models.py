"""The tables: what the box knows. One row, one fact; instants are stored as UTC, money in minor units.

Who writes: `engine` live state (lead, attempt, ear_verdict, agent_session, callbacks); `jobs` everything else
(office: users, seats, trunks, campaigns, audit; imports: contacts, leads; archive: recordings). Nobody updates an
attempt's identity; an outcome is written once.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, ClassVar

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    DateTime,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Text,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC instant; SQLite stores it without a zone, so the zone is put back on reading."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("naive datetime given to the store")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s", "uq": "uq_%(table_name)s_%(column_0_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s", "pk": "pk_%(table_name)s",
        }
    )  # fmt: skip
    type_annotation_map: ClassVar[dict[Any, Any]] = {datetime: UtcDateTime, dict[str, Any]: JSON, list[Any]: JSON}


def _key() -> Mapped[str]:
    return mapped_column(String(40), primary_key=True)


class User(Base):
    """A person who logs in. `role` as types.Role."""

    __tablename__ = "users"
    id: Mapped[str] = _key()
    login: Mapped[str] = mapped_column(String(80), unique=True)
    display_name: Mapped[str] = mapped_column(String(120), default="")
    role: Mapped[str] = mapped_column(String(20))
    password_hash: Mapped[str] = mapped_column(Text)
    totp_secret: Mapped[str] = mapped_column(Text, default="")
    totp_last_step: Mapped[int] = mapped_column(BigInteger, default=0)  # a code is good once (RFC 6238, 5.2)
    language: Mapped[str] = mapped_column(String(5), default="en")
    theme: Mapped[str] = mapped_column(String(10), default="auto")
    enabled: Mapped[bool] = mapped_column(Boolean, default=True)
    skills: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")  # level 1 to 5 by name
    shortcuts: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")  # own keys by shortcut
    role_id: Mapped[str | None] = mapped_column(String(40))  # a role of one's own (roles.id) instead of the built-in
    department_id: Mapped[str | None] = mapped_column(String(40))
    created_at: Mapped[datetime]
    failed_logins: Mapped[int] = mapped_column(Integer, default=0)
    locked_until: Mapped[datetime | None]


class CustomRole(Base):
    """A role made of permissions: `permissions` is {types.Permission: types.Scope}.

    `base` (types.Role) is the built-in role whose users are listed beside those of this one (agents, supervisors).
    """

    __tablename__ = "roles"
    id: Mapped[str] = _key()
    name: Mapped[str] = mapped_column(String(80), unique=True)
    base: Mapped[str] = mapped_column(String(20))
    permissions: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_at: Mapped[datetime]


class Department(Base):
    """A part of the company; `parent_id` None: at the top. A team is a department with all below it."""

    __tablename__ = "departments"
    id: Mapped[str] = _key()
    name: Mapped[str] = mapped_column(String(80))
    parent_id: Mapped[str | None] = mapped_column(String(40))


class ApiToken(Base):
    """A key for other programs: acts for `user_id` with those of his permissions that are in `scopes`.

    Only the SHA-256 of the token is kept; `scopes` are values of types.Permission.
    """

    __tablename__ = "api_tokens"
    id: Mapped[str] = _key()
    name: Mapped[str] = mapped_column(String(80))
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    scopes: Mapped[list[Any]] = mapped_column(default=list)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), index=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class SetUpStep(Base):
    """A step of the first set-up that was finished or left out; `data` goes into the hand-over report."""

    __tablename__ = "set_up_steps"
    step: Mapped[str] = mapped_column(String(30), primary_key=True)
    state: Mapped[str] = mapped_column(String(10))  # done | skipped
    at: Mapped[datetime]
    actor_id: Mapped[str] = mapped_column(String(40))
    data: Mapped[dict[str, Any]] = mapped_column(default=dict)


class PhoneTicket(Base):
    """Lets one desk phone fetch its settings once. Its password is derived from the token, which is not kept."""

    __tablename__ = "phone_tickets"
    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    seat_id: Mapped[str] = mapped_column(ForeignKey("seats.id"), index=True)
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class Session(Base):
    """A server-side web session; only the SHA-256 of its token is kept."""

    __tablename__ = "sessions"
    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), index=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    address: Mapped[str] = mapped_column(String(60), default="")
    user_agent: Mapped[str] = mapped_column(String(200), default="")


class Seat(Base):
    """A place with a phone. `id` is the SIP user name; the digest secret lives at the edge only."""

    __tablename__ = "seats"
    id: Mapped[str] = _key()
    display_name: Mapped[str] = mapped_column(String(120), default="")
    phone: Mapped[str] = mapped_column(String(10), default="desk")  # desk | browser
    enabled: Mapped[bool] = mapped_column(Boolean, default=True)


class Trunk(Base):
    """A group of channels to the exchange. `config` is telephony.trunks.TrunkConfig as plain data."""

    __tablename__ = "trunks"
    id: Mapped[str] = _key()
    display_name: Mapped[str] = mapped_column(String(120), default="")
    config: Mapped[dict[str, Any]]
    channels: Mapped[int] = mapped_column(Integer, default=30)
    enabled: Mapped[bool] = mapped_column(Boolean, default=True)


class Campaign(Base):
    """`config` is domain.campaign.CampaignConfig as plain data (hours, caps, wrap-up, script, recycling...)."""

    __tablename__ = "campaigns"
    id: Mapped[str] = _key()
    name: Mapped[str] = mapped_column(String(120), unique=True)
    mode: Mapped[str] = mapped_column(String(20))
    state: Mapped[str] = mapped_column(String(20))
    config: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


class Import(Base):
    """One list file that was read, dry or for good."""

    __tablename__ = "imports"
    id: Mapped[str] = _key()
    campaign_id: Mapped[str | None] = mapped_column(ForeignKey("campaigns.id"))
    file_name: Mapped[str] = mapped_column(String(255))
    digest: Mapped[str] = mapped_column(String(64), default="")  # SHA-256 of the file: a killed import is taken up
    dry_run: Mapped[bool] = mapped_column(Boolean)
    state: Mapped[str] = mapped_column(String(20))  # running | finished | failed | interrupted
    rows: Mapped[int] = mapped_column(Integer, default=0)
    accepted: Mapped[int] = mapped_column(Integer, default=0)
    rejected: Mapped[int] = mapped_column(Integer, default=0)
    duplicates: Mapped[int] = mapped_column(Integer, default=0)
    reasons: Mapped[dict[str, Any]] = mapped_column(default=dict)
    warnings: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")  # of rows taken or merged
    mapping: Mapped[dict[str, Any]] = mapped_column(default=dict)
    error_id: Mapped[str] = mapped_column(String(60), default="")
    message: Mapped[str] = mapped_column(Text, default="")
    placeholders: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")  # of the message
    actor_id: Mapped[str] = mapped_column(String(40), default="")
    created_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]


class ImportReject(Base):
    """A row that was not taken (rejected or duplicate), with its cells so that it can be corrected and sent again."""

    __tablename__ = "import_rejects"
    import_id: Mapped[str] = mapped_column(ForeignKey("imports.id"), primary_key=True)
    row_number: Mapped[int] = mapped_column(Integer, primary_key=True)
    reason: Mapped[str] = mapped_column(String(60))
    detail: Mapped[str] = mapped_column(Text, default="")
    cells: Mapped[list[Any]]


class Contact(Base):
    """A person or account holder, known by the first of his numbers (`contact_numbers` has all of them)."""

    __tablename__ = "contacts"
    id: Mapped[str] = _key()
    number: Mapped[str] = mapped_column(String(20), unique=True)
    name: Mapped[str] = mapped_column(String(200), default="")
    created_at: Mapped[datetime]


class ContactNumber(Base):
    """One of a person's numbers, in the order in which they are tried; two people may share a number."""

    __tablename__ = "contact_numbers"
    contact_id: Mapped[str] = mapped_column(ForeignKey("contacts.id"), primary_key=True)
    position: Mapped[int] = mapped_column(Integer, primary_key=True)  # from 0; 0 is Contact.number
    number: Mapped[str] = mapped_column(String(20), index=True)
    type: Mapped[str] = mapped_column(String(10), default="unknown")  # types.NumberType


class PhoneNumber(Base):
    """What is known of a number, whoever it belongs to; a number without a row is good (see domain.hygiene).

    `verdicts` is a short history, oldest first: [{"day", "outcome", "kind", "attempt_id"}].
    """

    __tablename__ = "numbers"
    number: Mapped[str] = mapped_column(String(20), primary_key=True)
    state: Mapped[str] = mapped_column(String(10), default="good", server_default="good")  # types.NumberState
    state_reason: Mapped[str] = mapped_column(String(60), default="", server_default="")
    state_since: Mapped[datetime | None]
    parked_until: Mapped[datetime | None]
    verdicts: Mapped[list[Any]] = mapped_column(default=list, server_default="[]")
    region: Mapped[str] = mapped_column(String(3), default="", server_default="")  # ISO 3166; 001 international
    line_type: Mapped[str] = mapped_column(String(10), default="unknown", server_default="unknown")  # types.LineType
    time_zones: Mapped[list[Any]] = mapped_column(default=list, server_default="[]")  # IANA names
    __table_args__ = (Index("ix_numbers_state", "state", "parked_until"),)


class Lead(Base):
    """A contact's place in a campaign: the row as it was imported, and when it may be dialled next.

    `number` is the one to dial next: a retry may move it to another number of the person.
    """

    __tablename__ = "leads"
    id: Mapped[str] = _key()
    campaign_id: Mapped[str] = mapped_column(ForeignKey("campaigns.id"))
    contact_id: Mapped[str] = mapped_column(ForeignKey("contacts.id"), index=True)
    number: Mapped[str] = mapped_column(String(20))
    name: Mapped[str] = mapped_column(String(200), default="")
    external_id: Mapped[str] = mapped_column(String(80), default="")
    amount_minor: Mapped[int | None] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3), default="")
    fields: Mapped[dict[str, Any]] = mapped_column(default=dict)
    import_id: Mapped[str | None] = mapped_column(ForeignKey("imports.id"))
    state: Mapped[str] = mapped_column(String(20))
    priority: Mapped[int] = mapped_column(Integer, default=0)
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    next_attempt_at: Mapped[datetime]
    last_outcome: Mapped[str] = mapped_column(String(30), default="")
    last_agent_id: Mapped[str | None] = mapped_column(String(40))
    callback_agent_id: Mapped[str | None] = mapped_column(String(40))
    callback_at: Mapped[datetime | None]  # a call-back is promised for then: it comes before the list
    __table_args__ = (
        UniqueConstraint("campaign_id", "contact_id"),
        Index("ix_leads_number", "campaign_id", "number"),
        Index("ix_leads_callback", "campaign_id", "callback_at"),
        Index("ix_leads_next", "campaign_id", "state", "next_attempt_at", "priority"),
        Index("ix_leads_priority", "campaign_id", "state", text("priority DESC"), "next_attempt_at"),
    )


class DoNotCall(Base):
    """A number that the box never calls, whichever campaign and person (the highest of three levels)."""

    __tablename__ = "do_not_call"
    number: Mapped[str] = mapped_column(String(20), primary_key=True)
    reason: Mapped[str] = mapped_column(String(120), default="")
    created_at: Mapped[datetime]


class CampaignDoNotCall(Base):
    """A number that one campaign does not call."""

    __tablename__ = "campaign_do_not_call"
    campaign_id: Mapped[str] = mapped_column(ForeignKey("campaigns.id"), primary_key=True)
    number: Mapped[str] = mapped_column(String(20), primary_key=True)
    reason: Mapped[str] = mapped_column(String(120), default="")
    created_at: Mapped[datetime]


class PersonFacts(Base):
    """What the rules must know of a person beside his calls (domain.compliance); no row: nothing is known.

    `consents`: [{"kind", "given_at", "revoked_at"}] with ISO instants, kinds as compliance_ledger.Consent.
    """

    __tablename__ = "person_facts"
    contact_id: Mapped[str] = mapped_column(ForeignKey("contacts.id"), primary_key=True)
    do_not_call_since: Mapped[datetime | None]
    do_not_call_reason: Mapped[str] = mapped_column(String(120), default="")
    contact_revoked_at: Mapped[datetime | None]
    time_zone: Mapped[str] = mapped_column(String(40), default="")  # of the address, IANA
    third_party: Mapped[bool] = mapped_column(Boolean, default=False)  # not the debtor himself
    third_party_refused: Mapped[bool] = mapped_column(Boolean, default=False)
    debtor_id: Mapped[str | None] = mapped_column(String(40))  # whom a third party is to help reach
    consents: Mapped[list[Any]] = mapped_column(default=list)


class RuleSet(Base):
    """The rules that attempts were written under, for replay. `id` is profile@versions#digest of all of it."""

    __tablename__ = "rule_sets"
    id: Mapped[str] = mapped_column(String(80), primary_key=True)
    profile: Mapped[str] = mapped_column(String(40))
    version: Mapped[str] = mapped_column(String(60))
    own: Mapped[dict[str, Any]]  # compliance_own.own_inputs
    box_zone: Mapped[str] = mapped_column(String(40))


class Attempt(Base):
    """One dial of one number, written before it is dialled. Open while `ended_at` is null."""

    __tablename__ = "attempts"
    id: Mapped[str] = _key()
    campaign_id: Mapped[str] = mapped_column(ForeignKey("campaigns.id"))
    lead_id: Mapped[str] = mapped_column(ForeignKey("leads.id"), index=True)
    contact_id: Mapped[str | None] = mapped_column(String(40))  # the person, for the ledger of domain.compliance
    number: Mapped[str] = mapped_column(String(20))
    trunk_id: Mapped[str] = mapped_column(String(40))
    created_at: Mapped[datetime]
    originated_at: Mapped[datetime | None]  # the switch has taken it
    answered_at: Mapped[datetime | None]
    verdict_at: Mapped[datetime | None]
    bridged_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    outcome: Mapped[str | None] = mapped_column(String(30))
    kind: Mapped[str] = mapped_column(String(20), default="")
    reason: Mapped[str] = mapped_column(Text, default="")
    confidence: Mapped[float | None] = mapped_column(Float)
    evidence: Mapped[dict[str, Any]] = mapped_column(default=dict)
    sip_status: Mapped[int | None] = mapped_column(Integer)
    q850: Mapped[int | None] = mapped_column(Integer)
    agent_id: Mapped[str | None] = mapped_column(String(40), index=True)
    seat_id: Mapped[str | None] = mapped_column(String(40))
    abandoned: Mapped[bool] = mapped_column(Boolean, default=False)
    disposition: Mapped[str] = mapped_column(String(40), default="")
    note: Mapped[str] = mapped_column(Text, default="")
    promise_amount_minor: Mapped[int | None] = mapped_column(BigInteger)
    promise_date: Mapped[str | None] = mapped_column(String(10))
    disposed_at: Mapped[datetime | None]
    answers: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")  # of the campaign's form
    caller_id: Mapped[str] = mapped_column(String(20), default="", server_default="")  # shown to the person called
    clock_at: Mapped[datetime | None]  # from then on the person waits for an agent (domain.abandoned)
    answer_within_s: Mapped[float | None] = mapped_column(Float)  # and is abandoned after this
    left_at: Mapped[datetime | None]  # the customer's line ended
    message_at: Mapped[datetime | None]  # the box began to speak: voice message or greeting, no agent
    message_done: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())  # heard to its end
    keys: Mapped[str] = mapped_column(String(20), default="", server_default="")  # pressed by the customer
    rule_set: Mapped[str] = mapped_column(String(80), default="", server_default="")  # RuleSet it was written under
    rule_inputs: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")  # and the facts then
    last_seq: Mapped[int] = mapped_column(Integer, default=0)  # last conversation event applied (idempotence)
    media: Mapped[dict[str, Any]] = mapped_column(default=dict)  # figures of ConversationEnded
    __table_args__ = (
        Index("ix_attempts_campaign", "campaign_id", "created_at"),
        Index("ix_attempts_open", "ended_at"),
        Index("ix_attempts_created", "created_at"),  # reports over all campaigns
        Index("ix_attempts_number", "number", "created_at"),  # the contact ledger of domain.compliance
        Index("ix_attempts_caller", "caller_id", "created_at"),  # calls a day of one caller number
        Index("ix_attempts_contact", "contact_id", "created_at"),  # the same, of a person
    )


class PacerState(Base):
    """What a predictive campaign's pacer has learnt, so that a restarted engine goes on where it was."""

    __tablename__ = "pacer_states"
    campaign_id: Mapped[str] = mapped_column(ForeignKey("campaigns.id"), primary_key=True)
    at: Mapped[datetime]
    state: Mapped[dict[str, Any]]


class Queue(Base):
    """Where callers wait. `config` is domain.inbound_config.QueueConfig as plain data."""

    __tablename__ = "queues"
    id: Mapped[str] = _key()
    name: Mapped[str] = mapped_column(String(120), unique=True)
    config: Mapped[dict[str, Any]]
    enabled: Mapped[bool] = mapped_column(Boolean, default=True)
    created_at: Mapped[datetime]


class InboundCall(Base):
    """One caller, written before he is answered; `id` is the conversation's. Open while `ended_at` is null.

    `outcome`: connected | missed | abandoned_in_queue | callback_asked | closed | overflowed (domain.inbound_call).
    """

    __tablename__ = "inbound_calls"
    id: Mapped[str] = _key()
    trunk_id: Mapped[str] = mapped_column(String(40))
    caller: Mapped[str] = mapped_column(String(20), default="")  # E.164; empty: withheld
    called: Mapped[str] = mapped_column(String(20), default="")
    contact_id: Mapped[str | None] = mapped_column(String(40))
    lead_id: Mapped[str | None] = mapped_column(String(40))  # the record that is shown
    campaign_id: Mapped[str | None] = mapped_column(String(40))  # whose dispositions and wrap-up hold
    queue_id: Mapped[str] = mapped_column(String(40), default="")  # where he waits now
    state: Mapped[str] = mapped_column(String(20))  # domain.inbound_call.InboundState
    hops: Mapped[int] = mapped_column(Integer, default=0)  # queues that were full before
    at: Mapped[datetime]
    answered_at: Mapped[datetime | None]
    queued_at: Mapped[datetime | None]
    bridged_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    wait_s: Mapped[float] = mapped_column(Float, default=0.0)  # from the answer to the agent, or to the end
    outcome: Mapped[str | None] = mapped_column(String(30))
    reason: Mapped[str] = mapped_column(Text, default="")
    agent_id: Mapped[str | None] = mapped_column(String(40), index=True)
    seat_id: Mapped[str | None] = mapped_column(String(40))
    callback_at: Mapped[datetime | None]  # when a call-back was put before the list: by his key, or by a person
    callback_by: Mapped[str] = mapped_column(String(40), default="")  # user id; empty: he asked himself
    disposition: Mapped[str] = mapped_column(String(40), default="")
    note: Mapped[str] = mapped_column(Text, default="")
    promise_amount_minor: Mapped[int | None] = mapped_column(BigInteger)
    promise_date: Mapped[str | None] = mapped_column(String(10))
    disposed_at: Mapped[datetime | None]
    answers: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")  # of the campaign's form
    last_seq: Mapped[int] = mapped_column(Integer, default=0)  # last conversation event applied (idempotence)
    media: Mapped[dict[str, Any]] = mapped_column(default=dict)
    __table_args__ = (
        Index("ix_inbound_calls_open", "ended_at"),
        Index("ix_inbound_calls_at", "at"),
        Index("ix_inbound_calls_caller", "caller", "at"),
        Index("ix_inbound_calls_contact", "contact_id", "at"),
    )


class AgentSession(Base):
    """An agent at a seat, from log-in to log-out; the live state is kept so that a restarted engine finds it."""

    __tablename__ = "agent_sessions"
    id: Mapped[str] = _key()
    agent_id: Mapped[str] = mapped_column(ForeignKey("users.id"), index=True)
    seat_id: Mapped[str] = mapped_column(ForeignKey("seats.id"))
    campaigns: Mapped[list[Any]] = mapped_column(default=list)
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    state: Mapped[str] = mapped_column(String(20))
    state_since: Mapped[datetime]
    pending_state: Mapped[str | None] = mapped_column(String(20))
    pause_reason: Mapped[str] = mapped_column(String(60), default="")
    conversation_id: Mapped[str | None] = mapped_column(String(40))


class AgentStateLog(Base):
    """Each change of an agent's state, for reports."""

    __tablename__ = "agent_state_log"
    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    agent_id: Mapped[str] = mapped_column(String(40))
    at: Mapped[datetime]
    state: Mapped[str] = mapped_column(String(20))
    reason: Mapped[str] = mapped_column(String(60), default="")
    __table_args__ = (Index("ix_agent_state_log_agent", "agent_id", "at"),)


class Recording(Base):
    """One recorded conversation: a spool, then an encrypted archive. `state`: spool | archived | deleted | failed.

    `kind` conversation, or evidence: the last seconds before answer that the ear judged by.
    """

    __tablename__ = "recordings"
    id: Mapped[str] = _key()
    conversation_id: Mapped[str] = mapped_column(String(40), index=True)
    attempt_id: Mapped[str | None] = mapped_column(String(40), index=True)
    campaign_id: Mapped[str | None] = mapped_column(String(40), index=True)
    agent_id: Mapped[str | None] = mapped_column(String(40), index=True)
    seat_id: Mapped[str | None] = mapped_column(String(40))
    kind: Mapped[str] = mapped_column(String(20), default="conversation", server_default="conversation")
    begins_ms: Mapped[int] = mapped_column(Integer, default=0, server_default="0")  # evidence: in early media
    state: Mapped[str] = mapped_column(String(20))
    started_at: Mapped[datetime]
    duration_s: Mapped[float] = mapped_column(Float, default=0.0)
    spool_path: Mapped[str] = mapped_column(Text, default="")
    archive_path: Mapped[str] = mapped_column(Text, default="")
    sha256: Mapped[str] = mapped_column(String(64), default="")  # of the plain Ogg/Opus file
    size_bytes: Mapped[int] = mapped_column(BigInteger, default=0)
    peaks: Mapped[dict[str, Any]] = mapped_column(default=dict)  # {"left": [...], "right": [...], "per_s": n}
    gaps: Mapped[list[Any]] = mapped_column(default=list, server_default="[]")  # [from_s, to_s] that were not recorded
    archived_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
    legal_hold: Mapped[bool] = mapped_column(Boolean, default=False)
    legal_hold_reason: Mapped[str] = mapped_column(Text, default="")
    deleted_at: Mapped[datetime | None]


class EarVerdict(Base):
    """What the ear said of an attempt: one row a `phase` (early | answered | late), written when the attempt closes.

    `decided_at_ms` counts from the start of early media or from answer. `doubt` (domain.hearing) is empty for a verdict
    that nobody need look at.
    """

    __tablename__ = "ear_verdicts"
    attempt_id: Mapped[str] = mapped_column(ForeignKey("attempts.id"), primary_key=True)
    phase: Mapped[str] = mapped_column(String(10), primary_key=True)
    campaign_id: Mapped[str] = mapped_column(String(40))
    trunk_id: Mapped[str] = mapped_column(String(40))
    at: Mapped[datetime]
    label: Mapped[str] = mapped_column(String(30))
    kind: Mapped[str] = mapped_column(String(20), default="")
    reason: Mapped[str] = mapped_column(String(60), default="")
    confidence: Mapped[float] = mapped_column(Float, default=0.0)
    decided_at_ms: Mapped[int] = mapped_column(Integer, default=0)
    announcement_id: Mapped[str] = mapped_column(String(80), default="", index=True)
    beep_end_ms: Mapped[int | None] = mapped_column(Integer)
    doubt: Mapped[str] = mapped_column(String(30), default="")
    evidence: Mapped[dict[str, Any]] = mapped_column(default=dict)
    __table_args__ = (Index("ix_ear_verdicts_trunk", "trunk_id", "at"), Index("ix_ear_verdicts_at", "at"))


class EarLabel(Base):
    """What a person says that a call was, after listening; the ear is trained and measured by these."""

    __tablename__ = "ear_labels"
    attempt_id: Mapped[str] = mapped_column(ForeignKey("attempts.id"), primary_key=True)
    stage: Mapped[str] = mapped_column(String(10), primary_key=True)  # early | answered
    label: Mapped[str] = mapped_column(String(30))
    announcement_id: Mapped[str] = mapped_column(String(80), default="")
    labelled_by: Mapped[str] = mapped_column(String(40))
    labelled_at: Mapped[datetime]


class ClipCodes(Base):
    """Fingerprint of an evidence clip with an unknown announcement. `cluster`: id of the first clip that sounds so."""

    __tablename__ = "clip_codes"
    recording_id: Mapped[str] = mapped_column(ForeignKey("recordings.id"), primary_key=True)
    attempt_id: Mapped[str] = mapped_column(String(40))
    trunk_id: Mapped[str] = mapped_column(String(40))
    at: Mapped[datetime]
    cluster: Mapped[str] = mapped_column(String(40), index=True)
    codes: Mapped[bytes] = mapped_column(LargeBinary)
    announcement_id: Mapped[str] = mapped_column(String(80), default="")  # the entry it was enrolled as


class RecordingKey(Base):
    """The key of one recording, wrapped by the box's archive key. Deleting the row is deleting the recording."""

    __tablename__ = "recording_keys"
    recording_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    wrapped_key: Mapped[str] = mapped_column(Text)


class RetentionRule(Base):
    """`scope`: 'default', 'campaign:<id>' or 'seat:<id>'; the longest that applies wins."""

    __tablename__ = "retention_rules"
    scope: Mapped[str] = mapped_column(String(60), primary_key=True)
    keep_days: Mapped[int] = mapped_column(Integer)


class AuditEntry(Base):
    """Hash-chained: hash = SHA-256 over the previous hash and this line's canonical JSON."""

    __tablename__ = "audit_log"
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    at: Mapped[datetime]
    actor_id: Mapped[str] = mapped_column(String(40))
    actor_address: Mapped[str] = mapped_column(String(60), default="")
    action: Mapped[str] = mapped_column(String(60), index=True)
    subject: Mapped[str] = mapped_column(String(120))
    detail: Mapped[dict[str, Any]] = mapped_column(default=dict)
    previous_hash: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))


class Job(Base):
    """A piece of long work in the durable queue of `jobs` (archive, import, retention, report)."""

    __tablename__ = "jobs"
    id: Mapped[str] = _key()
    kind: Mapped[str] = mapped_column(String(30))
    payload: Mapped[dict[str, Any]]
    state: Mapped[str] = mapped_column(String(20), index=True)  # waiting | running | finished | failed
    tries: Mapped[int] = mapped_column(Integer, default=0)
    run_at: Mapped[datetime]
    error: Mapped[str] = mapped_column(Text, default="")
    result: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]


class KbArticle(Base):
    """An article of the knowledge base, shown beside the script.

    `tags`: words separated by spaces. It is suggested when one of `dispositions` is chosen, or in the script's `step`
    (the heading of that step). SQLite finds its words by the table `kb_search`, which triggers keep up (version 0012).
    """

    __tablename__ = "kb_articles"
    id: Mapped[str] = _key()
    title: Mapped[str] = mapped_column(String(200))
    body: Mapped[str] = mapped_column(Text, default="")
    tags: Mapped[str] = mapped_column(String(400), default="")
    dispositions: Mapped[list[Any]] = mapped_column(default=list)
    step: Mapped[str] = mapped_column(String(120), default="")
    version: Mapped[int] = mapped_column(Integer, default=1)
    updated_at: Mapped[datetime]


class SavedReport(Base):
    """A report that somebody wants again: its choice, and when it is sent to whom (appliance.jobs.report_mail).

    `choice` holds the fields of store.read.report_scope and `by`; `every` day | week | month, or empty: only by hand.
    `last_state` sent | made | failed.
    """

    __tablename__ = "saved_reports"
    id: Mapped[str] = _key()
    name: Mapped[str] = mapped_column(String(120), unique=True)
    choice: Mapped[dict[str, Any]]
    file_format: Mapped[str] = mapped_column(String(5), default="xlsx")
    every: Mapped[str] = mapped_column(String(10), default="")
    at_time: Mapped[str] = mapped_column(String(5), default="08:00")  # HH:MM in the box's zone
    on_day: Mapped[int] = mapped_column(Integer, default=1)  # of the week (1 Monday) or of the month
    recipients: Mapped[str] = mapped_column(Text, default="")  # separated by commas; empty: nobody is written to
    language: Mapped[str] = mapped_column(String(5), default="en")
    created_by: Mapped[str] = mapped_column(String(40), default="")
    created_at: Mapped[datetime]
    next_at: Mapped[datetime | None]
    last_at: Mapped[datetime | None]
    last_state: Mapped[str] = mapped_column(String(10), default="")
    last_message: Mapped[str] = mapped_column(Text, default="")
    last_file: Mapped[str] = mapped_column(Text, default="")  # in the upload folder, for a day
    last_file_name: Mapped[str] = mapped_column(String(160), default="")


class Alert(Base):
    """An alert by key: one row while it stands, history stays (`cleared_at`)."""

    __tablename__ = "alerts"
    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    key: Mapped[str] = mapped_column(String(120), index=True)
    severity: Mapped[str] = mapped_column(String(10))
    title: Mapped[str] = mapped_column(String(200))
    text: Mapped[str] = mapped_column(Text, default="")
    raised_at: Mapped[datetime]
    cleared_at: Mapped[datetime | None]
    data: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")  # figures for other languages
    acknowledged_by: Mapped[str | None] = mapped_column(String(40))
    acknowledged_at: Mapped[datetime | None]
    snoozed_until: Mapped[datetime | None]
    caused_by: Mapped[str] = mapped_column(String(120), default="", server_default="")  # key of the alert behind it
    told_step: Mapped[int] = mapped_column(Integer, default=-1, server_default="-1")  # furthest step of sinks told
    told_at: Mapped[datetime | None]
