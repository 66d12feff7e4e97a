"""Attempts, callers and the agents' day."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Boolean, Float, ForeignKey, Index, Integer, String, Text, false
from sqlalchemy.orm import Mapped, mapped_column

from appliance.store.models.base import Base, key


class Attempt(Base):
    """One dial of one number, written before it is dialled. Open while `ended_at` is null."""

    __tablename__ = "attempts"
    id: Mapped[str] = key()
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
        Index("ix_attempts_disposed", "disposed_at"),  # what webhooks tell next
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
    id: Mapped[str] = key()
    name: Mapped[str] = mapped_column(String(120), unique=True)
    config: Mapped[dict[str, Any]]
    enabled: Mapped[bool] = mapped_column(Boolean, default=True)
    created_at: Mapped[datetime]


class InboundCall(Base):
    """One caller, written before he is answered; `id` is the conversation's. Open while `ended_at` is null.

    `outcome`: connected | missed | abandoned_in_queue | callback_asked | closed | overflowed (domain.inbound_call).
    """

    __tablename__ = "inbound_calls"
    id: Mapped[str] = key()
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
    id: Mapped[str] = key()
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
