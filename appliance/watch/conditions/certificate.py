"""The web certificate can be read and is not about to expire."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from cryptography import x509

from appliance.settings import Home
from appliance.types import Severity
from appliance.watch.conditions.base import Finding

_KEY = "certificate.web"


class CertificateValid:
    """Looks at the file that nginx serves."""

    id = "certificate"
    interval_s = 3600.0
    keys = ("certificate.",)
    warn_before = timedelta(days=21)
    urgent_before = timedelta(days=3)

    def __init__(self, home: Home) -> None:
        self._path = home.front / "server.crt"

    def check(self) -> list[Finding]:
        if not self._path.exists():
            return []
        try:
            certificate = x509.load_pem_x509_certificate(self._path.read_bytes())
        except ValueError:
            figures = {"path": str(self._path)}
            return [Finding(key=_KEY, severity=Severity.CRITICAL, alert="certificate.unreadable", data=figures)]
        left = certificate.not_valid_after_utc - datetime.now(UTC)
        if left > self.warn_before:
            return []
        severity = Severity.CRITICAL if left < self.urgent_before else Severity.WARNING
        return [Finding(key=_KEY, severity=severity, alert="certificate.expires", data={"days": max(0, left.days)})]
