"""How a service tells of its own trouble: the words come from `appliance.texts`, the figures from the service."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from appliance.events import LiveAlert
from appliance.texts import words
from appliance.types import Severity


def told(
    text_id: str, figures: Mapping[str, Any], *, key: str, severity: Severity, raised: bool, at: datetime,
    caused_by: str = "",
) -> LiveAlert:  # fmt: skip
    """The alert to publish on `evt.live.alert`. Raises KeyError for a text id without words (a programming error)."""
    said = words(text_id, "en", figures)
    if said is None:
        raise KeyError(text_id)
    return LiveAlert(
        key=key, severity=severity, title=said.title, text=said.text, raised=raised, at_unix_s=at.timestamp(),
        data={**figures, "alert": text_id}, caused_by=caused_by,
    )  # fmt: skip
