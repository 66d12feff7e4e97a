"""What a condition is and what it finds. Texts are data: a finding names its text id and carries the figures."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

from appliance.texts import alert_words
from appliance.types import Severity


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that is wrong now: `alert` is the id of its words in `appliance.texts`, `data` their figures.

    `key` tells one trouble from another ("gateway.10.0.0.5:5060"): the same key is the same alert, whatever its
    figures. `caused_by` is the key of the trouble that explains this one: while that stands, this one is written down
    and shown under it, but rings no bell. `title` and `text` are the English words, made from the table.
    """

    key: str
    severity: Severity
    alert: str = ""
    title: str = ""
    text: str = ""
    data: dict[str, Any] = field(default_factory=dict)
    caused_by: str = ""

    def __post_init__(self) -> None:
        if self.alert:
            object.__setattr__(self, "data", {**self.data, "alert": self.alert})
        said = alert_words(self.data, "en", title=self.title, text=self.text)
        object.__setattr__(self, "title", self.title or said.title)
        object.__setattr__(self, "text", self.text or said.text)


class Condition(Protocol):
    """One question about the box. Its text when all is well is `condition.<id>` in `appliance.texts`."""

    @property
    def id(self) -> str: ...

    @property
    def interval_s(self) -> float:
        """How often it is asked."""
        ...

    @property
    def keys(self) -> tuple[str, ...]:
        """Beginnings of the keys of its findings: nobody else raises or clears those."""
        ...

    def check(self) -> list[Finding]:
        """What is wrong now; empty when all is well. May raise: then the condition is unknown."""
        ...
