"""What a user may do and how far it reaches: his built-in role, or one made of permissions; his department."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance.store.models import CustomRole, Department, User
from appliance.types import ROLE_PERMISSIONS, SCOPED_PERMISSIONS, Permission, Role, Scope

Granted = Mapping[Permission, Scope]


def of_role(role: str, custom: Mapping[str, Any] | None = None) -> dict[Permission, Scope]:
    """The permissions of a built-in role, or of the `permissions` of one's own; unknown words are left out."""
    if custom is None:
        return dict.fromkeys(ROLE_PERMISSIONS[Role(role)], Scope.ALL)
    known, scopes = set(Permission), set(Scope)
    return {
        Permission(name): Scope(scope) if Permission(name) in SCOPED_PERMISSIONS else Scope.ALL
        for name, scope in custom.items()
        if name in known and scope in scopes
    }


def of_user(session: Session, user: User) -> dict[Permission, Scope]:
    """What a user may do; a role of one's own that is gone leaves nothing."""
    return of_roles(session, user.role, user.role_id)


def of_roles(session: Session, role: str, role_id: str | None) -> dict[Permission, Scope]:
    """What a user with this built-in role and, if any, that role of one's own may do."""
    if not role_id:
        return of_role(role)
    custom = session.get(CustomRole, role_id)
    return of_role(role, custom.permissions if custom else {})


def exceeds(wanted: Granted, own: Granted) -> list[Permission]:
    """The permissions of `wanted` that go further than `own`."""
    order = {Scope.OWN: 0, Scope.TEAM: 1, Scope.ALL: 2}
    return [name for name, scope in wanted.items() if name not in own or order[scope] > order[own[name]]]


def below(department_id: str, rows: Iterable[tuple[str, str | None]]) -> set[str]:
    """A department and all below it; `rows` are (id, parent id) of all. A ring ends where it began."""
    children: dict[str, list[str]] = {}
    for own, parent in rows:
        children.setdefault(parent or "", []).append(own)
    found, waiting = set[str](), [department_id]
    while waiting:
        at = waiting.pop()
        if at not in found:
            found.add(at)
            waiting += children.get(at, [])
    return found


def reach(session: Session, user: User, scope: Scope) -> frozenset[str] | None:
    """Ids of the users whom a permission of this scope is about; None: all."""
    if scope is Scope.ALL:
        return None
    if scope is Scope.OWN or not user.department_id:
        return frozenset({user.id})
    team = below(user.department_id, session.execute(select(Department.id, Department.parent_id)))
    return frozenset(session.scalars(select(User.id).where(User.department_id.in_(team)))) | {user.id}
