"""Requests of other programs that must not be carried out twice, and when a key was used last.

An answer is kept for a day. A request that began and has no answer is not known to have been carried out: whoever
repeats it is told so, and nothing is done again.
"""

from __future__ import annotations

import base64
from datetime import timedelta

from sqlalchemy import delete
from sqlalchemy.orm import Session

from appliance import commands
from appliance.commands import Done
from appliance.jobs.context import Context
from appliance.store.models import ApiReply, ApiToken

KEPT = timedelta(hours=24)


class ApiRequests:
    """The commands that the web gives for itself."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def begin(self, command: commands.BeginApiRequest) -> Done:
        """Note that a request begins, or say what is known of it."""
        now = self._context.clock.now()
        with self._context.store.write() as session:
            row = session.get(ApiReply, command.id)
            if row is not None and row.at > now - KEPT:
                return Done(
                    data={"known": True, "fingerprint": row.fingerprint, "status": row.status,
                          "sealed_b64": base64.b64encode(row.sealed).decode(), "age_s": (now - row.at).total_seconds()}
                )  # fmt: skip
            if row is None:
                row = ApiReply(id=command.id)
                session.add(row)
            row.fingerprint, row.status, row.sealed, row.at = command.fingerprint, None, b"", now
        return Done(data={"known": False})

    def end(self, command: commands.EndApiRequest) -> Done:
        """Keep the answer; without one the request may be made again."""
        with self._context.store.write() as session:
            row = session.get(ApiReply, command.id)
            if row is None:
                return Done()
            if command.status is None:
                session.delete(row)
            else:
                row.status, row.sealed = command.status, base64.b64decode(command.sealed_b64)
        return Done(id=command.id)

    def note_use(self, command: commands.NoteTokenUse) -> Done:
        """Remember when a key was used; one that is gone is nothing."""
        with self._context.store.write() as session:
            row = session.get(ApiToken, command.id)
            if row is not None:
                row.last_used_at = self._context.clock.now()
        return Done(id=command.id)


def purge(session: Session, context: Context) -> None:
    """Forget answers that nobody may ask for any more."""
    session.execute(delete(ApiReply).where(ApiReply.at <= context.clock.now() - KEPT))
