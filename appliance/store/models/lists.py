"""Campaigns, lists and the people and numbers on them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Boolean, ForeignKey, Index, Integer, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from appliance.store.models.base import Base, key


class Campaign(Base):
    """`config` is domain.campaign.CampaignConfig as plain data (hours, caps, wrap-up, script, recycling...)."""

    __tablename__ = "campaigns"
    id: Mapped[str] = key()
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
    id: Mapped[str] = key()
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
    """A person or account holder, known by the first of his numbers (`contact_numbers` has all of them).

    `custom` holds the fields that the administrator defined, by their key, as domain.survey keeps answers.
    """

    __tablename__ = "contacts"
    id: Mapped[str] = key()
    number: Mapped[str] = mapped_column(String(20), unique=True)
    name: Mapped[str] = mapped_column(String(200), default="")
    created_at: Mapped[datetime]
    custom: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")


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
    id: Mapped[str] = key()
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
