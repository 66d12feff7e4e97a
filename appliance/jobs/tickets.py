"""The one way to a recording's key: no audit line, no sound."""

from __future__ import annotations

import base64

from appliance import commands
from appliance.commands import Done
from appliance.errors import CallerError, NotAllowedError, NotFoundError, ValidationErrors
from appliance.jobs import audit
from appliance.jobs.context import Context
from appliance.store import sealed
from appliance.store.models import RecordingKey
from appliance.store.repositories import recordings, users
from appliance.types import Permission

_PURPOSES = ("listen", "export")


class Tickets:
    """Hands out read tickets for archived recordings."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def open_recording(self, command: commands.OpenRecording) -> Done:
        """Audit and reply data {path, key_b64, size_bytes, content_type}.

        Raises `recording.unknown`, `recording.deleted`, `recording.not_ready`, or NotAllowedError: an agent may
        listen to his own conversations only, and exporting needs its own permission.
        """
        if command.purpose not in _PURPOSES:
            raise ValidationErrors([("purpose", "recording.bad_purpose", f"Use one of {', '.join(_PURPOSES)}.")])
        with self._context.store.write() as session:
            if command.purpose == "export":
                who = users.require(session, command.actor_id, Permission.RECORDINGS_EXPORT)
            else:
                who = users.require(
                    session, command.actor_id, Permission.RECORDINGS_LISTEN, Permission.RECORDINGS_LISTEN_OWN
                )
            recording = recordings.get(session, command.recording_id)
            needed = Permission.RECORDINGS_EXPORT if command.purpose == "export" else Permission.RECORDINGS_LISTEN
            if recording.agent_id != who.id and not users.in_reach(session, who, needed, recording.agent_id):
                raise NotAllowedError("recording.not_own", "Only recordings of your own conversations are open to you.")
            if recording.state == recordings.DELETED:
                raise NotFoundError("recording.deleted", "This recording was deleted as its retention rule says.")
            key_row = session.get(RecordingKey, recording.id)
            if recording.state != recordings.ARCHIVED or key_row is None:
                raise CallerError("recording.not_ready", "This recording is not archived yet; try again in a moment.",
                                  retryable=True)  # fmt: skip
            audit.append(
                session, self._context.clock.now(), actor_id=command.actor_id, actor_address=command.actor_address,
                action=f"recording.{command.purpose}", subject=f"recording:{recording.id}",
                detail={"conversation": recording.conversation_id, "campaign": recording.campaign_id},
            )  # fmt: skip
        key = sealed.unwrap(
            self._context.secrets.archive_key.get_secret_value(), key_row.wrapped_key, f"recording:{recording.id}"
        )
        return Done(
            id=recording.id,
            data={
                "path": str(self._context.home.archive / recording.archive_path),
                "key_b64": base64.b64encode(key).decode(), "size_bytes": recording.size_bytes,
                "content_type": "audio/ogg", "sha256": recording.sha256,
            },
        )  # fmt: skip
