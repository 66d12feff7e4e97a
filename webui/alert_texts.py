"""An alert as a reader sees it: words in his language, and for what the ear found the page with the audio behind it."""

from __future__ import annotations

from dataclasses import dataclass

from flask import url_for
from flask_babel import get_locale

from appliance.store.read.alerts import AlertView
from appliance.texts import alert_words

_EAR_LABELS = {
    "ear.drift.announcements": "announcement_unknown", "ear.drift.unknown": "unknown", "ear.drift.tones": "",
    "ear.drift.machines": "machine",
}  # fmt: skip
"""Which of a trunk's calls an alert of the ear is about; empty: all of them."""


_PLACES = (
    (("line.", "card."), "lines.page"), (("disk.low", "disk.reserve"), ""), (("disk.", "raid."), "disks.page"),
    (("sink.",), "settings.page"),
)  # fmt: skip


@dataclass(frozen=True)
class Told:
    """An alert as it is shown; `url` leads to the audio behind it, empty when there is none."""

    title: str
    text: str
    url: str = ""
    place: str = ""
    """The page that shows what it is about: an endpoint, empty when there is none."""


def told(alert: AlertView) -> Told:
    """The alert's words for this reader."""
    said = alert_words(alert.data, str(get_locale()), title=alert.title, text=alert.text)
    label = _EAR_LABELS.get(str(alert.data.get("alert", "")))
    if label is None:
        place = next((page for starts, page in _PLACES if alert.key.startswith(starts)), "")
        return Told(said.title, said.text, place=place)
    since, trunk_id = str(alert.data.get("since", ""))[:10], str(alert.data.get("trunk", ""))
    return Told(said.title, said.text, url_for("heard.page", trunk=trunk_id, since=since, label=label, show="every"))
