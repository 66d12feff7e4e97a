"""Keys for other programs: shown once, kept as a hash, revoked at once."""

from __future__ import annotations

import secrets
from datetime import timedelta

from appliance import commands
from appliance.commands import Done
from appliance.errors import NotAllowedError, NotFoundError, ValidationErrors
from appliance.ids import new_id
from appliance.jobs import audit
from appliance.jobs.accounts import token_hash
from appliance.jobs.context import Context
from appliance.store.models import ApiToken
from appliance.store.repositories import users
from appliance.types import Permission

PREFIX = "cbx_"
"""Begins every key, so that a scanner for leaked secrets can tell one."""
_DAYS_MAX = 3650


class ApiTokens:
    """The commands about keys."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def make(self, command: commands.MakeApiToken) -> Done:
        """Make a key that acts for a user; it can never do more than he, nor than who made it."""
        name = command.name.strip()
        faults = []
        if not 1 <= len(name) <= 80:
            faults.append(("name", "token.bad_name", "Use 1 to 80 characters."))
        if not command.scopes or set(command.scopes) - set(Permission):
            faults.append(("scopes", "token.bad_scopes", "Choose at least one permission."))
        if not 0 <= command.days <= _DAYS_MAX:
            faults.append(("days", "token.bad_days", f"Use 0 (no end) to {_DAYS_MAX} days."))
        if faults:
            raise ValidationErrors(faults)
        now, token = self._context.clock.now(), PREFIX + secrets.token_urlsafe(32)
        with self._context.store.write() as session:
            who = users.actor(session, command.actor_id)
            owner = users.actor(session, command.user_id or who.id)
            if owner.id != who.id and not who.may(Permission.SETTINGS_WRITE):
                raise NotAllowedError("user.not_allowed", "Only an administrator makes keys for others.")
            if lacking := [s for s in command.scopes if not (who.may(Permission(s)) and owner.may(Permission(s)))]:
                raise NotAllowedError(
                    "role.not_own", f"You cannot give permissions that you do not have: {', '.join(lacking)}.",
                    permissions=", ".join(lacking),
                )  # fmt: skip
            row = ApiToken(
                id=new_id(), name=name, token_hash=token_hash(token), scopes=sorted(set(command.scopes)),
                user_id=owner.id, created_at=now,
                expires_at=now + timedelta(days=command.days) if command.days else None,
            )  # fmt: skip
            session.add(row)
            audit.append(
                session, now, actor_id=command.actor_id, actor_address=command.actor_address, action="token.made",
                subject=f"token:{row.id}", detail={"name": name, "scopes": row.scopes, "user": owner.id},
            )  # fmt: skip
        return Done(id=row.id, data={"token": token})

    def revoke(self, command: commands.RevokeApiToken) -> Done:
        """End a key; ending it twice is no error."""
        now = self._context.clock.now()
        with self._context.store.write() as session:
            who, row = users.actor(session, command.actor_id), session.get(ApiToken, command.id)
            if row is None:
                raise NotFoundError("token.unknown", "There is no such key.")
            if row.user_id != who.id and not who.may(Permission.SETTINGS_WRITE):
                raise NotAllowedError("user.not_allowed", "Only an administrator ends the keys of others.")
            if row.revoked_at is None:
                row.revoked_at = now
                audit.append(
                    session, now, actor_id=command.actor_id, actor_address=command.actor_address,
                    action="token.revoked", subject=f"token:{row.id}", detail={"name": row.name},
                )  # fmt: skip
        return Done(id=command.id)
