"""Boards show how things stand now, they are not told what happened: the console's file and the box's lamps."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import msgspec

from appliance.domain.alert_book import AlertBook, Standing
from appliance.logs import get_logger
from appliance.settings import LedSettings
from appliance.types import Severity

_RECENT = 50


class Board(Protocol):
    """Shows the book as it is; never raises."""

    def show(self, book: AlertBook, at_unix_s: float) -> None: ...


def _entry(alert: Standing, *, explained: bool) -> dict[str, Any]:
    return {
        "key": alert.key, "severity": str(alert.severity), "title": alert.title, "text": alert.text,
        "since_unix_s": alert.raised_at.timestamp(), "caused_by": alert.caused_by if explained else "",
        "acknowledged": alert.acknowledged_by is not None, "snoozed": alert.snoozed_until is not None,
    }  # fmt: skip


class AlertsFile:
    """`home.alerts_file`: what stands and what stood last, in English; read when database, bus or web are away."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._recent: deque[dict[str, Any]] = deque(maxlen=_RECENT)
        self._before: dict[str, dict[str, Any]] = {}
        self._log = get_logger()

    def show(self, book: AlertBook, at_unix_s: float) -> None:
        now = {alert.key: _entry(alert, explained=book.explained(alert)) for alert in book.standing()}
        for key, entry in self._before.items():
            if key not in now:
                self._recent.appendleft({**entry, "until_unix_s": at_unix_s})
        self._before = now
        whole = {"at_unix_s": at_unix_s, "standing": list(now.values()), "recent": list(self._recent)}
        fresh = self._path.with_suffix(".new")
        try:
            fresh.write_bytes(msgspec.json.encode(whole))
            fresh.replace(self._path)
        except OSError as error:
            self._log.warning("alerts file not written", error=str(error))


class Lamps:
    """LEDs under /sys/class/leds: one for all well, one for faults (steady: warning, blinking: critical)."""

    def __init__(self, settings: LedSettings, root: Path = Path("/sys/class/leds")) -> None:
        self._ok = root / settings.ok if settings.ok else None
        self._fault = root / settings.fault if settings.fault else None
        self._log = get_logger()
        self._shown = ""

    def show(self, book: AlertBook, at_unix_s: float) -> None:
        del at_unix_s
        self.set(_worst([alert for alert in book.standing() if not book.explained(alert)]))

    def set(self, state: str) -> None:
        """`ok`, `warning` or `critical`."""
        if state == self._shown:
            return
        try:
            self._light(self._ok, on=state == "ok")
            self._light(self._fault, on=state != "ok", blink=state == "critical")
            self._shown = state
        except OSError as error:
            self._log.warning("lamp not set", error=str(error))

    @staticmethod
    def _light(lamp: Path | None, *, on: bool, blink: bool = False) -> None:
        if lamp is None:
            return
        (lamp / "trigger").write_text("timer" if blink else "none", "ascii")
        if not blink:
            full = (lamp / "max_brightness").read_text("ascii").strip()
            (lamp / "brightness").write_text(full if on else "0", "ascii")


def _worst(alerts: Sequence[Standing]) -> str:
    grave = {alert.severity for alert in alerts if alert.acknowledged_by is None or alert.severity is Severity.CRITICAL}
    if Severity.CRITICAL in grave:
        return "critical"
    return "warning" if Severity.WARNING in grave else "ok"
