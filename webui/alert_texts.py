"""Words of the alerts that carry figures, in the reader's language, and the page with the audio behind them.

Alerts without an entry here are shown in the words of `appliance.texts`, else as the box wrote them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import url_for
from flask_babel import get_locale
from flask_babel import lazy_gettext as _l

from appliance.store.read.alerts import AlertView
from appliance.texts import alert_words
from webui.i18n import number, percent

_DRIFTS: dict[str, tuple[Any, Any, str]] = {  # title, cause and what to do, the ear's label to listen to
    "ear.drift.announcements": (
        _l("Trunk %(name)s: more unknown announcements"),
        _l("The carrier probably has a new announcement. Listen to its group and name it once."),
        "announcement_unknown",
    ),
    "ear.drift.unknown": (
        _l("Trunk %(name)s: more calls that the ear cannot make out"),
        _l("Sound before the answer fits nothing known. Listen to some calls; check the trunk's country and gateway."),
        "unknown",
    ),
    "ear.drift.tones": (
        _l("Trunk %(name)s: fewer ring-back and busy tones are recognised"),
        _l(
            "The exchange probably uses another tone plan, or the gateway makes the tones itself. Check the trunk's "
            "country and gateway."
        ),
        "",
    ),
    "ear.drift.machines": (
        _l("Trunk %(name)s: another share of machines than before"),
        _l("Either other numbers are dialled, or the ear is wrong. Listen to some calls and label them."),
        "",
    ),
}  # fmt: skip
_FIGURES = _l("%(now)s of %(now_count)s calls, before %(base)s of %(base_count)s.")


@dataclass(frozen=True)
class Told:
    """An alert as it is shown; `url` leads to the audio behind it, empty when there is none."""

    title: str
    text: str
    url: str = ""


def told(alert: AlertView) -> Told:
    """The alert's words for this reader."""
    data = alert.data
    entry = _DRIFTS.get(str(data.get("alert", "")))
    if entry is None:
        said = alert_words(data, str(get_locale()), title=alert.title, text=alert.text)
        return Told(said.title, said.text)
    title, advice, label = entry
    figures = str(_FIGURES) % {
        "now": percent(data["now"], 0), "base": percent(data["base"], 0), "now_count": number(data["now_count"]),
        "base_count": number(data["base_count"]),
    }  # fmt: skip
    url = url_for("heard.page", trunk=data["trunk"], since=str(data["since"])[:10], label=label, show="all")
    return Told(str(title) % {"name": data["name"]}, f"{figures} {advice}", url)
