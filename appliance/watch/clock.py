"""Whether the box knows the time: asked of chrony every two seconds, told to the engine, an alert when it does not.

A time service that is restarted is no reason to stop dialling: a clock that was right a minute ago is right now.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from appliance.clock import Clock
from appliance.domain.clock_trust import ClockPolicy, ClockReading, Doubt, doubt
from appliance.errors import BoxError
from appliance.events import ClockTrust
from appliance.logs import get_logger
from appliance.settings import Settings
from appliance.types import Severity
from appliance.watch.conditions.base import Finding
from drivers.lines import ReaderError
from drivers.programs import Programs
from drivers.sensors.clock import ClockStatus, read_clock

LOOK_S = 2.0
GRACE_S = 60.0
"""So long the last good word counts when the service gives none."""


class ClockWatch:
    """`look` runs in a thread; `doubt` is None while the time may be relied on."""

    def __init__(self, settings: Settings, programs: Programs, clock: Clock) -> None:
        self._policy = ClockPolicy(settings.hardware.clock_policy)
        self._limit_s = settings.hardware.clock_error_s
        self._programs, self._clock = programs, clock
        self._good_until_s = float("-inf")
        self._looked = False
        self.status: ClockStatus | None = None
        self.error = self.error_id = ""
        self.doubt: Doubt | None = None
        self._log = get_logger()

    def look(self) -> None:
        """Ask and decide."""
        reading = self._read()
        found = doubt(self._policy, reading, self._clock.now(), self._limit_s)
        now_s = self._clock.monotonic_s()
        if found is None:
            self._good_until_s = now_s + GRACE_S
        elif found is Doubt.NO_ANSWER and now_s < self._good_until_s:
            found = None
        if not self._looked or found is not self.doubt:
            level = self._log.info if found is None else self._log.warning
            level("clock", policy=self._policy, doubt=found, error=self.error)
        self.doubt, self._looked = found, True

    def _read(self) -> ClockReading:
        try:
            status = read_clock(self._programs)
        except ReaderError as error:
            self.error, self.error_id = error.message, error.error_id
            return ClockReading(installed=error.error_id != "program.missing")
        self.status, self.error, self.error_id = status, "", ""
        return ClockReading(installed=True, synchronised=status.synchronised, error_bound_s=status.error_bound_s)

    def trust(self) -> ClockTrust | None:
        """What the engine is told; None before the first look."""
        if not self._looked:
            return None
        return ClockTrust(
            trusted=self.doubt is None, reason=str(self.doubt or ""), at_unix_s=self._clock.now().timestamp()
        )

    def section(self) -> dict[str, Any]:
        """The section `clock`."""
        return {
            "policy": str(self._policy), "trusted": self.doubt is None, "reason": str(self.doubt or ""),
            "status": asdict(self.status) if self.status else None, "error": self.error,
        }  # fmt: skip


class ClockKnown:
    """The box knows the time well enough to keep to calling hours."""

    id = "clock"
    interval_s = 1.0
    keys = ("clock.",)

    def __init__(self, watch: ClockWatch) -> None:
        self._watch = watch

    def check(self) -> list[Finding]:
        if self._watch.trust() is None:
            raise BoxError("hardware.not_read", "The clock has not been looked at yet.", retryable=True)
        found = self._watch.doubt
        if found is None:
            return []
        data = {"reason": str(found), "error": self._watch.error, "error_id": self._watch.error_id}
        return [Finding(key="clock.unknown", severity=Severity.CRITICAL, alert=f"clock.{found}", data=data)]
