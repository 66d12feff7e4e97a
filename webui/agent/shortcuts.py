"""Keyboard shortcuts as data. `keys` are chords by physical key, so they work in every keyboard layout; single
characters are never used (WCAG 2.2, 2.1.4) but for `?`, which is ignored while typing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _l


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
    Shortcut("next", "Alt+U", _l("Preview: next record")),
    Shortcut("dial", "Alt+O", _l("Preview: dial")),
    Shortcut("skip", "Alt+J", _l("Preview: skip")),
    *(Shortcut(f"disposition-{n}", f"Alt+{n}", _l("Result no. %(number)s", number=n)) for n in range(1, 10)),
    Shortcut("machine", "Alt+V", _l("It is a machine: end the call")),
    Shortcut("note", "Alt+N", _l("To the note")),
    Shortcut("save", "Alt+S", _l("Save the result")),
    Shortcut("help", "?", _l("This help")),
)


def as_json() -> list[dict[str, str]]:
    """What the page's script needs."""
    return [{"id": shortcut.id, "keys": shortcut.keys} for shortcut in SHORTCUTS]


def keys_of(shortcut_id: str) -> str:
    """The chord of a shortcut, to be shown on its button."""
    return next((shortcut.keys for shortcut in SHORTCUTS if shortcut.id == shortcut_id), "")
