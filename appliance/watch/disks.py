"""Disks and arrays at run time: read every two seconds and at once when the kernel says that a disk came or went;
asked for their health every half hour; tested at night; replaced step by step.

Nothing here decides: `drivers.raid` reads and plans, root's part goes through `privd`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from appliance.clock import Clock
from appliance.errors import BoxError, CallerError, NotFoundError
from appliance.logs import get_logger
from appliance.settings import Home, Settings
from appliance.watch import disk_memory
from appliance.watch.disk_lamps import Lamps
from appliance.watch.disk_memory import DayFigures, KnownDisk, Running
from drivers.lines import ReaderError
from drivers.raid import forecast, upkeep, work
from drivers.raid.arrays import ArrayStatus
from drivers.raid.disks import Disk
from drivers.raid.events import MdEventFile
from drivers.raid.forecast import Advice, Sample
from drivers.raid.look import Actions, Box, look, smart
from drivers.raid.replace import Step
from drivers.raid.smart import SmartReport

LOOK_S = 2.0
_TREND_POINTS = 60
MD_EVENTS = Path("/run/callbox/md-events")
_NOT_OURS = frozenset({"replace.refused", "replace.not_ready", "replace.not_confirmed", "replace.last_good"})


@dataclass(frozen=True)
class Health:
    """A disk's last report; `error` is not empty when it could not be asked since."""

    report: SmartReport | None = None
    at: datetime | None = None
    error: str = ""
    error_id: str = ""
    advice: Advice = field(default_factory=lambda: Advice(None))
    crc_grew: int = 0
    """Transfer errors since the day before: the cable, not the disk."""


@dataclass(frozen=True)
class Missing:
    """A member that is not there: what is known of it."""

    serial: str
    model: str
    bay: str


class DiskWatch:
    """The disks of this box. `look` and `ask_health` run in threads; what they found is read by all."""

    def __init__(
        self, home: Home, settings: Settings, actions: Actions, clock: Clock, *, root: Path = Path("/"),
        available: Callable[[], bool] = lambda: True, md_events: Path = MD_EVENTS,
    ) -> None:  # fmt: skip
        self._root, self._actions, self._clock, self._available = root, actions, clock, available
        self._settings, self._path = settings.hardware, home.disk_history
        self._zone = ZoneInfo(settings.dialling.timezone)
        self.memory = disk_memory.load(home.disk_history)
        self.box = Box(disks=(), arrays=())
        self.health: dict[str, Health] = {}
        self.progress: work.Progress | None = None
        self.looked = self.asked = False
        self.trouble = self.trouble_id = ""
        self.lamps = Lamps(lambda serial: self.box.disk(serial), self._do, clock)
        """Why the running replacement does not go on."""
        self._running: work.Replacement | None = None
        self._lock = threading.Lock()  # one change of the disks at a time
        self._file_lock = threading.Lock()
        self._md_events = MdEventFile(md_events)
        self._log = get_logger()

    # ---- looking ---------------------------------------------------------------------------------------------

    def look(self) -> None:
        """Read disks and arrays now, and note who is in which array."""
        box = look(self._root) if self._settings.raid else Box(look(self._root).disks, ())
        for event in self._md_events.poll():
            level = self._log.warning if event.grave else self._log.info
            level("array", array=event.array, event_kind=event.kind, component=event.component)
        changed = False
        for disk in box.disks:
            known = self.memory.disks.get(disk.key)
            if disk.key and (known is None or (known.model, known.port) != (disk.model, disk.port)):
                days = known.days if known else []
                new = KnownDisk(serial=disk.key, model=disk.model, port=disk.port, days=days)
                self.memory.disks[disk.key] = new
                changed = True
        for array in box.arrays:
            keys = sorted(disk.key for disk in box.members_of(array) if disk.key)
            if not array.missing and keys and self.memory.members.get(array.name) != keys:
                self.memory.members[array.name] = keys
                changed = True
        self.box, self.looked = box, True
        if changed:
            self._save()

    def missing(self, array: ArrayStatus) -> list[Missing]:
        """Members that held the data when the array was whole last, and do not now."""
        names = {member.disk for member in array.members if member.good}
        there = {disk.key for disk in self.box.disks if disk.name in names}
        found = []
        for serial in self.memory.members.get(array.name, []):
            if serial not in there:
                known = self.memory.disks.get(serial, KnownDisk(serial=serial))
                found.append(Missing(serial, known.model, self._settings.bay_of(known.port)))
        return found

    def bay(self, disk: Disk) -> str:
        return self._settings.bay_of(disk.port)

    # ---- health ------------------------------------------------------------------------------------------------

    def ask_health(self) -> None:
        """Ask every disk; without the root helper nothing is known and nothing is said."""
        if not self._available():
            self.health.clear()
            self.asked = True
            return
        for disk in self.box.disks:
            if disk.key and disk.by_id and disk.kind != "virtio":
                self.health[disk.key] = self._ask(disk)
        there = {disk.key for disk in self.box.disks}
        for gone in [key for key in self.health if key not in there]:
            del self.health[gone]
        self.asked = True
        self._save()

    def _ask(self, disk: Disk) -> Health:
        before = self.health.get(disk.key, Health())
        try:
            report = smart(disk, self._actions)
        except ReaderError as error:
            if before.error != error.message:
                self._log.warning("disk gives no health", disk=disk.key, error_id=error.error_id, error=error.message)
            return replace(before, error=error.message, error_id=error.error_id)
        today = self._clock.now().date().toordinal() - date(1970, 1, 1).toordinal()
        figures = DayFigures(
            day=today, wear=report.wear, reallocated=report.reallocated, temperature_c=report.temperature_c,
            crc_errors=report.crc_errors,
        )  # fmt: skip
        self.memory.note_day(disk.key, figures)
        days = self.memory.disks[disk.key].days
        samples = [Sample(float(d.day), d.wear, d.reallocated, d.temperature_c) for d in days]
        advice = forecast.advise(forecast.health_of(report), samples, float(today))
        crc = [d.crc_errors for d in days[-2:] if d.crc_errors is not None]
        return Health(report, self._clock.now(), "", "", advice, max(0, crc[-1] - crc[0]) if crc else 0)

    # ---- upkeep ------------------------------------------------------------------------------------------------

    def keep_up(self) -> None:
        """Start the test or check that is due, if any."""
        if not self._settings.disk_upkeep or not self._available():
            return
        arrays = self.box.arrays
        reports = [health.report for health in self.health.values() if health.report is not None]
        due = upkeep.next_chore(
            [key for key, health in self.health.items() if health.report is not None],
            [array.name for array in arrays], self.memory.chores, self._clock.now().astimezone(self._zone),
            quiet_hour=self._settings.quiet_hour, arrays_whole=not any(array.missing for array in arrays),
            busy=any(a.sync_action != "idle" for a in arrays) or any(r.self_test.running for r in reports),
        )  # fmt: skip
        if due is None:
            return
        try:
            if due.chore is upkeep.Chore.CHECK:
                self.check_array(due.target)
            else:
                self.test_disk(due.target, due.chore.value)
        except (BoxError, CallerError) as error:
            self._log.warning("upkeep", chore=due.chore, target=due.target, error=error.message)
        # a disk that cannot be tested is not asked again before its time
        self.memory.chores[upkeep.key(due.chore, due.target)] = self._clock.now()
        self._save()

    def test_disk(self, serial: str, kind: str) -> None:
        """Start a disk's test of itself. Raises CallerError or BoxError."""
        disk = self.box.disk(serial)
        if disk is None or not disk.by_id:
            raise NotFoundError("disk.unknown", f"There is no disk {serial} in the box.", serial=serial)
        if kind not in ("short", "long"):
            raise CallerError("disk.test_kind", "A test is short or long.")
        self._do("disk-self-test", kind=kind, device=disk.by_id)
        self._log.info("disk test begun", disk=serial, kind=kind)
        self.health[serial] = self._ask(disk)

    def check_array(self, name: str) -> None:
        """Compare both halves of a mirror. Raises CallerError or BoxError."""
        if not any(array.name == name for array in self.box.arrays):
            raise NotFoundError("raid.unknown", f"There is no array {name}.", array=name)
        self._do("raid-check", array=name)
        self._log.info("array check begun", array=name)

    # ---- replacing -----------------------------------------------------------------------------------------------

    def show(self) -> dict[str, Any]:
        """What the screens need for the wizard, looked at anew. Raises BoxError."""
        self.look()
        names = [array.name for array in self.box.arrays]
        pictures = self._driver(lambda: [work.show(self._root, self._actions, name) for name in names])
        return {**self.section(), "pictures": [plain(picture) for picture in pictures]}

    def begin(self, array: str, serial: str, confirmation: str, actor_id: str) -> None:
        """Begin a replacement; raises CallerError when it is refused, BoxError when it cannot be."""
        self._none_runs()  # at once: a step of it may take minutes
        with self._lock:
            self._none_runs()
            self._running = self._driver(lambda: work.choose(self._root, self._actions, array, serial, confirmation))
            self.memory.replacement = Running(array=array, serial=serial, actor_id=actor_id)
            self.progress, self.trouble, self.trouble_id = None, "", ""
            self._save()
        self._log.warning("replacement begun", array=array, disk=serial, actor=actor_id)

    def _none_runs(self) -> None:
        if self.memory.replacement is not None:
            raise CallerError("replace.running", "A replacement runs already; wait until it has ended.")

    def retire(self, array: str, serial: str, confirmation: str) -> None:
        """Take a living disk out of its array; raises CallerError when it is refused, BoxError when it fails."""
        with self._lock:
            self._driver(lambda: work.retire(self._root, self._actions, array, serial, confirmation))
        self._log.warning("disk taken out", array=array, disk=serial)

    def go_on(self) -> bool:
        """One step of the running replacement; False when none runs."""
        with self._lock:
            asked = self.memory.replacement
            if asked is None:
                return False
            if self._running is None:  # after a restart
                self._running = work.Replacement(self._root, self._actions, asked.array, asked.serial)
            try:
                progress = self._running.advance()
            except ReaderError as error:
                if self.trouble != error.message:
                    self._log.warning("replacement waits", array=asked.array, disk=asked.serial, error=error.message)
                self.trouble, self.trouble_id = error.message, error.error_id
                return True
            if self.progress is None or self.progress.step is not progress.step:
                self._log.info("replacement", array=asked.array, disk=asked.serial, step=progress.step)
            self.progress, self.trouble, self.trouble_id = progress, "", ""
            if progress.step is Step.DONE:
                self.memory.replacement, self._running = None, None
                self._save()
            return True

    def give_up(self) -> None:
        """Forget a replacement that cannot go on; nothing that was done is undone."""
        with self._lock:
            self.memory.replacement, self._running = None, None
            self.trouble = self.trouble_id = ""
            self._save()

    # ---- for screens -----------------------------------------------------------------------------------------------

    def section(self) -> dict[str, Any]:
        """The section `disks`."""
        missing = {array.name: [asdict(one) for one in self.missing(array)] for array in self.box.arrays}
        arrays = [
            {**plain(a), "missing": a.missing, "missing_disks": missing[a.name], "rebuilding": a.rebuilding,
             "progress": a.progress, "eta_s": a.eta_s} for a in self.box.arrays
        ]  # fmt: skip
        disks = [
            {**plain(d), "key": d.key, "bay": self.bay(d), "health": _shown(self.health.get(d.key, Health())),
             "trend": self._trend(d.key), "lit": d.key in self.lamps.lit} for d in self.box.disks
        ]
        return {"arrays": arrays, "disks": disks, "replacement": self.replacement()}

    def _trend(self, serial: str) -> list[list[float | None]]:
        """[day since 1970, wear, temperature in °C] over the days that are known, at most `_TREND_POINTS`."""
        known = self.memory.disks.get(serial)
        days = known.days if known else []
        every = max(1, -(-len(days) // _TREND_POINTS))
        return [[float(day.day), day.wear, day.temperature_c] for day in days[::-1][::every]][::-1]

    def replacement(self) -> dict[str, Any] | None:
        """The running replacement, or the one that ended last."""
        asked = self.memory.replacement
        if asked is None and self.progress is None:
            return None
        at = plain(self.progress) if self.progress else {"step": None, "fraction": None, "eta_s": None}
        who = {"array": asked.array, "serial": asked.serial} if asked else {"array": "", "serial": ""}
        return {**who, **at, "running": asked is not None, "trouble": self.trouble, "trouble_id": self.trouble_id}

    # ---- inside ----------------------------------------------------------------------------------------------------

    def _do(self, action: str, **arguments: str) -> None:
        ran = self._driver(lambda: self._actions.do(action, **arguments))
        if ran.status != 0:
            said = " ".join(ran.output.split())[-300:]
            raise BoxError("disk.action_failed", f"'{action}' failed: {said or ran.status}", action=action)

    @staticmethod
    def _driver(work_: Callable[[], Any]) -> Any:
        """The drivers' errors in the box's own classes."""
        try:
            return work_()
        except ReaderError as error:
            kind = CallerError if error.error_id in _NOT_OURS else BoxError
            raise kind(error.error_id, error.message) from error

    def _save(self) -> None:
        with self._file_lock:
            disk_memory.save(self._path, self.memory)


def _shown(health: Health) -> dict[str, Any]:
    by_day = health.advice.by_day
    replace_by = None if by_day is None else (date(1970, 1, 1) + timedelta(days=int(by_day))).isoformat()
    return {
        "report": plain(health.report) if health.report else None, "error": health.error, "error_id": health.error_id,
        "at_unix_s": health.at.timestamp() if health.at else None, "replace_by": replace_by,
        "reason": str(health.advice.reason or ""), "wear_per_year": health.advice.wear_per_year,
        "crc_grew": health.crc_grew,
    }  # fmt: skip


def plain(value: Any) -> dict[str, Any]:
    """A driver's dataclass as JSON-able data."""

    def made(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        return {name: sorted(found) if isinstance(found, frozenset) else found for name, found in pairs}

    return asdict(value, dict_factory=made)
