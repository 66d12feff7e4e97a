"""Roles made of permissions, and departments. Every change and its audit line are one transaction."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session as DbSession

from appliance import commands
from appliance.commands import Done, UserCommand
from appliance.errors import CallerError, NotAllowedError, NotFoundError, ValidationErrors
from appliance.ids import new_id
from appliance.jobs import audit
from appliance.jobs.context import Context
from appliance.store import granted, versions
from appliance.store.models import CustomRole, Department, User
from appliance.store.repositories import users
from appliance.types import Permission, Role, Scope

_NAME_MAX = 80
_BASES = (Role.SUPERVISOR, Role.AGENT)


def check_not_more(own: granted.Granted, wanted: granted.Granted) -> None:
    """Raises NotAllowedError `role.not_own`: nobody gives what he does not have."""
    if more := granted.exceeds(wanted, own):
        raise NotAllowedError(
            "role.not_own", f"You cannot give permissions that you do not have: {', '.join(more)}.",
            permissions=", ".join(more),
        )  # fmt: skip


class Roles:
    """The commands about roles and departments; all need users.write."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def _note(self, session: DbSession, command: UserCommand, action: str, subject: str, **detail: object) -> None:
        audit.append(
            session, self._context.clock.now(), actor_id=command.actor_id, actor_address=command.actor_address,
            action=action, subject=subject, detail=dict(detail),
        )  # fmt: skip

    def save_role(self, command: commands.SaveRole) -> Done:
        """Make or change a role."""
        name = command.name.strip()
        faults = []
        if not 1 <= len(name) <= _NAME_MAX:
            faults.append(("name", "role.bad_name", f"Use 1 to {_NAME_MAX} characters."))
        if command.base not in _BASES:
            faults.append(("base", "role.bad_base", f"Use one of {', '.join(_BASES)}."))
        unknown = set(command.permissions) - set(Permission)
        if unknown or set(command.permissions.values()) - set(Scope) or not command.permissions:
            faults.append(("permissions", "role.bad_permissions", "Choose a permission and how far it goes."))
        if faults:
            raise ValidationErrors(faults)
        wanted = granted.of_role(command.base, command.permissions)
        touched: list[str] = []
        with self._context.store.write() as session:
            who = users.require(session, command.actor_id, Permission.USERS_WRITE)
            check_not_more(who.granted, wanted)
            taken = session.scalar(select(CustomRole).where(CustomRole.name == name))
            if taken is not None and taken.id != command.id:
                raise ValidationErrors([("name", "role.name_taken", f"There is already a role '{name}'.")])
            if command.id is None:
                role = CustomRole(id=new_id(), created_at=self._context.clock.now())
            else:
                role = _found(session, command.id)
                versions.check(session, command, f"role:{role.id}", role)
                smaller = granted.exceeds(granted.of_role(role.base, role.permissions), wanted)
                for user in session.scalars(select(User).where(User.role_id == role.id)):
                    user.role = command.base
                    touched.append(user.id)
                    if smaller:
                        users.end_sessions(session, user.id)
            role.name, role.base = name, command.base
            role.permissions = {str(key): str(scope) for key, scope in wanted.items()}
            session.add(role)
            self._note(session, command, "role.saved" if command.id else "role.made", f"role:{role.id}", role=name,
                       permissions=role.permissions)  # fmt: skip
        for user_id in touched:
            self._context.changed("user", user_id)
        return Done(id=role.id)

    def remove_role(self, command: commands.RemoveRole) -> Done:
        """Take a role away that nobody has."""
        with self._context.store.write() as session:
            users.require(session, command.actor_id, Permission.USERS_WRITE)
            role = _found(session, command.id)
            if session.scalar(select(func.count()).where(User.role_id == role.id)):
                raise CallerError("role.in_use", "Users have this role; give them another one first.")
            session.delete(role)
            self._note(session, command, "role.removed", f"role:{role.id}", role=role.name)
        return Done(id=command.id)

    def save_department(self, command: commands.SaveDepartment) -> Done:
        """Make or change a department."""
        name = command.name.strip()
        if not 1 <= len(name) <= _NAME_MAX:
            raise ValidationErrors([("name", "department.bad_name", f"Use 1 to {_NAME_MAX} characters.")])
        with self._context.store.write() as session:
            users.require(session, command.actor_id, Permission.USERS_WRITE)
            rows = session.execute(select(Department.id, Department.parent_id)).all()
            if command.parent_id and command.parent_id not in {row[0] for row in rows}:
                raise NotFoundError("department.unknown", "There is no such department.")
            if command.id and command.parent_id in granted.below(command.id, rows):
                raise ValidationErrors([("parent_id", "department.ring", "A department cannot be below itself.")])
            department = session.get(Department, command.id) if command.id else Department(id=new_id())
            if department is None:
                raise NotFoundError("department.unknown", "There is no such department.")
            if command.id:
                versions.check(session, command, f"department:{department.id}", department)
            department.name, department.parent_id = name, command.parent_id or None
            session.add(department)
            self._note(session, command, "department.saved", f"department:{department.id}", department=name)
        return Done(id=department.id)

    def remove_department(self, command: commands.RemoveDepartment) -> Done:
        """Take an empty department away."""
        with self._context.store.write() as session:
            users.require(session, command.actor_id, Permission.USERS_WRITE)
            department = session.get(Department, command.id)
            if department is None:
                raise NotFoundError("department.unknown", "There is no such department.")
            people = session.scalar(select(func.count()).where(User.department_id == command.id))
            if people or session.scalar(select(func.count()).where(Department.parent_id == command.id)):
                raise CallerError("department.in_use", "There are users in it or departments below it.")
            session.delete(department)
            self._note(session, command, "department.removed", f"department:{command.id}", department=department.name)
        return Done(id=command.id)


def _found(session: DbSession, role_id: str) -> CustomRole:
    role = session.get(CustomRole, role_id)
    if role is None:
        raise NotFoundError("role.unknown", "There is no such role.")
    return role
