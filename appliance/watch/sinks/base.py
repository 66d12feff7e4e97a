"""What a sink is told, and what a sink is."""

from __future__ import annotations

import uuid
from typing import Any, Protocol

import msgspec

from appliance.domain.alert_book import Happened, Notice, Standing
from appliance.texts import Words, alert_words
from appliance.types import Severity

_ALERTS = uuid.UUID("6f1d3a52-0d0e-5c6b-9a57-3c1d4f0a7e21")  # the namespace of alert ids
_WEIGHT = {Severity.INFO: 0, Severity.WARNING: 1, Severity.CRITICAL: 2}


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One notice about one alert as it goes out; `uid` is the same from raise to clear (also after a restart)."""

    uid: str
    happened: str
    key: str
    severity: str
    title: str
    text: str
    data: dict[str, Any]
    raised_at_unix_s: float
    at_unix_s: float
    test: bool = False

    @property
    def raised(self) -> bool:
        return self.happened != Happened.CLEARED

    def words(self, language: str) -> Words:
        """Title and text in a language."""
        return alert_words(self.data, language, title=self.title, text=self.text)

    def grave(self, minimum: str) -> bool:
        """Whether it is at least as grave as a severity."""
        return _WEIGHT[Severity(self.severity)] >= _WEIGHT[Severity(minimum)]


class Sink(Protocol):
    """One way out. `tell` blocks until the other side has it; raises BoxError `sink.failed` with what was said."""

    name: str

    def tell(self, message: Message) -> None: ...

    def close(self) -> None: ...


def uid_of(alert: Standing) -> str:
    """The id of one raise-to-clear of one alert."""
    return str(uuid.uuid5(_ALERTS, f"{alert.key}@{alert.raised_at.isoformat()}"))


def message_of(notice: Notice, at_unix_s: float) -> Message:
    """The notice as it goes out."""
    alert = notice.alert
    return Message(
        uid=uid_of(alert), happened=notice.happened, key=alert.key, severity=alert.severity, title=alert.title,
        text=alert.text, data=alert.data, raised_at_unix_s=alert.raised_at.timestamp(), at_unix_s=at_unix_s,
    )  # fmt: skip


def mark(message: Message) -> str:
    """The words that tell raise from clear in one line, understood in all three languages."""
    return "OK" if not message.raised else str(message.severity).upper()
