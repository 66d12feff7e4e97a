"""Conditions of disks and arrays: one question each, over what `DiskWatch` read last."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from appliance.errors import BoxError
from appliance.settings import Settings
from appliance.types import Severity
from appliance.watch.conditions.base import Condition, Finding
from appliance.watch.disks import DiskWatch, Health
from drivers.raid.arrays import ArrayStatus
from drivers.raid.disks import Disk
from drivers.raid.forecast import Reason
from drivers.raid.look import Box

_EPOCH = date(1970, 1, 1)
_FLASH_HOTTER_C = 15
_COOLED_C = 3  # no flutter at the edge


def _box(watch: DiskWatch) -> Box:
    """The last reading; raises BoxError before the first, since "not looked" is not "all well"."""
    if not watch.looked:
        raise BoxError("hardware.not_read", "The disks have not been looked at yet.", retryable=True)
    return watch.box


def _healths(watch: DiskWatch) -> list[tuple[Disk, Health]]:
    """Disks that were asked for their health; raises BoxError before anybody was asked."""
    if not watch.asked:
        raise BoxError("hardware.not_read", "The disks have not been asked for their health yet.", retryable=True)
    return [(disk, watch.health[disk.key]) for disk in watch.box.disks if disk.key in watch.health]


def _of(
    watch: DiskWatch, disk: Disk, key: str, alert: str, severity: Severity = Severity.WARNING, **figures: Any
) -> Finding:
    """A finding about one disk, which is named by serial, model and bay."""
    data = {"serial": disk.key, "model": disk.model, "bay": watch.bay(disk), **figures}
    return Finding(key=f"{key}.{disk.key}", severity=severity, alert=alert, data=data)


class ArraysWhole:
    """Every mirror has both its disks and runs."""

    id = "arrays-whole"
    interval_s = 1.0
    keys = ("raid.degraded.", "raid.stopped.")

    def __init__(self, watch: DiskWatch) -> None:
        self._watch = watch

    def check(self) -> list[Finding]:
        found = []
        for array in _box(self._watch).arrays:
            if array.stopped:
                found.append(
                    Finding(
                        key=f"raid.stopped.{array.name}", severity=Severity.CRITICAL, alert="raid.stopped",
                        data={"array": array.name, "state": array.state},
                    )
                )  # fmt: skip
            elif array.missing:
                found.append(self._degraded(array))
        return found

    def _degraded(self, array: ArrayStatus) -> Finding:
        key = f"raid.degraded.{array.name}"
        if array.rebuilding:
            return Finding(key=key, severity=Severity.WARNING, alert="raid.rebuilding", data={"array": array.name})
        missing = next(iter(self._watch.missing(array)), None)
        data = {"array": array.name, "missing": array.missing}
        if missing is None:
            return Finding(key=key, severity=Severity.CRITICAL, alert="raid.degraded", data=data)
        data |= {"serial": missing.serial, "model": missing.model, "bay": missing.bay}
        return Finding(key=key, severity=Severity.CRITICAL, alert="raid.disk_missing", data=data)


class ArraysAgree:
    """The monthly check found no difference between the halves of a mirror."""

    id = "arrays-agree"
    interval_s = 30.0
    keys = ("raid.mismatch.",)

    def __init__(self, watch: DiskWatch) -> None:
        self._watch = watch

    def check(self) -> list[Finding]:
        return [
            Finding(
                key=f"raid.mismatch.{array.name}", severity=Severity.WARNING, alert="raid.mismatch",
                data={"array": array.name, "count": array.mismatch_count},
            )
            for array in _box(self._watch).arrays if array.mismatch_count and array.sync_action == "idle"
        ]  # fmt: skip


class MembersReadable:
    """md had no read errors on any member."""

    id = "members-readable"
    interval_s = 5.0
    keys = ("raid.errors.",)

    def __init__(self, watch: DiskWatch) -> None:
        self._watch = watch

    def check(self) -> list[Finding]:
        box, found = _box(self._watch), []
        for array in box.arrays:
            errors = {member.disk: member.errors for member in array.members if member.present and member.errors}
            found += [
                _of(self._watch, disk, "raid.errors", "raid.errors", count=errors[disk.name])
                for disk in box.members_of(array)
                if disk.name in errors
            ]
        return found


class DisksLast:
    """No disk fails, and none is near the end of its life."""

    id = "disks-last"
    interval_s = 30.0
    keys = ("disk.replace.",)
    warn_before_days = 60

    def __init__(self, watch: DiskWatch) -> None:
        self._watch = watch

    def check(self) -> list[Finding]:
        found = []
        for disk, health in _healths(self._watch):
            if health.at is None or health.advice.by_day is None:
                continue
            today = (health.at.date() - _EPOCH).days
            left = int(health.advice.by_day) - today
            if left > self.warn_before_days:
                continue
            reason = health.advice.reason or Reason.WEAR
            by = (_EPOCH + timedelta(days=int(health.advice.by_day))).isoformat()
            now = left <= 0
            alert = f"disk.replace_now.{reason}" if now else f"disk.replace_soon.{reason}"
            severity = Severity.CRITICAL if now else Severity.WARNING
            found.append(_of(self._watch, disk, "disk.replace", alert, severity, reason=str(reason), by=by))
        return found


class DisksCool:
    """No disk is too hot."""

    id = "disks-cool"
    interval_s = 30.0
    keys = ("disk.hot.",)

    def __init__(self, watch: DiskWatch, settings: Settings) -> None:
        self._watch = watch
        self._limit_c = settings.hardware.disk_hot_c
        self._hot: set[str] = set()

    def check(self) -> list[Finding]:
        found = []
        for disk, health in _healths(self._watch):
            degrees = health.report.temperature_c if health.report and not health.error else None
            limit = self._limit_c if disk.rotational else self._limit_c + _FLASH_HOTTER_C
            if degrees is not None and degrees >= limit - (_COOLED_C if disk.key in self._hot else 0):
                found.append(_of(self._watch, disk, "disk.hot", "disk.hot", degrees=degrees, limit=limit))
        self._hot = {str(one.data["serial"]) for one in found}
        return found


class DisksAnswer:
    """Every disk says how it does; a member of a mirror that does not is suspicious."""

    id = "disks-answer"
    interval_s = 30.0
    keys = ("disk.silent.",)

    def __init__(self, watch: DiskWatch) -> None:
        self._watch = watch

    def check(self) -> list[Finding]:
        return [
            _of(self._watch, disk, "disk.silent", "disk.silent", error=health.error, error_id=health.error_id)
            for disk, health in _healths(self._watch)
            if health.error
        ]


class CablesSound:
    """No disk's transfer errors grow: that is its cable or its bay."""

    id = "cables-sound"
    interval_s = 60.0
    keys = ("disk.cable.",)

    def __init__(self, watch: DiskWatch) -> None:
        self._watch = watch

    def check(self) -> list[Finding]:
        return [
            _of(self._watch, disk, "disk.cable", "disk.cable", count=health.crc_grew)
            for disk, health in _healths(self._watch)
            if health.crc_grew
        ]


class ReplacementGoesOn:
    """A replacement that was begun is not stuck."""

    id = "replacement"
    interval_s = 5.0
    keys = ("disk.replacement",)

    def __init__(self, watch: DiskWatch) -> None:
        self._watch = watch

    def check(self) -> list[Finding]:
        asked = self._watch.memory.replacement
        if asked is None or not self._watch.trouble:
            return []
        data = {
            "serial": asked.serial, "array": asked.array, "error": self._watch.trouble,
            "error_id": self._watch.trouble_id,
        }  # fmt: skip
        return [Finding(key="disk.replacement", severity=Severity.WARNING, alert="disk.replacement", data=data)]


def disk_conditions(watch: DiskWatch, settings: Settings) -> list[Condition]:
    """All of them."""
    return [
        ArraysWhole(watch), ArraysAgree(watch), MembersReadable(watch), DisksLast(watch), DisksCool(watch, settings),
        DisksAnswer(watch), CablesSound(watch), ReplacementGoesOn(watch),
    ]  # fmt: skip
