"""Roles of one's own, departments in their order, and whom a permission is about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import func, select

from appliance.store import granted
from appliance.store.db import Store
from appliance.store.models import CustomRole, Department, User
from appliance.types import Permission, Scope


@dataclass(frozen=True)
class RoleView:
    """A role made of permissions, and how many users have it."""

    id: str
    name: str
    base: str
    permissions: Mapping[Permission, Scope]
    users: int


@dataclass(frozen=True)
class DepartmentView:
    """A department; `level` 0 is at the top."""

    id: str
    name: str
    parent_id: str
    level: int
    users: int


def roles(store: Store) -> list[RoleView]:
    """All roles of one's own by name."""
    count = select(func.count()).where(User.role_id == CustomRole.id).scalar_subquery()
    with store.read() as db:
        rows = db.execute(select(CustomRole, count).order_by(CustomRole.name)).all()
    return [
        RoleView(row.id, row.name, row.base, granted.of_role(row.base, row.permissions), users) for row, users in rows
    ]


def role(store: Store, role_id: str) -> RoleView | None:
    """One of them."""
    return next((found for found in roles(store) if found.id == role_id), None)


def departments(store: Store) -> list[DepartmentView]:
    """All departments, each followed by those below it."""
    count = select(func.count()).where(User.department_id == Department.id).scalar_subquery()
    with store.read() as db:
        rows = db.execute(select(Department, count).order_by(Department.name)).all()
    known = {row.id for row, _ in rows}
    found: list[DepartmentView] = []

    def walk(parent: str, level: int) -> None:
        for row, users in rows:
            above = row.parent_id if row.parent_id in known else ""
            if (above or "") == parent:
                found.append(DepartmentView(row.id, row.name, parent, level, users))
                walk(row.id, level + 1)

    walk("", 0)
    return found


def reach(store: Store, user_id: str, scope: Scope) -> frozenset[str] | None:
    """Ids of the users whom a permission of this scope is about; None: all."""
    if scope is Scope.ALL:
        return None
    with store.read() as db:
        user = db.get(User, user_id)
        return granted.reach(db, user, scope) if user else frozenset()
