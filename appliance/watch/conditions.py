"""Health conditions: one class each, one question each: it looks and says what is wrong, in words for the night.

`check()` returns the alerts that should stand now; the manager raises what is new and clears what is gone.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from cryptography import x509

from appliance.errors import BoxError
from appliance.settings import Home, Settings
from appliance.types import Severity
from appliance.watch.supervision import is_stopping, status


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What is wrong (`title`), and what to do (`text`); `data` are its figures, for screens in another language."""

    key: str
    severity: Severity
    title: str
    text: str
    data: dict[str, Any] = field(default_factory=dict)


class Condition(Protocol):
    """`interval_s`: how often it is asked."""

    interval_s: float

    def check(self) -> list[Finding]: ...


class ServicesRun:
    """Every service under supervisor runs, and goes on running: one that falls and is restarted is told as well."""

    interval_s = 2.0
    settled_s = 15
    start_spread_s = 5  # services of one start begin within so much

    def __init__(self, home: Home) -> None:
        self._home = home

    def check(self) -> list[Finding]:
        try:
            services = status(self._home)
        except BoxError as error:
            if is_stopping(self._home):
                return []
            return [
                Finding(
                    key="services.supervisor", severity=Severity.CRITICAL, title="supervisor does not answer",
                    text=f"{error.message} On the device: systemctl restart callbox-supervisor.",
                )
            ]  # fmt: skip
        box_up_s = max((service.since_s for service in services), default=0)
        found = []
        for service in services:
            if service.state not in {"RUNNING", "STARTING"}:
                title = f"Service '{service.name}' is {service.state.lower()}"
            elif service.since_s < min(self.settled_s, box_up_s - self.start_spread_s):
                title = f"Service '{service.name}' was restarted a moment ago"
            else:
                continue
            found.append(
                Finding(
                    key=f"service.{service.name}", severity=Severity.CRITICAL, title=title,
                    text=f"It is started again by itself. If this stays: log/{service.name}.log says why.",
                )
            )  # fmt: skip
        return found


class DiskSpace:
    """The disk has room: a warning at twice the recording reserve (the reserve itself stops dialling)."""

    interval_s = 10.0

    def __init__(self, home: Home, settings: Settings) -> None:
        self._root = home.root
        self._warn_mb = settings.recording.reserve_mb * 2

    def check(self) -> list[Finding]:
        free_mb = shutil.disk_usage(self._root).free // 2**20
        if free_mb >= self._warn_mb:
            return []
        return [
            Finding(
                key="disk.low", severity=Severity.WARNING, title=f"{free_mb // 1024} GB free on the recordings disk",
                text="Shorten the retention of recordings, or export and delete old ones. "
                f"Dialling stops below {self._warn_mb // 2} MB.",
            )
        ]  # fmt: skip


class CertificateValid:
    """The web certificate is not about to expire."""

    interval_s = 3600.0
    warn_before = timedelta(days=21)

    def __init__(self, home: Home) -> None:
        self._path = home.front / "server.crt"

    def check(self) -> list[Finding]:
        if not self._path.exists():
            return []
        try:
            certificate = x509.load_pem_x509_certificate(self._path.read_bytes())
        except ValueError:
            return [
                Finding(
                    key="certificate.web", severity=Severity.CRITICAL, title="The web certificate cannot be read",
                    text=f"{self._path} is damaged. Upload a new one, or delete it and restart 'front'.",
                )
            ]  # fmt: skip
        left = certificate.not_valid_after_utc - datetime.now(UTC)
        if left > self.warn_before:
            return []
        return [
            Finding(
                key="certificate.web", severity=Severity.CRITICAL if left.days < 3 else Severity.WARNING,
                title=f"The web certificate expires in {max(0, left.days)} days",
                text="Upload a new certificate under Settings, or delete the box's own and restart 'front'.",
            )
        ]  # fmt: skip


class GatewaysAnswer:
    """Every gateway of every trunk answers. `silent` asks the edge: the SIP addresses of those that do not."""

    interval_s = 2.0

    def __init__(self, silent: Callable[[], list[str]]) -> None:
        self._silent = silent

    def check(self) -> list[Finding]:
        try:
            addresses = self._silent()
        except BoxError:
            return []  # the edge is away: a finding of its own
        return [
            Finding(
                key=f"gateway.{address}", severity=Severity.WARNING, title=f"The gateway {address} does not answer",
                text="Calls go through the other gateways of its trunk; without another one they fail. Check its "
                "power, its network cable and its address under Trunks.",
            )
            for address in addresses
        ]  # fmt: skip


def all_conditions(home: Home, settings: Settings, silent_gateways: Callable[[], list[str]]) -> list[Condition]:
    """The box's conditions."""
    return [
        ServicesRun(home), DiskSpace(home, settings), CertificateValid(home), GatewaysAnswer(silent_gateways),
    ]  # fmt: skip
