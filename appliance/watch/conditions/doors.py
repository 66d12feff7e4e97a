"""The doors that the box's own parts and people use are open: a service may run and still listen nowhere."""

from __future__ import annotations

import socket

from appliance.settings import Home, Settings
from appliance.types import Severity
from appliance.watch.conditions.base import Finding
from appliance.watch.conditions.services import SUPERVISOR_KEY, service_key
from appliance.watch.supervision import socket_path

_TIMEOUT_S = 1.0
CLOSED_LOOKS = 3  # a service that is restarted listens again within two looks


class DoorsOpen:
    """Connects to each port and hangs up; told after three closed looks in a row."""

    id = "doors"
    interval_s = 5.0
    keys = ("door.",)

    def __init__(self, home: Home, settings: Settings, *, closed_looks: int = CLOSED_LOOKS) -> None:
        self._home = home
        self._doors = {
            "bus": (settings.bus.host, settings.bus.port), "web": ("127.0.0.1", settings.web.app_port),
            "front": ("127.0.0.1", settings.web.port),
        }  # fmt: skip
        self._closed = dict.fromkeys(self._doors, 0)
        self._closed_looks = closed_looks

    def check(self) -> list[Finding]:
        supervised = socket_path(self._home).exists()
        found = []
        for door, address in self._doors.items():
            try:
                socket.create_connection(address, timeout=_TIMEOUT_S).close()
                self._closed[door] = 0
            except OSError:
                self._closed[door] += 1
            if self._closed[door] >= self._closed_looks:
                found.append(
                    Finding(
                        key=f"door.{door}", severity=Severity.CRITICAL, alert="door.closed",
                        data={"door": door, "address": f"{address[0]}:{address[1]}"},
                        caused_by=service_key(door) if supervised else SUPERVISOR_KEY,
                    )
                )  # fmt: skip
        return found
