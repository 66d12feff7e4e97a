"""A user's own keys for the desk."""

from __future__ import annotations

import re

from appliance import commands
from appliance.commands import Done
from appliance.errors import ValidationErrors
from appliance.jobs.context import Context
from appliance.store import models
from appliance.store.repositories import users

_ID = re.compile(r"[a-z0-9-]{1,40}")
CHORD = re.compile(
    r"((Ctrl\+)?Alt\+(Shift\+)?|Ctrl\+(Shift\+)?)([A-Z0-9]|F\d{1,2}|[A-Z][A-Za-z]{2,14})|(Shift\+)?F\d{1,2}"
)
"""Chords or function keys: a single character never is one (WCAG 2.2, 2.1.4)."""
_MAX = 60


class Shortcuts:
    def __init__(self, context: Context) -> None:
        self._context = context

    def save(self, command: commands.SaveShortcuts) -> Done:
        """Remember them; raises ValidationErrors for what is no chord, or stands twice."""
        keys = command.keys
        wrong = [
            (name, "shortcut.invalid", f"'{chord}' is no key: use Alt or Ctrl with a letter, or a function key")
            for name, chord in keys.items()
            if not _ID.fullmatch(name) or not CHORD.fullmatch(chord)
        ]
        chords = list(keys.values())
        twice = {name: chord for name, chord in keys.items() if chords.count(chord) > 1}
        wrong += [(name, "shortcut.twice", f"'{chord}' is used twice") for name, chord in twice.items()]
        if wrong or len(keys) > _MAX:
            raise ValidationErrors(wrong or [("keys", "shortcut.invalid", "too many")])
        with self._context.store.write() as session:
            who = users.actor(session, command.actor_id)
            session.get_one(models.User, who.id).shortcuts = dict(keys)
        return Done(id=command.actor_id)
