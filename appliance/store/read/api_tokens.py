"""Keys of other programs; never the key itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from appliance.store.db import Store
from appliance.store.models import ApiToken


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


def by_hash(store: Store, token_hash: str) -> TokenView | None:
    """The key of a SHA-256 (hex); the caller asks whether it `holds`."""
    with store.read() as db:
        row = db.scalar(select(ApiToken).where(ApiToken.token_hash == token_hash))
    return _view(row) if row else None
