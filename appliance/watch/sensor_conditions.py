"""Conditions of sensors, mains, links and pressure: one question each, over what `SensorWatch` read last."""

from __future__ import annotations

from appliance.settings import Settings
from appliance.types import Severity
from appliance.watch.conditions.base import Condition, Finding
from appliance.watch.sensors import SensorWatch
from drivers.sensors.hwmon import Kind

_COOLED_C = 3.0  # no flutter at the edge


class BoardCool:
    """No temperature is at the limit that its chip names, or at the setting where it names none."""

    id = "board-cool"
    interval_s = 10.0
    keys = ("sensor.hot.",)

    def __init__(self, watch: SensorWatch, settings: Settings) -> None:
        self._watch = watch
        self._limit_c = settings.hardware.board_hot_c
        self._hot: set[str] = set()

    def check(self) -> list[Finding]:
        found = []
        for sensor in self._watch.last.sensors:
            if sensor.kind is not Kind.TEMPERATURE:
                continue
            limit = sensor.high or self._limit_c
            if sensor.value < limit - (_COOLED_C if sensor.key in self._hot else 0):
                continue
            grave = sensor.critical is not None and sensor.value >= sensor.critical
            data = {"sensor": f"{sensor.chip} {sensor.label}", "degrees": round(sensor.value), "limit": round(limit),
                    "key": sensor.key}  # fmt: skip
            found.append(
                Finding(
                    key=f"sensor.hot.{sensor.key}", severity=Severity.CRITICAL if grave else Severity.WARNING,
                    alert="sensor.hot", data=data,
                )
            )  # fmt: skip
        self._hot = {str(one.data["key"]) for one in found}
        return found


class FansTurn:
    """Every fan that ever turned still turns."""

    id = "fans-turn"
    interval_s = 10.0
    keys = ("sensor.fan.",)

    def __init__(self, watch: SensorWatch) -> None:
        self._watch = watch

    def check(self) -> list[Finding]:
        return [
            Finding(
                key=f"sensor.fan.{fan.key}", severity=Severity.CRITICAL, alert="sensor.fan",
                data={"sensor": f"{fan.chip} {fan.label}", "turns": round(fan.value)},
            )
            for fan in self._watch.last.sensors
            if fan.kind is Kind.FAN and fan.key in self._watch.fans_seen
            and (fan.value <= 0 or (fan.low is not None and fan.value < fan.low))
        ]  # fmt: skip


class MainsThere:
    """The UPS answers, runs from the mains, and its battery is good."""

    id = "mains"
    interval_s = 2.0
    keys = ("ups.",)

    def __init__(self, watch: SensorWatch) -> None:
        self._watch = watch

    def check(self) -> list[Finding]:
        last = self._watch.last
        if last.ups_error:
            data: dict[str, object] = {"error": last.ups_error, "error_id": last.ups_error_id}
            return [Finding(key="ups.away", severity=Severity.WARNING, alert="ups.away", data=data)]
        found = []
        for unit in last.ups:
            minutes = None if unit.runtime_s is None else unit.runtime_s // 60
            data = {"name": unit.name, "minutes": minutes, "error": unit.error}
            mains = "ups.battery_low" if unit.battery_low else "ups.on_battery"
            complaints = [
                (bool(unit.error), "silent", Severity.WARNING, "ups.silent"),
                (bool(unit.on_battery), "mains", Severity.CRITICAL, mains),
                (unit.replace_battery, "old", Severity.WARNING, "ups.replace_battery"),
                (unit.overloaded, "load", Severity.WARNING, "ups.overloaded"),
            ]
            found += [
                Finding(key=f"ups.{what}.{unit.name}", severity=severity, alert=alert, data=data)
                for holds, what, severity, alert in complaints if holds
            ]  # fmt: skip
        return found


class LinksUp:
    """Every network port in use has its cable."""

    id = "links"
    interval_s = 2.0
    keys = ("link.",)

    def __init__(self, watch: SensorWatch, settings: Settings) -> None:
        self._watch = watch
        self._named = {name.strip() for name in settings.hardware.ports.split(",") if name.strip()}

    def check(self) -> list[Finding]:
        links = {link.name: link for link in self._watch.last.links}
        found = []
        for name in sorted(self._named or self._watch.links_seen):
            link = links.get(name)
            if link is None or link.up is not True:
                alert = "link.gone" if link is None else "link.off" if link.up is None else "link.down"
                found.append(
                    Finding(key=f"link.{name}", severity=Severity.CRITICAL, alert=alert, data={"port": name})
                )
            elif link.full_duplex is False:
                data = {"port": name, "speed": link.speed_mbps}
                half = Finding(key=f"link.{name}", severity=Severity.WARNING, alert="link.half_duplex", data=data)
                found.append(half)
        return found


class MemoryLeft:
    """There is memory, and nothing waits for it."""

    id = "memory"
    interval_s = 10.0
    keys = ("memory.",)
    least_free, most_waiting = 0.05, 0.10

    def __init__(self, watch: SensorWatch) -> None:
        self._watch = watch

    def check(self) -> list[Finding]:
        resources = self._watch.last.resources
        total, free = resources.memory_total_mb, resources.memory_free_mb
        scarce = bool(total) and free is not None and total is not None and free < total * self.least_free
        waiting = resources.memory is not None and resources.memory.full_60 > self.most_waiting
        if not scarce and not waiting:
            return []
        return [Finding(key="memory.low", severity=Severity.WARNING, alert="memory.low", data={"total_mb": total})]


class DisksKeepUp:
    """Work does not stand still for the disks."""

    id = "disks-keep-up"
    interval_s = 10.0
    keys = ("disk.slow",)
    most_waiting = 0.4

    def __init__(self, watch: SensorWatch) -> None:
        self._watch = watch

    def check(self) -> list[Finding]:
        pressure = self._watch.last.resources.disk
        if pressure is None or pressure.full_60 <= self.most_waiting:
            return []
        return [Finding(key="disk.slow", severity=Severity.WARNING, alert="disk.slow")]


class BoardWell:
    """The management controller has nothing to complain of."""

    id = "board"
    interval_s = 30.0
    keys = ("bmc.",)

    def __init__(self, watch: SensorWatch) -> None:
        self._watch = watch

    def check(self) -> list[Finding]:
        return [
            Finding(
                key=f"bmc.{sensor.name}", severity=Severity.CRITICAL if sensor.critical else Severity.WARNING,
                alert="bmc.sensor", data={"sensor": sensor.name, "unit": sensor.unit},
            )
            for sensor in self._watch.last.bmc if not sensor.ok
        ]  # fmt: skip


def sensor_conditions(watch: SensorWatch, settings: Settings) -> list[Condition]:
    """All of them."""
    return [
        BoardCool(watch, settings), FansTurn(watch), MainsThere(watch), LinksUp(watch, settings), MemoryLeft(watch),
        DisksKeepUp(watch), BoardWell(watch),
    ]  # fmt: skip
