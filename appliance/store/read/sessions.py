"""Web sessions: who stands behind a hashed token."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import bindparam, select

from appliance.store import granted
from appliance.store.db import Store
from appliance.store.models import Session, User
from appliance.types import Permission, Scope

# asked at each request: columns without objects, and put together once
_QUERY = (
    select(
        User.id, User.login, User.display_name, User.role, User.role_id, User.language, User.theme, User.enabled,
        Session.expires_at,
    )
    .join(User, User.id == Session.user_id)
    .where(Session.token_hash == bindparam("token_hash"))
)  # fmt: skip


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
    with store.read() as db:
        found = db.execute(_QUERY, {"token_hash": token_hash}).one_or_none()
        if found is None:
            return None
        permissions = granted.of_roles(db, found.role, found.role_id)
    return SessionView(
        user_id=found.id, login=found.login, display_name=found.display_name, role=found.role, language=found.language,
        theme=found.theme, enabled=found.enabled, expires_at=found.expires_at, permissions=permissions,
    )  # fmt: skip
