"""The alert of calls whose process died: raised at once, cleared when none has died for a while."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime

from appliance.alerting import told
from appliance.bus import Bus
from appliance.types import Severity

KEY = "switch.calls_lost"
_STANDS_S = 60.0


class LostCalls:
    """`look()` is called again and again and never waits; an alert that an earlier parent left is cleared too."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._clear_at_s: float | None = time.monotonic() + _STANDS_S
        self._telling: set[asyncio.Task[None]] = set()

    def happened(self) -> None:
        """A call was lost."""
        self._clear_at_s = time.monotonic() + _STANDS_S
        self._tell(raised=True)

    def look(self) -> None:
        """Clear when it is time and somebody hears it."""
        if self._clear_at_s is not None and time.monotonic() >= self._clear_at_s and self._bus.connected:
            self._clear_at_s = None
            self._tell(raised=False)

    def _tell(self, *, raised: bool) -> None:
        alert = told(
            "call.cut_off", {}, key=KEY, severity=Severity.WARNING, raised=raised, at=datetime.now(UTC)
        )
        task = asyncio.get_running_loop().create_task(self._bus.publish_live("alert", alert))
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)
