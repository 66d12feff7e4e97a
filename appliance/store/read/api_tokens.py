"""Keys of other programs; never the key itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from appliance.store import granted
from appliance.store.db import Store
from appliance.store.models import ApiToken, User
from appliance.types import Permission, Role, Scope


@dataclass(frozen=True)
class TokenView:
    """One key and whom it acts for; `scopes` are values of types.Permission."""

    id: str
    name: str
    scopes: tuple[str, ...]
    user_id: str
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None

    def holds(self, now: datetime) -> bool:
        """Whether it opens anything at this moment."""
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > now)


def _view(row: ApiToken) -> TokenView:
    return TokenView(
        row.id, row.name, tuple(row.scopes), row.user_id, row.created_at, row.expires_at, row.last_used_at,
        row.revoked_at,
    )  # fmt: skip


def tokens(store: Store) -> list[TokenView]:
    """All keys, the newest first, those that ended included."""
    with store.read() as db:
        return [_view(row) for row in db.scalars(select(ApiToken).order_by(ApiToken.created_at.desc()))]


@dataclass(frozen=True)
class ActingToken:
    """A key with the user it acts for; `permissions` are those of his that are in its scopes."""

    token: TokenView
    login: str
    display_name: str
    role: Role
    permissions: Mapping[Permission, Scope]


def acting(store: Store, token_hash: str) -> ActingToken | None:
    """The key of a SHA-256 (hex) of an enabled user; the caller asks whether it `holds`."""
    query = select(ApiToken, User).join(User, User.id == ApiToken.user_id).where(ApiToken.token_hash == token_hash)
    with store.read() as db:
        row = db.execute(query).one_or_none()
        if row is None or not row[1].enabled:
            return None
        token, user = row
        allowed = {name: scope for name, scope in granted.of_user(db, user).items() if name in token.scopes}
    return ActingToken(_view(token), user.login, user.display_name, Role(user.role), allowed)
