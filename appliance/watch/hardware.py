"""The hardware side of `watch`, put together: readers, their conditions, their commands, and the loops that run them.

The manager makes one, asks its conditions like any other, hands its commands on, and runs `run`.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from appliance import commands as cmd
from appliance.bus import Bus
from appliance.clock import Clock, SystemClock
from appliance.commands import Command, Done, UserCommand
from appliance.errors import CallerError
from appliance.events import ConfigChanged, StorageState
from appliance.logs import get_logger
from appliance.settings import Home, Settings, load_settings
from appliance.types import Permission
from appliance.watch import clock as clock_watch
from appliance.watch import sensors as sensor_watch
from appliance.watch.audit import audited
from appliance.watch.clock import ClockKnown, ClockWatch
from appliance.watch.conditions.base import Condition
from appliance.watch.conditions.disk_space import recordings_disk_low
from appliance.watch.disk_conditions import disk_conditions
from appliance.watch.disks import LOOK_S, DiskWatch
from appliance.watch.line_card_commands import handlers as line_card_handlers
from appliance.watch.line_conditions import line_conditions
from appliance.watch.line_profiles import from_transcript
from appliance.watch.line_trunks import SIP_LOOK_S, TrunkPlan
from appliance.watch.lines import LineWatch
from appliance.watch.root import RootActions
from appliance.watch.sensor_conditions import sensor_conditions
from appliance.watch.sensors import SensorWatch
from appliance.watch.snapshot import SAY_AGAIN_S, Snapshot
from drivers.programs import LocalPrograms
from drivers.raid.events import DeviceEvents

_AUDITED = ("array", "kind", "arguments", "force")
_UPKEEP_S, _STEP_S, _FIRST_HEALTH_S, _TELL_S = 60.0, 2.0, 3.0, 0.1

Require = Callable[[str, Permission], None]
"""(actor_id, permission): raises NotAllowedError."""


class Hardware:
    """Disks, sensors, clock and lines of one box."""

    def __init__(
        self, home: Home, settings: Settings, snapshot: Snapshot, clock: Clock | None = None, *,
        silent_gateways: Callable[[], list[str]] | None = None, trunks: Callable[[], list[TrunkPlan]] | None = None,
    ) -> None:  # fmt: skip
        clock = clock or SystemClock()
        self._home, self._line_profiles = home, home.line_profiles
        actions = RootActions(home.run / "privd.sock")
        self._settings, self._snapshot, self._clock = settings, snapshot, clock
        self.disks = DiskWatch(home, settings, actions, clock, available=lambda: actions.available)
        self.sensors = SensorWatch(settings, actions)
        self.clock = ClockWatch(settings, LocalPrograms(), clock)
        self.lines = LineWatch(
            home, settings, clock, silent_gateways=silent_gateways, trunks=trunks, on_change=self._lines_changed
        )
        self._threads = ThreadPoolExecutor(6, thread_name_prefix="hardware")  # a disk may keep one waiting for long
        self._log = get_logger()

    def conditions(self) -> list[Condition]:
        """For the manager."""
        return [
            *disk_conditions(self.disks, self._settings), *sensor_conditions(self.sensors, self._settings),
            ClockKnown(self.clock), *line_conditions(self.lines),
        ]  # fmt: skip

    # ---- commands ----------------------------------------------------------------------------------------------

    def handlers(self, require: Require, bus: Bus) -> dict[type[Command], Callable[[Any], Awaitable[Done]]]:
        """Command -> what answers it; each checks the actor's permission, and each change is audited."""

        async def read(command: cmd.ShowDisks) -> Done:
            require(command.actor_id, Permission.HARDWARE_READ)
            return Done(data=await asyncio.to_thread(self.disks.show))

        def changing(work: Callable[[Any], None], name: str) -> Callable[[Any], Awaitable[Done]]:
            async def change(command: Any) -> Done:
                require(command.actor_id, Permission.HARDWARE_WRITE)
                await asyncio.to_thread(work, command)
                await self._audit(bus, command, name)
                self._snapshot.put("disks", self.disks.section())
                return Done(id=getattr(command, "serial", None) or getattr(command, "array", None))

            return change

        async def profile(command: cmd.ProfileFromTranscript) -> Done:
            require(command.actor_id, Permission.HARDWARE_WRITE)
            found = await asyncio.to_thread(from_transcript, self._line_profiles, command)
            if command.save:
                await self._audit(bus, command, "line.profile")
            return Done(id=command.profile_id, data=found)

        async def control(command: cmd.ControlLine) -> Done:
            require(command.actor_id, Permission.HARDWARE_WRITE)
            await self._audit(bus, command, f"line.{command.verb}")
            found = await asyncio.to_thread(
                self.lines.control, command.line_id, command.verb, command.arguments, force=command.force
            )
            return Done(id=command.line_id, data=found)

        disks = self.disks
        return {
            cmd.ShowDisks: read,
            cmd.ReplaceDisk: changing(
                lambda c: disks.begin(c.array, c.serial, c.confirmation, c.actor_id), "disk.replace"
            ),
            cmd.RetireDisk: changing(lambda c: disks.retire(c.array, c.serial, c.confirmation), "disk.retire"),
            cmd.AbandonReplacement: changing(lambda _c: disks.give_up(), "disk.replace.abandon"),
            cmd.RunDiskTest: changing(lambda c: disks.test_disk(c.serial, c.kind), "disk.test"),
            cmd.LocateDisk: changing(lambda c: disks.lamps.set(c.serial, on=c.on), "disk.locate"),
            cmd.CheckArray: changing(lambda c: disks.check_array(c.array), "array.check"),
            cmd.ProfileFromTranscript: profile,
            cmd.ControlLine: control,
            **line_card_handlers(self._home, self.lines, require),
        }  # fmt: skip

    async def _audit(self, bus: Bus, command: UserCommand, action: str) -> None:
        """One line in the audit log, with what the command was about."""
        names = (str(getattr(command, name, "")) for name in ("serial", "array", "profile_id", "line_id"))
        subject = next((name for name in names if name), "")
        detail = {name: getattr(command, name) for name in _AUDITED if hasattr(command, name)}
        await audited(bus, command, action, subject, detail)

    async def on_config(self, _topic: str, event: Any) -> None:
        """Settings were written: the cards are read as they say now. A file that is wrong changes nothing."""
        if not isinstance(event, ConfigChanged) or event.what != "settings":
            return
        try:
            await asyncio.to_thread(lambda: self.lines.use(load_settings(self._home)))
        except CallerError as error:
            self._log.error("settings not taken", error_id=error.error_id, error=error.message)

    # ---- loops -------------------------------------------------------------------------------------------------

    async def run(self, bus: Bus) -> None:
        """Read, tell and keep up until cancelled; one reader that breaks does not stop the others."""
        try:
            await asyncio.to_thread(self.lines.start)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._every(SIP_LOOK_S, self.lines.look_at_gateways))
                group.create_task(self._watch_disks())
                group.create_task(self._every(sensor_watch.LOOK_S, self._look_at_sensors))
                group.create_task(self._every(clock_watch.LOOK_S, self._look_at_clock))
                group.create_task(
                    self._every(self._settings.hardware.smart_interval_min * 60, self._ask_health, _FIRST_HEALTH_S)
                )
                group.create_task(self._every(_UPKEEP_S, self.disks.keep_up, _UPKEEP_S))
                group.create_task(self._every(_STEP_S, self._replace))
                group.create_task(self._tell(bus))
        finally:
            await asyncio.to_thread(self.lines.stop)
            self._threads.shutdown(wait=False, cancel_futures=True)

    async def _watch_disks(self) -> None:
        """Every two seconds, and at once when the kernel says that a disk came or went."""
        news = asyncio.Event()
        loop = asyncio.get_running_loop()
        try:
            events = DeviceEvents()
        except OSError as error:  # a sandbox without netlink: every two seconds will do
            self._log.info("no news of disks from the kernel", error=str(error))
            await self._every(LOOK_S, self._look_at_disks)
            return

        def on_news() -> None:
            for event in events.poll():
                if event.action in ("add", "remove"):
                    self._log.info("disk", device=event.device, action=event.action)
                    news.set()

        loop.add_reader(events.fileno(), on_news)
        try:
            await self._every(LOOK_S, self._look_at_disks, sooner=news)
        finally:
            loop.remove_reader(events.fileno())
            events.close()

    async def _every(
        self, interval_s: float, work: Callable[[], object], first_s: float = 0.0, *,
        sooner: asyncio.Event | None = None,
    ) -> None:  # fmt: skip
        """Do `work` in a thread again and again, `sooner` when that is set."""
        in_trouble = False
        await asyncio.sleep(first_s)
        wake = sooner or asyncio.Event()
        while True:
            wake.clear()
            try:
                here = contextvars.copy_context()  # the logger's bindings
                await asyncio.get_running_loop().run_in_executor(self._threads, here.run, work)
                in_trouble = False
            except Exception:  # a broken reader is not the end of the watch  # noqa: BLE001
                if not in_trouble:
                    self._log.exception("hardware not read", work=getattr(work, "__qualname__", ""))
                in_trouble = True
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(interval_s):
                    await wake.wait()

    def _look_at_disks(self) -> None:
        self.disks.look()
        self._snapshot.put("disks", self.disks.section())

    def _lines_changed(self) -> None:
        self._snapshot.put("lines", self.lines.section())

    def _look_at_sensors(self) -> None:
        self.sensors.look()
        self._snapshot.put("sensors", self.sensors.section())

    def _look_at_clock(self) -> None:
        self.clock.look()
        self._snapshot.put("clock", self.clock.section())

    def _ask_health(self) -> None:
        self.disks.ask_health()
        self._snapshot.put("disks", self.disks.section())

    def _replace(self) -> None:
        self.disks.lamps.step()
        if self.disks.go_on():
            self._snapshot.put("replacement", self.disks.replacement() or {})

    async def _tell(self, bus: Bus) -> None:
        """Clock, storage and trunks to those who act on them: on change and every ten seconds."""
        said: dict[str, tuple[object, float]] = {}
        while True:
            arrays = self.disks.box.arrays
            storage = StorageState(
                degraded=any(array.missing for array in arrays), rebuilding=any(array.rebuilding for array in arrays),
                at_unix_s=self._clock.now().timestamp(), low=recordings_disk_low(self._home, self._settings),
            )  # fmt: skip
            trust = self.clock.trust()
            now_s = self._clock.monotonic_s()
            for topic, event, state in (
                ("storage", storage, (storage.degraded, storage.rebuilding, storage.low)),
                ("clock", trust, trust and (trust.trusted, trust.reason)),
            ):
                before, at_s = said.get(topic, (None, float("-inf")))
                if event is not None and (before != state or now_s - at_s >= SAY_AGAIN_S):
                    said[topic] = (state, now_s)
                    await bus.publish_live(topic, event)
            for word in self.lines.trunk_words():
                await bus.publish_live(f"trunk.{word.trunk_id}", word)
            await asyncio.sleep(_TELL_S)
