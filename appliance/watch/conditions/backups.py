"""Backups are made, copied and tested, and updates went well: from their files, which outlive the database."""

from __future__ import annotations

from datetime import timedelta

from appliance.clock import Clock, SystemClock
from appliance.domain.backups import is_late, test_is_late
from appliance.settings import Home, load_settings
from appliance.store.read import backups, updates
from appliance.types import Severity
from appliance.watch.conditions.base import Finding
from appliance.watch.device import is_device

_PATIENCE = timedelta(days=3)


class BackupsMade:
    """A device that has customers' data and no good backup is said to be in danger."""

    id = "backups"
    interval_s = 60.0
    keys = ("backup.",)

    def __init__(self, home: Home, clock: Clock | None = None, *, device: bool | None = None) -> None:
        self._home, self._clock = home, clock or SystemClock()
        self._device = is_device(home) if device is None else device

    def check(self) -> list[Finding]:
        state, now = backups.state(self._home), self._clock.now()
        if not state.has_passphrase:
            made_s = self._home.secrets_file.stat().st_mtime if self._home.secrets_file.exists() else now.timestamp()
            young = now.timestamp() - made_s < _PATIENCE.total_seconds()
            if young or not self._device:
                return []
            return [Finding(key="backup.none", severity=Severity.WARNING, alert="backup.none")]
        found = []
        every = load_settings(self._home).backup.every
        since = state.since or now
        last = f"{state.last_good_at:%Y-%m-%d %H:%M} UTC" if state.last_good_at else "-"
        if state.error:
            figures = {"error": state.error, "last": last}
            found.append(Finding(key="backup.failed", severity=Severity.WARNING, alert="backup.failed", data=figures))
        elif is_late(every, state.last_good_at, since, now):
            found.append(
                Finding(key="backup.late", severity=Severity.WARNING, alert="backup.late", data={"last": last})
            )
        if state.test_error:
            figures = {"error": state.test_error}
            found.append(
                Finding(key="backup.test", severity=Severity.CRITICAL, alert="backup.test_failed", data=figures)
            )
        elif state.last_good_at and test_is_late(state.last_test_at, since, now):
            found.append(Finding(key="backup.test", severity=Severity.WARNING, alert="backup.test_late"))
        if state.copy_error:
            figures = {"error": state.copy_error, "error_id": state.copy_error_id}
            found.append(
                Finding(key="backup.copy", severity=Severity.WARNING, alert="backup.copy_failed", data=figures)
            )
        return found


class UpdateWent:
    """The last update did not stay: until the next one is tried or it is forgotten."""

    id = "update"
    interval_s = 60.0
    keys = ("update.",)

    def __init__(self, home: Home) -> None:
        self._home = home

    def check(self) -> list[Finding]:
        apply = updates.updates(self._home).apply
        if apply.get("state") not in ("failed", "returned"):
            return []
        figures = {"from": apply.get("from"), "to": apply.get("to"), "error": apply.get("message") or "-"}
        return [Finding(key="update.failed", severity=Severity.WARNING, alert="update.failed", data=figures)]
