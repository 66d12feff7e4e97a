"""Users as the user page shows them; never a password hash."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import func, select

from appliance.store.db import Store
from appliance.store.models import Session, User
from appliance.types import Role


@dataclass(frozen=True)
class UserView:
    """One account."""

    id: str
    login: str
    display_name: str
    role: str
    language: str
    enabled: bool
    has_totp: bool
    locked_until: datetime | None
    created_at: datetime
    last_login_at: datetime | None
    skills: dict[str, int] = field(default_factory=dict)
    role_id: str | None = None
    department_id: str | None = None


def _view(user: User, last_login_at: datetime | None) -> UserView:
    return UserView(
        id=user.id, login=user.login, display_name=user.display_name, role=user.role, language=user.language,
        enabled=user.enabled, has_totp=bool(user.totp_secret), locked_until=user.locked_until,
        created_at=user.created_at, last_login_at=last_login_at, skills=dict(user.skills or {}),
        role_id=user.role_id, department_id=user.department_id,
    )  # fmt: skip


def users(store: Store) -> list[UserView]:
    """All accounts by log-in name."""
    last = select(func.max(Session.created_at)).where(Session.user_id == User.id).scalar_subquery()
    with store.read() as db:
        return [_view(user, at) for user, at in db.execute(select(User, last).order_by(User.login))]


def user(store: Store, user_id: str) -> UserView | None:
    """One account."""
    with store.read() as db:
        found = db.get(User, user_id)
    return _view(found, None) if found else None


def administrator_exists(store: Store) -> bool:
    """False on a box that was never set up."""
    with store.read() as db:
        return db.scalar(select(User.id).where(User.role == Role.ADMINISTRATOR.value).limit(1)) is not None


def names(store: Store) -> dict[str, str]:
    """Display name by user id, for lists."""
    with store.read() as db:
        rows = db.execute(select(User.id, User.display_name, User.login))
        return {user_id: display or login for user_id, display, login in rows}
