"""Comments and markers at a time of a recording. Everybody who may hear it sees them; only the writer changes them."""

from __future__ import annotations

from sqlalchemy import func, select

from appliance import commands
from appliance.commands import Done
from appliance.errors import CallerError, NotAllowedError, NotFoundError, ValidationErrors
from appliance.ids import new_id
from appliance.jobs.context import Context
from appliance.jobs.quality import desk
from appliance.store.models import RecordingNote

_TEXT_MAX, _NOTES_MAX = 2000, 500


class RecordingNotes:
    """Answers the commands about notes."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def save(self, command: commands.SaveRecordingNote) -> Done:
        """Write or change one."""
        text, now = command.text.strip(), self._context.clock.now()
        if len(text) > _TEXT_MAX:
            raise ValidationErrors([("text", "note.too_long", f"Use at most {_TEXT_MAX} characters.")])
        with self._context.store.write() as session:
            who, recording = desk.heard_by(session, command.actor_id, command.recording_id)
            if not 0 <= command.at_s <= recording.duration_s:
                raise ValidationErrors([("at_s", "note.bad_time", "The time is not in the recording.")])
            if command.note_id:
                note = session.get(RecordingNote, command.note_id)
                if note is None or note.recording_id != recording.id or note.deleted_at is not None:
                    raise NotFoundError("note.unknown", "There is no such note.")
                if note.author_id != who.id:
                    raise NotAllowedError("note.not_own", "Only its writer changes a note.")
                note.edited_at = now
            else:
                count = select(func.count()).where(RecordingNote.recording_id == recording.id)
                if (session.scalar(count) or 0) >= _NOTES_MAX:
                    raise CallerError("note.too_many", f"A recording has at most {_NOTES_MAX} notes.")
                note = RecordingNote(id=new_id(), recording_id=recording.id, author_id=who.id, created_at=now)
                session.add(note)
            note.at_s, note.text = round(command.at_s, 2), text
            action = "recording.note_changed" if command.note_id else "recording.noted"
            desk.note(
                session, self._context, command, action, f"recording:{recording.id}", at_s=note.at_s, note=note.id
            )
        return Done(id=note.id)

    def delete(self, command: commands.DeleteRecordingNote) -> Done:
        """Take one off."""
        with self._context.store.write() as session:
            note = session.get(RecordingNote, command.note_id)
            if note is None or note.deleted_at is not None:
                raise NotFoundError("note.unknown", "There is no such note.")
            who, recording = desk.heard_by(session, command.actor_id, note.recording_id)
            if note.author_id != who.id:
                raise NotAllowedError("note.not_own", "Only its writer changes a note.")
            note.deleted_at = self._context.clock.now()
            desk.note(
                session, self._context, command, "recording.note_deleted", f"recording:{recording.id}", note=note.id
            )
        return Done(id=command.note_id)
