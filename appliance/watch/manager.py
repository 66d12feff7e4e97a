"""The service `watch`: asks the conditions in their turn, writes all alerts down, tells the screens.

Other services tell their own troubles as `LiveAlert`; those are written here as well, so that the bell and the console
have one place to look.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from collections.abc import Callable, Sequence
from typing import Any

from appliance.bus import Bus
from appliance.clock import SystemClock
from appliance.commands import AcknowledgeAlert, Command, Done
from appliance.errors import BoxError, CallerError, StoreError
from appliance.events import LiveAlert
from appliance.logs import get_logger
from appliance.settings import Home, Settings
from appliance.store.db import Store, open_store
from appliance.store.repositories import users
from appliance.types import Permission, Severity
from appliance.watch import alerts
from appliance.watch.conditions import Condition, Finding, all_conditions
from appliance.watch.ear_drift import KEY, EarDrift
from appliance.watch.supervision import status

_BUS_LOOK_S, _BUS_FAILURES, _BUS_ROOM_BYTES = 2.0, 2, 8 * 2**20


class Manager:
    """Keeps what each condition last found, and turns differences into raises and clears."""

    def __init__(self, store: Store, bus: Bus) -> None:
        self._store = store
        self._bus = bus
        self._clock = SystemClock()
        self._standing: dict[int, dict[str, Finding]] = {}
        self._log = get_logger()

    async def handle(self, command: Command) -> Done:
        """Serve the bus service `watch`."""
        if not isinstance(command, AcknowledgeAlert):
            raise CallerError("bus.unknown_command", f"'watch' does not know {type(command).__name__}.")
        with self._store.write() as session:
            users.require(session, command.actor_id, Permission.ALERTS_READ)
            alerts.acknowledge(session, command.key, command.actor_id)
        return Done(id=command.key)

    async def on_alert(self, _topic: str, event: Any) -> None:
        """Write down an alert that somebody told; our own come again and change nothing."""
        if not isinstance(event, LiveAlert):
            return
        with self._store.write() as session:
            changed = alerts.apply(session, event)
            alerts.prune(session)
        if changed:
            level = self._log.warning if event.raised else self._log.info
            level("alert raised" if event.raised else "alert cleared", key=event.key, title=event.title)

    async def tell(self, finding: Finding, *, raised: bool) -> None:
        """Write an alert of our own down, whether the bus is there or not, then show it."""
        alert = LiveAlert(
            key=finding.key, severity=finding.severity, title=finding.title, text=finding.text, raised=raised,
            at_unix_s=self._clock.now().timestamp(), data=finding.data,
        )  # fmt: skip
        await self.on_alert("alert", alert)
        await self._bus.publish_live("alert", alert)

    async def watch(self, number: int, condition: Condition) -> None:
        """Ask one condition for ever; a condition that breaks is itself an alert and never ends the watch."""
        while True:
            try:
                found = {finding.key: finding for finding in await asyncio.to_thread(condition.check)}
            except Exception:  # noqa: BLE001 - a handler that breaks must not end the service
                self._log.exception("condition failed", condition=type(condition).__name__)
                found = self._standing.get(number, {})
            try:
                await self._tell_changes(self._standing.get(number, {}), found)
            except StoreError as error:  # all of it again next time
                self._log.warning("alert not written", error_id=error.error_id, error=error.message)
            else:
                self._standing[number] = found
            await asyncio.sleep(condition.interval_s)

    async def _tell_changes(self, before: dict[str, Finding], found: dict[str, Finding]) -> None:
        for key, finding in found.items():
            if before.get(key) != finding:
                await self.tell(finding, raised=True)
        for key, finding in before.items():
            if key not in found:
                await self.tell(finding, raised=False)

    async def keep_bus(self, home: Home) -> None:
        """Restart a bus that hangs, or that has stored nothing since its disk was full, once there is room."""
        failures = 0
        while True:
            await asyncio.sleep(_BUS_LOOK_S)
            failures = failures + 1 if self._bus.connected and not await self._bus.stores_events() else 0
            if failures < _BUS_FAILURES or shutil.disk_usage(home.bus).free < _BUS_ROOM_BYTES:
                continue
            self._log.error("the bus stores no events, it is killed and comes back")
            try:
                bus = next(service for service in await asyncio.to_thread(status, home) if service.name == "bus")
                if bus.pid:
                    os.kill(bus.pid, signal.SIGKILL)  # it would not listen; its supervisor starts it again at once
            except (BoxError, ProcessLookupError) as error:
                self._log.warning("bus not restarted", error=str(error))
            failures = 0

    async def clear_stale(self, keys: Sequence[str]) -> None:
        """After a restart: what stood for our own conditions is cleared; what still holds is raised again at once."""
        with self._store.read() as session:
            stale = [a for a in alerts.standing(session) if a.key.startswith(tuple(keys))]
            findings = [
                Finding(key=a.key, severity=Severity(a.severity), title=a.title, text=a.text, data=a.data)
                for a in stale
            ]
        for finding in findings:
            await self.tell(finding, raised=False)


async def _serve(home: Home, settings: Settings, silent_gateways: Callable[[], list[str]]) -> None:
    store = open_store(home, settings)
    bus = Bus(settings.bus, name="watch")
    await bus.connect()
    manager = Manager(store, bus)
    await bus.serve("watch", manager.handle)
    await bus.subscribe_live("alert", manager.on_alert)
    await manager.clear_stale(("service.", "services.", "disk.low", "certificate.", "gateway.", KEY))
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    tasks = [
        asyncio.create_task(manager.watch(number, condition))
        for number, condition in enumerate([*all_conditions(home, settings, silent_gateways), EarDrift(store)])
    ]
    tasks.append(asyncio.create_task(manager.keep_bus(home)))
    await stop.wait()
    for task in tasks:
        task.cancel()
    await bus.close()
    store.close()


def main(home: Home, settings: Settings, silent_gateways: Callable[[], list[str]]) -> None:
    """Run until SIGTERM. `silent_gateways`: see `conditions.GatewaysAnswer`."""
    asyncio.run(_serve(home, settings, silent_gateways))
