"""Lamps of disk bays: lit for a technician, out again by themselves."""

from __future__ import annotations

from collections.abc import Callable

from appliance.clock import Clock
from appliance.errors import CallerError, NotFoundError
from drivers.raid.disks import Disk

LAMP_S = 600.0


class Lamps:
    """`do` has root do a named action (raises BoxError); `find` knows the disks that are there now."""

    def __init__(self, find: Callable[[str], Disk | None], do: Callable[..., None], clock: Clock) -> None:
        self._find, self._do, self._clock = find, do, clock
        self.lit: dict[str, float] = {}
        """Serial of each disk whose lamp burns, and until when (monotonic)."""

    def set(self, serial: str, *, on: bool) -> None:
        """Light a lamp, or put it out. Raises NotFoundError, CallerError `disk.no_lamp`, BoxError."""
        disk = self._find(serial)
        if disk is None or not disk.by_id:
            raise NotFoundError("disk.unknown", f"There is no disk {serial} in the box.", serial=serial)
        if not disk.has_lamp:
            raise CallerError("disk.no_lamp", f"The bay of disk {serial} has no lamp that can be lit.")
        self._do("disk-lamp", device=disk.by_id, state="on" if on else "off")
        self.lit.pop(serial, None)
        if on:
            self.lit[serial] = self._clock.monotonic_s() + LAMP_S

    def step(self) -> None:
        """Put out what was lit for long enough; a disk that was pulled meanwhile has no lamp any more."""
        now_s = self._clock.monotonic_s()
        for serial in [serial for serial, until_s in self.lit.items() if now_s >= until_s]:
            del self.lit[serial]
            disk = self._find(serial)
            if disk is not None and disk.has_lamp:
                self._do("disk-lamp", device=disk.by_id, state="off")
