"""The library of announcements as the screens show it: what stands in its folder, and how often it was heard."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from appliance.store import announcements as library
from appliance.store.announcements import Announcement
from appliance.store.db import Store
from appliance.store.read import heard


@dataclass(frozen=True)
class AnnouncementView:
    """One entry with its hits."""

    entry: Announcement
    hits: int
    last_heard_at: datetime | None


def announcements(store: Store, folder: Path, *, retired: bool = False) -> list[AnnouncementView]:
    """The entries in use, or the retired ones; the most heard first."""
    hits = heard.hits(store)
    entries = library.retired(folder) if retired else library.in_use(folder)
    views = [
        AnnouncementView(entry, count, last)
        for entry in entries
        for count, last in (hits.get(entry.ann_id, (0, None)),)
    ]
    return sorted(views, key=lambda view: (-view.hits, view.entry.ann_id))


def sound(folder: Path, ann_id: str) -> Path | None:
    """The WAV of an entry, in use or retired; None when there is none."""
    entry = next((e for e in (*library.in_use(folder), *library.retired(folder)) if e.ann_id == ann_id), None)
    path = library.sound_path(folder, entry) if entry is not None else None
    return path if path is not None and path.is_file() else None
