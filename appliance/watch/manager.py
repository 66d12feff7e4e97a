"""The service `watch`: asks the conditions in their turn, keeps the book of alerts, tells sinks and screens.

Other services tell their own troubles as `LiveAlert`; those come into the same book, so that bell, console and mail
have one place to look. The book lives in memory and is written to the database after each change: a database that is
away costs history, never an alert.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from appliance.bus import Bus
from appliance.clock import SystemClock
from appliance.commands import AcknowledgeAlert, Command, Done, SnoozeAlert, TestSink
from appliance.domain.alert_book import AlertBook, Notice, Standing
from appliance.errors import BoxError, CallboxError, CallerError, NotFoundError, StoreError
from appliance.events import LiveAlert
from appliance.logs import get_logger
from appliance.settings import Home, Settings
from appliance.store.db import Store, open_store
from appliance.store.models import User
from appliance.store.repositories import users
from appliance.types import Permission, Severity
from appliance.watch import alerts
from appliance.watch.audit import audited
from appliance.watch.box_commands import BoxCommands
from appliance.watch.conditions import Condition, Finding, all_conditions
from appliance.watch.ear_drift import EarDrift
from appliance.watch.hardware import Hardware
from appliance.watch.line_test import LineTester
from appliance.watch.line_test_commands import handlers as line_test_handlers
from appliance.watch.sinks.base import message_of
from appliance.watch.sinks.boards import AlertsFile, Board, Lamps
from appliance.watch.sinks.make import make_routes
from appliance.watch.sinks.post import Post
from appliance.watch.snapshot import Snapshot
from appliance.watch.supervision import status
from appliance.watch.test_calls import Dial, TestCalls
from appliance.watch.trunk_plans import trunk_plans

_BUS_LOOK_S, _BUS_FAILURES, _BUS_ROOM_BYTES = 2.0, 2, 8 * 2**20
_TICK_S = 1.0
_SNOOZE_MINUTES = range(1, 7 * 24 * 60 + 1)
_SOURCE = "watch"


class Manager:
    """Turns what conditions find and services tell into notices; `post` takes them out of the box."""

    def __init__(
        self, store: Store, bus: Bus, *, post: Post | None = None, boards: Sequence[Board] = (),
        escalate_after: timedelta = timedelta(minutes=15),
    ) -> None:  # fmt: skip
        self._store = store
        self._bus = bus
        self.post = post
        self.handlers: dict[type[Command], Callable[[Any], Awaitable[Done]]] = {}
        """What others of this service answer: command -> handler."""
        self._boards = boards
        self._clock = SystemClock()
        self._log = get_logger()
        self._unwritten: dict[str, datetime | None] = {}  # key: when it was cleared, None: it stands
        self._store_away = False
        self.book = AlertBook(self._stood(), escalate_after=escalate_after)
        self._show()

    def _stood(self) -> list[Standing]:
        try:
            with self._store.read() as session:
                return alerts.standing(session)
        except StoreError as error:
            self._log.warning("alerts not read", error_id=error.error_id, error=error.message)
            return []

    # ---- commands and other services -------------------------------------------------------------------------

    async def handle(self, command: Command) -> Done:
        """Serve the bus service `watch`."""
        match command:
            case AcknowledgeAlert():
                self.require(command.actor_id, Permission.ALERTS_READ)
                stood = self.book.acknowledge(command.key, command.actor_id, self._clock.now())
                done = self._changed_by_hand(command.key, stood)
                await audited(self._bus, command, "alert.acknowledged", f"alert:{command.key}", {})
                return done
            case SnoozeAlert():
                self.require(command.actor_id, Permission.ALERTS_READ)
                if command.minutes not in _SNOOZE_MINUTES:
                    raise CallerError("alert.bad_snooze", "Snooze for 1 minute up to 7 days.")
                until = self._clock.now() + timedelta(minutes=command.minutes)
                done = self._changed_by_hand(command.key, self.book.snooze(command.key, until))
                await audited(
                    self._bus, command, "alert.snoozed", f"alert:{command.key}", {"minutes": command.minutes}
                )  # fmt: skip
                return done
            case TestSink():
                self.require(command.actor_id, Permission.SETTINGS_WRITE)
                if self.post is None:
                    raise NotFoundError("sink.not_set_up", "Alerts do not leave this box.")
                return Done(data={"seconds": round(await asyncio.to_thread(self.post.test, command.sink), 3)})
        handler = self.handlers.get(type(command))
        if handler is None:
            raise CallerError("bus.unknown_command", f"'watch' does not know {type(command).__name__}.")
        return await handler(command)

    def require(self, actor_id: str, permission: Permission) -> None:
        """Raises NotAllowedError when the actor may not."""
        with self._store.read() as session:
            users.require(session, actor_id, permission)

    def name_of(self, user_id: str) -> str:
        """What a user is called; the id of one who is no user (command line)."""
        with self._store.read() as session:
            user = session.get(User, user_id)
        return user_id if user is None else user.display_name or user.login

    def _changed_by_hand(self, key: str, stood: bool) -> Done:
        if not stood:
            raise NotFoundError("alert.not_standing", f"The alert '{key}' does not stand any more.", key=key)
        self._keep(key, None)
        self._show()
        return Done(id=key)

    async def on_alert(self, _topic: str, event: Any) -> None:
        """An alert that another service tells; our own come back from the bus and are left."""
        if not isinstance(event, LiveAlert) or event.source == _SOURCE:
            return
        if not event.raised:
            self._clear(event.key)
            return
        severity = Severity(event.severity) if event.severity in set(Severity) else Severity.WARNING
        self._raise(
            Standing(
                key=event.key, severity=severity, title=event.title, text=event.text, data=event.data,
                caused_by=event.caused_by, raised_at=datetime.fromtimestamp(event.at_unix_s, UTC),
            )
        )  # fmt: skip

    # ---- conditions ------------------------------------------------------------------------------------------

    async def watch(self, condition: Condition) -> None:
        """Ask one condition for ever; one that breaks changes nothing and never ends the watch."""
        while True:
            try:
                found = await asyncio.to_thread(condition.check)
            except CallboxError as error:  # it could not look: what stood stands
                self._log.debug("condition unknown", condition=condition.id, error_id=error.error_id)
            except Exception:  # a condition that breaks must not end the service  # noqa: BLE001
                self._log.exception("condition failed", condition=condition.id)
            else:
                await self.take(condition, found)
            await asyncio.sleep(condition.interval_s)

    async def take(self, condition: Condition, found: Sequence[Finding]) -> None:
        """Raise what a condition found, clear what it found before and does not find now."""
        keys = {finding.key for finding in found}
        for alert in self.book.standing():
            if alert.key.startswith(condition.keys) and alert.key not in keys:
                self._clear(alert.key)
                await self._publish(alert, raised=False)
        for finding in found:
            await self.tell(finding)

    async def tell(self, finding: Finding) -> None:
        """Raise a finding of our own, whether the bus is there or not; the same words again change nothing."""
        changed = self._raise(
            Standing(
                key=finding.key, severity=finding.severity, title=finding.title, text=finding.text, data=finding.data,
                caused_by=finding.caused_by, raised_at=self._clock.now(),
            )
        )  # fmt: skip
        alert = self.book.get(finding.key)
        if changed and alert is not None:
            await self._publish(alert, raised=True)

    async def _publish(self, alert: Standing, *, raised: bool) -> None:
        await self._bus.publish_live(
            "alert",
            LiveAlert(
                key=alert.key, severity=alert.severity, title=alert.title, text=alert.text, raised=raised,
                at_unix_s=self._clock.now().timestamp(), data=alert.data, caused_by=alert.caused_by, source=_SOURCE,
            ),
        )  # fmt: skip

    # ---- the book --------------------------------------------------------------------------------------------

    def _raise(self, alert: Standing) -> bool:
        known = self.book.get(alert.key)
        if known is not None and _said(known) == _said(alert):
            return False
        notices = self.book.raise_(alert, self._clock.now())
        if known is None:
            self._log.warning("alert raised", key=alert.key, title=alert.title, caused_by=alert.caused_by)
        self._keep(alert.key, None)
        self._send(notices)
        return True

    def _clear(self, key: str) -> None:
        alert = self.book.get(key)
        if alert is None:
            return
        now = self._clock.now()
        notices = self.book.clear(key, now)
        self._log.info("alert cleared", key=key, title=alert.title)
        self._keep(key, now)
        self._send(notices)

    def _send(self, notices: Sequence[Notice]) -> None:
        for notice in notices:
            if notice.alert.key in self._standing_keys():
                self._keep(notice.alert.key, None)
            if self.post is not None:
                message = message_of(notice, self._clock.now().timestamp())
                self.post.send(message, first=notice.first, last=notice.last)
        self._show()

    def _standing_keys(self) -> set[str]:
        return {alert.key for alert in self.book.standing()}

    def _show(self) -> None:
        for board in self._boards:
            board.show(self.book, self._clock.now().timestamp())

    def _keep(self, key: str, cleared_at: datetime | None) -> None:
        """Write one alert down, with all that could not be written before."""
        if cleared_at is None and self._unwritten.get(key) is not None:
            self._write()  # it came back before its end was written: that end first
        self._unwritten[key] = cleared_at
        self._write()

    def _write(self) -> None:
        if not self._unwritten:
            return
        try:
            with self._store.write() as session:
                for key, cleared_at in self._unwritten.items():
                    alert = self.book.get(key)
                    if cleared_at is not None:
                        alerts.write_cleared(session, key, cleared_at)
                    elif alert is not None:
                        alerts.write(session, alert)
                alerts.prune(session)
        except StoreError as error:  # all of it again at the next tick
            if not self._store_away:
                self._log.warning("alerts not written", error_id=error.error_id, error=error.message)
            self._store_away = True
        else:
            self._unwritten.clear()
            self._store_away = False

    async def keep_time(self) -> None:
        """What time alone brings: held alerts, escalations, ends of snoozes; a database that is back."""
        while True:
            await asyncio.sleep(_TICK_S)
            notices = self.book.tick(self._clock.now())
            if notices:
                self._send(notices)
            self._write()

    async def sink_trouble(self, sink: str, said: str) -> None:
        """A sink fails (or works again, when nothing was said): an alert that it does not have to carry itself."""
        key = f"sink.{sink}"
        if said:
            figures = {"sink": sink, "error": said}
            await self.tell(Finding(key=key, severity=Severity.WARNING, alert="sink.failed", data=figures))
        elif (alert := self.book.get(key)) is not None:
            self._clear(key)
            await self._publish(alert, raised=False)


def _said(alert: Standing) -> tuple[Any, ...]:
    return alert.severity, alert.title, alert.text, alert.data, alert.caused_by


async def _keep_bus(home: Home, bus: Bus) -> None:
    """Restart a bus that hangs, or that has stored nothing since its disk was full, once there is room."""
    log = get_logger()
    failures = 0
    while True:
        await asyncio.sleep(_BUS_LOOK_S)
        failures = failures + 1 if bus.connected and not await bus.stores_events() else 0
        if failures < _BUS_FAILURES or shutil.disk_usage(home.bus).free < _BUS_ROOM_BYTES:
            continue
        log.error("the bus stores no events, it is killed and comes back")
        try:
            service = next(service for service in await asyncio.to_thread(status, home) if service.name == "bus")
            if service.pid:
                os.kill(service.pid, signal.SIGKILL)  # it would not listen; its supervisor starts it again at once
        except (BoxError, ProcessLookupError) as error:
            log.warning("bus not restarted", error=str(error))
        failures = 0


async def _serve(home: Home, settings: Settings, silent_gateways: Callable[[], list[str]], dial: Dial) -> None:
    store = open_store(home, settings)
    bus = Bus(settings.bus, name="watch")
    manager = Manager(
        store, bus, boards=(AlertsFile(home.alerts_file), Lamps(settings.leds)),
        escalate_after=timedelta(minutes=settings.alerts.escalate_after_min),
    )  # fmt: skip
    loop = asyncio.get_running_loop()

    def on_trouble(sink: str, said: str) -> None:
        asyncio.run_coroutine_threadsafe(manager.sink_trouble(sink, said), loop)

    minimum = settings.alerts.minimum_severity
    manager.post = Post(make_routes(home, settings), home.outbox, on_trouble, minimum=minimum)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    snapshot = Snapshot(home.hardware_file)
    hardware = Hardware(
        home, settings, snapshot, silent_gateways=silent_gateways, trunks=lambda: trunk_plans(store)
    )
    manager.handlers |= hardware.handlers(manager.require, bus)
    tester = LineTester(home)
    manager.handlers |= line_test_handlers(
        tester, manager.require, manager.name_of, settings.dialling.timezone, partial(audited, bus)
    )
    manager.handlers |= BoxCommands(home, manager.require, partial(audited, bus)).handlers()
    manager.handlers |= TestCalls(dial, manager.require, partial(audited, bus)).handlers()
    conditions: list[Condition] = [
        *all_conditions(home, settings, silent_gateways), EarDrift(store), *hardware.conditions(),
    ]  # fmt: skip
    tasks = [asyncio.create_task(manager.watch(condition)) for condition in conditions]
    tasks += [asyncio.create_task(work) for work in (manager.keep_time(), hardware.run(bus), snapshot.run(bus))]
    try:
        await bus.connect()
        await bus.serve("watch", manager.handle)
        await bus.subscribe_live("alert", manager.on_alert)
        await bus.subscribe_live("config", hardware.on_config)
        tasks.append(asyncio.create_task(_keep_bus(home, bus)))
        await stop.wait()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.to_thread(manager.post.close)
        await asyncio.to_thread(tester.close)
        await bus.close()
        store.close()


def main(home: Home, settings: Settings, silent_gateways: Callable[[], list[str]], dial: Dial) -> None:
    """Run until SIGTERM. `silent_gateways`: see `conditions.GatewaysAnswer`; `dial` makes a test call."""
    asyncio.run(_serve(home, settings, silent_gateways, dial))
