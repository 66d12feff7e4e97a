"""Every service under supervisor runs, and goes on running: one that falls and is restarted is told as well."""

from __future__ import annotations

from appliance.errors import BoxError
from appliance.settings import Home
from appliance.types import Severity
from appliance.watch.conditions.base import Finding
from appliance.watch.supervision import is_stopping, status

SUPERVISOR_KEY = "services.supervisor"


def service_key(name: str) -> str:
    """Key of the alert about one service, for what it causes."""
    return f"service.{name}"


class ServicesRun:
    """Asks supervisor itself, not the services."""

    id = "services"
    interval_s = 2.0
    keys = ("service.", SUPERVISOR_KEY)
    settled_s = 15
    start_spread_s = 5  # services of one start begin within so much

    def __init__(self, home: Home) -> None:
        self._home = home

    def check(self) -> list[Finding]:
        try:
            services = status(self._home)
        except BoxError:
            if is_stopping(self._home):
                return []
            return [Finding(key=SUPERVISOR_KEY, severity=Severity.CRITICAL, alert="services.supervisor")]
        box_up_s = max((service.since_s for service in services), default=0)
        found = []
        for service in services:
            if service.state not in {"RUNNING", "STARTING"}:
                alert = "service.down"
            elif service.since_s < min(self.settled_s, box_up_s - self.start_spread_s):
                alert = "service.restarted"
            else:
                continue
            found.append(
                Finding(
                    key=service_key(service.name), severity=Severity.CRITICAL, alert=alert,
                    data={"service": service.name, "state": service.state.lower()},
                    caused_by="" if service.name == "bus" else service_key("bus"),  # without it many end and return
                )
            )  # fmt: skip
        return found
