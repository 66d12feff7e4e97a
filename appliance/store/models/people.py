"""People who work with the box: accounts, roles, departments, tokens, sessions, what they did."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Boolean, ForeignKey, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from appliance.store.models.base import Base, key


class User(Base):
    """A person who logs in. `role` as types.Role."""

    __tablename__ = "users"
    id: Mapped[str] = key()
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
    id: Mapped[str] = key()
    name: Mapped[str] = mapped_column(String(80), unique=True)
    base: Mapped[str] = mapped_column(String(20))
    permissions: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_at: Mapped[datetime]


class Department(Base):
    """A part of the company; `parent_id` None: at the top. A team is a department with all below it."""

    __tablename__ = "departments"
    id: Mapped[str] = key()
    name: Mapped[str] = mapped_column(String(80))
    parent_id: Mapped[str | None] = mapped_column(String(40))


class ApiToken(Base):
    """A key for other programs: acts for `user_id` with those of his permissions that are in `scopes`.

    Only the SHA-256 of the token is kept; `scopes` are values of types.Permission.
    """

    __tablename__ = "api_tokens"
    id: Mapped[str] = key()
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
