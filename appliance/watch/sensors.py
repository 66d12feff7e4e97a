"""Sensors, mains, links and pressure at run time: read every few seconds, the last reading for all."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from appliance.errors import BoxError
from appliance.logs import get_logger
from appliance.settings import Settings
from drivers.lines import ReaderError
from drivers.raid.look import Actions
from drivers.sensors import bmc, ups
from drivers.sensors.bmc import BmcSensor
from drivers.sensors.hwmon import Sensor, read_hwmon
from drivers.sensors.links import Link, read_links
from drivers.sensors.pressure import Resources, read_resources
from drivers.sensors.ups import NutClient, Ups

LOOK_S = 2.0
BMC_EVERY = 30  # looks: the controller is slow


@dataclass(frozen=True)
class Readings:
    """What was read last. `ups_error`, `bmc_error`: why there is nothing new; the old figures stay."""

    sensors: tuple[Sensor, ...] = ()
    links: tuple[Link, ...] = ()
    resources: Resources = field(default_factory=lambda: Resources(None, None, None, None))
    ups: tuple[Ups, ...] = ()
    ups_error: str = ""
    ups_error_id: str = ""
    bmc: tuple[BmcSensor, ...] = ()
    bmc_error: str = ""


class SensorWatch:
    """`look` runs in a thread."""

    def __init__(self, settings: Settings, actions: Actions, *, root: Path = Path("/")) -> None:
        self._root, self._actions = root, actions
        host, _, port = settings.hardware.nut_address.partition(":")
        self._nut = NutClient(host, int(port or ups.PORT)) if host else None
        self._last: Readings | None = None
        self.fans_seen: set[str] = set()
        """Fans that turned once: a header without a fan says zero for ever."""
        self.links_seen: set[str] = set()
        self._looks = 0
        self._log = get_logger()

    @property
    def last(self) -> Readings:
        """The last reading; raises BoxError before the first, since "not looked" is not "all well"."""
        if self._last is None:
            raise BoxError("hardware.not_read", "The sensors have not been read yet.", retryable=True)
        return self._last

    def look(self) -> None:
        """Read all; what does not answer keeps its last figures and says why."""
        before = self._last or Readings()
        units, ups_error, ups_error_id = self._read_ups(before)
        board, bmc_error = before.bmc, before.bmc_error
        if self._looks % BMC_EVERY == 0:
            board, bmc_error = self._read_bmc(before)
        self._looks += 1
        self._last = Readings(
            sensors=read_hwmon(self._root), links=read_links(self._root), resources=read_resources(self._root),
            ups=units, ups_error=ups_error, ups_error_id=ups_error_id, bmc=board, bmc_error=bmc_error,
        )  # fmt: skip
        self.fans_seen |= {s.key for s in self._last.sensors if s.kind == "fan" and s.value > 0}
        self.links_seen |= {link.name for link in self._last.links if link.up}

    def _read_ups(self, before: Readings) -> tuple[tuple[Ups, ...], str, str]:
        if self._nut is None:
            return (), "", ""
        try:
            found = self._nut.read()
        except ReaderError as error:
            if not before.ups_error:
                self._log.warning("ups", error_id=error.error_id, error=error.message)
            return before.ups, error.message, error.error_id
        if before.ups_error:
            self._log.info("ups answers again")
        return found, "", ""

    def _read_bmc(self, before: Readings) -> tuple[tuple[BmcSensor, ...], str]:
        if not bmc.has_bmc(self._root):
            return (), ""
        try:
            ran = self._actions.do("bmc-sensors")
        except ReaderError as error:
            return before.bmc, error.message
        if ran.status != 0:
            return before.bmc, " ".join(ran.output.split())[:200] or "no answer"
        return bmc.parse_sdr(ran.output), ""

    def section(self) -> dict[str, Any]:
        """The section `sensors`."""
        return asdict(self.last)
