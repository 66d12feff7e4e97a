"""Web sessions: who stands behind a hashed token."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select

from appliance.store import granted
from appliance.store.db import Store
from appliance.store.models import Session, User
from appliance.types import Permission, Scope


@dataclass(frozen=True)
class SessionView:
    """A web session with its user; `role` as types.Role, `theme` auto | light | dark."""

    user_id: str
    login: str
    display_name: str
    role: str
    language: str
    theme: str
    enabled: bool
    expires_at: datetime
    permissions: Mapping[Permission, Scope] = field(default_factory=dict)


def session(store: Store, token_hash: str) -> SessionView | None:
    """The session of a SHA-256 token hash (hex), None when there is none; the caller checks expiry and `enabled`."""
    query = select(Session, User).join(User, User.id == Session.user_id).where(Session.token_hash == token_hash)
    with store.read() as db:
        row = db.execute(query).one_or_none()
        if row is None:
            return None
        found, user = row
        permissions = granted.of_user(db, user)
    return SessionView(
        user_id=user.id, login=user.login, display_name=user.display_name, role=user.role, language=user.language,
        theme=user.theme, enabled=user.enabled, expires_at=found.expires_at, permissions=permissions,
    )  # fmt: skip
