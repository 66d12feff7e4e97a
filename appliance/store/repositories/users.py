"""Users, their web sessions, and who may do what."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from appliance.errors import NotAllowedError, NotFoundError
from appliance.store import granted, models
from appliance.types import LOCAL_ACTOR, Permission, Role, Scope


@dataclass(frozen=True)
class Actor:
    """Who gave a command, as far as permissions go."""

    id: str
    role: Role
    granted: granted.Granted = field(default_factory=dict)

    def may(self, permission: Permission) -> bool:
        return permission in self.granted


def normal_login(login: str) -> str:
    """Log-in names know no case and no outer blanks."""
    return login.strip().casefold()


def actor(session: Session, actor_id: str) -> Actor:
    """Return who `actor_id` is; raises NotAllowedError for somebody unknown or disabled."""
    if actor_id == LOCAL_ACTOR:
        return Actor(LOCAL_ACTOR, Role.ADMINISTRATOR, granted.of_role(Role.ADMINISTRATOR))
    user = session.get(models.User, actor_id)
    if user is None or not user.enabled:
        raise NotAllowedError("user.not_allowed", "This user is unknown or disabled; log in again.")
    return Actor(user.id, Role(user.role), granted.of_user(session, user))


def require(session: Session, actor_id: str, *any_of: Permission) -> Actor:
    """Return the actor if he has one of the permissions; raises NotAllowedError `user.not_allowed`."""
    who = actor(session, actor_id)
    if not any(who.may(permission) for permission in any_of):
        raise NotAllowedError(
            "user.not_allowed", f"Your role '{who.role}' lacks the permission {any_of[0]}; ask an administrator.",
            permission=str(any_of[0]),
        )  # fmt: skip
    return who


def in_reach(session: Session, who: Actor, permission: Permission, user_id: str | None) -> bool:
    """Whether a permission of the actor is about this user too (`None`: nobody in particular, only with all)."""
    scope = who.granted.get(permission)
    if scope is None or scope is Scope.ALL:
        return scope is not None
    people = granted.reach(session, get(session, who.id), scope)
    return people is None or user_id in people


def get(session: Session, user_id: str) -> models.User:
    """Raises NotFoundError `user.unknown`."""
    user = session.get(models.User, user_id)
    if user is None:
        raise NotFoundError("user.unknown", f"There is no user {user_id}.")
    return user


def by_login(session: Session, login: str) -> models.User | None:
    return session.scalar(select(models.User).where(models.User.login == normal_login(login)))


def administrators(session: Session) -> int:
    """How many enabled administrators there are; none means that the box is not set up."""
    query = select(func.count()).where(models.User.role == Role.ADMINISTRATOR, models.User.enabled)
    return session.scalar(query) or 0


def end_sessions(session: Session, user_id: str, *, keep_hash: str = "") -> None:
    """Log a user out everywhere, but for the session `keep_hash`."""
    session.execute(
        delete(models.Session).where(models.Session.user_id == user_id, models.Session.token_hash != keep_hash)
    )


def purge_sessions(session: Session, now: datetime) -> None:
    """Forget sessions that have run out."""
    session.execute(delete(models.Session).where(models.Session.expires_at <= now))
