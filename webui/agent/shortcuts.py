"""Keyboard shortcuts as data. `keys` are chords by physical key, so they work in every keyboard layout; single
characters are never used (WCAG 2.2, 2.1.4) but for `?`, which is ignored while typing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

from flask import g
from flask_babel import lazy_gettext as _l

from appliance.errors import ValidationErrors
from appliance.store.read import history
from webui.box import store


@dataclass(frozen=True)
class Shortcut:
    """`id` is the `data-shortcut` of the element that is pressed or focused."""

    id: str
    keys: str
    text: Any


SHORTCUTS: tuple[Shortcut, ...] = (
    Shortcut("ready", "Alt+A", _l("Ready for calls")),
    Shortcut("pause", "Alt+P", _l("Pause")),
    Shortcut("hangup", "Alt+X", _l("Hang up")),
    Shortcut("hold", "Alt+H", _l("Hold and resume")),
    Shortcut("mute", "Alt+M", _l("Mute the microphone")),
    Shortcut("keypad", "Alt+K", _l("Key tones")),
    Shortcut("transfer", "Alt+T", _l("Pass the customer on, or bring somebody in")),
    Shortcut("complete", "Alt+Y", _l("Leave the customer to who was brought in")),
    Shortcut("join", "Alt+G", _l("All talk together, or the two alone")),
    Shortcut("drop", "Alt+Shift+X", _l("Let go who was brought in")),
    Shortcut("card", "Alt+C", _l("Card data: pause the recording and go on")),
    Shortcut("record", "Alt+I", _l("Begin the recording, where it is your choice")),
    Shortcut("knowledge", "Alt+B", _l("Search the knowledge base")),
    Shortcut("step-next", "Alt+W", _l("Script: next step")),
    Shortcut("step-back", "Alt+Q", _l("Script: step before")),
    Shortcut("result", "Alt+R", _l("Find a result by its first letters")),
    Shortcut("next", "Alt+U", _l("Preview: next record")),
    Shortcut("dial", "Alt+O", _l("Preview: dial")),
    Shortcut("skip", "Alt+J", _l("Preview: skip")),
    *(Shortcut(f"disposition-{n}", f"Alt+{n}", _l("Result no. %(number)s", number=n)) for n in range(1, 10)),
    Shortcut("machine", "Alt+V", _l("It is a machine: end the call")),
    Shortcut("note", "Alt+N", _l("To the note")),
    Shortcut("save", "Alt+S", _l("Save the result")),
    Shortcut("help", "?", _l("This help")),
)


def mine() -> tuple[Shortcut, ...]:
    """The table with the signed-in user's own keys in it."""
    if "shortcuts" not in g:
        own = history.shortcuts(store(), g.user.id)
        g.shortcuts = tuple(replace(one, keys=own.get(one.id, one.keys)) for one in SHORTCUTS)
    return cast("tuple[Shortcut, ...]", g.shortcuts)


def as_json() -> list[dict[str, str]]:
    """What the page's script needs."""
    return [{"id": shortcut.id, "keys": shortcut.keys} for shortcut in mine()]


def keys_of(shortcut_id: str) -> str:
    """The chord of a shortcut, to be shown on its button."""
    return next((shortcut.keys for shortcut in mine() if shortcut.id == shortcut_id), "")


def changed(form: Mapping[str, str]) -> dict[str, str]:
    """Return the keys of a form that are not the usual ones; raises ValidationErrors when one stands twice."""
    wanted = {one.id: form.get(one.id, "").strip() or one.keys for one in SHORTCUTS}
    counts = Counter(wanted.values())
    twice = [(name, "shortcut.twice", keys) for name, keys in wanted.items() if counts[keys] > 1]
    if twice:
        raise ValidationErrors(twice)
    return {one.id: wanted[one.id] for one in SHORTCUTS if wanted[one.id] != one.keys}
