"""The engine as a service: core, dialler, desks and projections on the bus and the store; resumes after a crash."""

from __future__ import annotations

import asyncio
import contextlib
import re
import signal
import time
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from sqlalchemy.orm import Session

from appliance import commands as cmd
from appliance.alerting import told
from appliance.bus import Bus
from appliance.clock import Clock, SystemClock, process_age_s
from appliance.commands import Command, ConversationCommand, Done
from appliance.domain.call_model import Call
from appliance.engine.auditing import Auditor
from appliance.engine.campaigns import Campaigns
from appliance.engine.core import Core
from appliance.engine.desk import WORKER_TIMEOUT_S, Desks
from appliance.engine.dialling import Dialler
from appliance.engine.inbound import Inbound
from appliance.engine.inbound_desk import InboundDesk
from appliance.engine.inbound_recovery import InboundRecovery
from appliance.engine.lookup import Lookup
from appliance.engine.outlook import Outlooks
from appliance.engine.preview import Previews
from appliance.engine.projections import Publisher, live_agent, live_room
from appliance.engine.recovery import Recovery
from appliance.engine.recycling import REFRESH_S as HOURS_REFRESH_S
from appliance.engine.room import LeadCard, Room
from appliance.engine.supervision import Supervision
from appliance.engine.transfers import Transfers
from appliance.engine.writer import Writer
from appliance.errors import CallboxError, CallerError, StoreError
from appliance.events import ClockTrust, ConfigChanged, LiveAlert, LiveJob, TrunkService, WorkerBeat
from appliance.logs import get_logger
from appliance.settings import Home, Settings
from appliance.store.db import Store, migrate, open_store
from appliance.store.repositories import campaigns as campaign_rows
from appliance.store.repositories import pacers
from appliance.types import Severity

DURABLE = "engine"
DISK_ALERT = "disk.reserve"
CLOCK_ALERT = "clock.unknown"
SEAT_ALERT = re.compile(r"seat\.(.+)\.unreachable")
_SWEEP_S = 2.0
_SILENT_S = 10.0
_PACE_KEPT_EVERY_S = 10.0


class Engine:
    """One running engine; also the `Effects` of the core."""

    def __init__(self, settings: Settings, store: Store, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._bus = Bus(settings.bus, name="engine")
        self._writer = Writer(store)
        # where a time source is wanted nothing is dialled before `watch` has said that the time is right
        self.room = Room(clock_trusted=settings.hardware.clock_policy != "required")
        self._core = Core(self.room, self, settings.dialling, self._clock)
        self._campaigns = Campaigns(self._core, self._writer, self._campaign_changed)
        self._publisher = Publisher(self.room, self._campaigns, self._bus, self._clock)
        self._dialler = Dialler(
            self._core, self._bus, self._writer, settings.dialling, Lookup(settings.cti),
            finish=self._campaigns.finish, changed=self._publisher.room_changed,
        )  # fmt: skip
        self._inbound = Inbound(self._core, self, self._writer, settings.dialling)
        self._desks = Desks(
            self._core, self._bus, self._writer, self._dialler, self._campaigns, self._inbound,
            region=settings.dialling.default_region,
        )  # fmt: skip
        auditor = Auditor(self._bus, self._spawn)
        self._transfers = Transfers(
            self._core, self._bus, self._writer, self._dialler, zone=settings.dialling.timezone,
            region=settings.dialling.default_region, auditor=auditor,
        )  # fmt: skip
        self._supervision = Supervision(self._core, self._bus, self._writer, auditor)
        self._previews = Previews(
            self._core, self._writer, self._dialler, self._campaigns, region=settings.dialling.default_region,
            spawn=self._spawn,
        )  # fmt: skip
        self._inbound_desk = InboundDesk(self._core, self, self._writer)
        self._recovery = Recovery(
            self._core, self._bus, self._writer, self._dialler, settings.dialling, self._clock,
            InboundRecovery(
                self._inbound, self.room, self._bus, self._writer, settings.dialling, self._clock
            ),
        )  # fmt: skip
        self._tasks: set[asyncio.Task[Any]] = set()
        self.loops: list[asyncio.Task[Any]] = []  # none of them ever ends while the engine is well
        self._connected_since_s = 0.0
        self._log = get_logger()
        self._handlers: dict[type[Command], Callable[[Any], Awaitable[Done]]] = {
            cmd.ForecastPace: Outlooks(self._core, self._campaigns, self._writer).forecast,
            cmd.CampaignAction: self._campaigns.action, cmd.AgentLogin: self._desks.log_in,
            cmd.ReleaseSeat: self._desks.release_seat,
            cmd.AgentLogout: self._desks.log_out, cmd.AgentReady: self._desks.ready, cmd.AgentPause: self._desks.pause,
            cmd.AgentHangup: self._desks.hang_up, cmd.AgentHold: self._desks.hold, cmd.AgentDtmf: self._desks.dtmf,
            cmd.AgentDispose: self._desks.dispose, cmd.AgentPreview: self._previews.preview,
            cmd.AgentDial: self._previews.dial, cmd.AgentDraft: self._desks.draft,
            cmd.AgentMute: self._transfers.mute, cmd.AgentRecording: self._transfers.recording,
            cmd.AgentStartRecording: self._transfers.start_recording,
            cmd.AgentReattach: self._transfers.reattach, cmd.TransferTargets: self._transfers.targets,
            cmd.AgentTransfer: self._transfers.transfer, cmd.AgentThird: self._transfers.third,
            cmd.SuperviseAgent: self._supervision.supervise,
            cmd.TakeOver: self._supervision.take_over, cmd.ForceState: self._supervision.force,
            cmd.LiveView: self._view,
            cmd.AddCaller: self._inbound_desk.add_caller, cmd.CallBackMissed: self._inbound_desk.call_back,
        }  # fmt: skip

    async def start(self) -> None:
        """Connect, resume, then take commands and dial. Raises BusError, StoreError."""
        began_s, started = time.monotonic(), self.room.started
        started["loaded_s"] = round(process_age_s(), 3)
        await self._bus.connect()
        started["connected_s"] = round(time.monotonic() - began_s, 3)
        self._writer.start()
        await self._bus.subscribe_live("worker.*", self._on_beat)
        await self._bus.subscribe_live("alert", self._on_alert)
        await self._bus.subscribe_live("clock", self._on_clock)
        await self._bus.subscribe_live("trunk.*", self._on_trunk)
        await self._campaigns.load()
        await self._inbound.load()
        self._core.pace.take(await self._writer.read(pacers.states))
        alerts = await self._writer.read(campaign_rows.standing_alerts)
        self.room.disk_low = DISK_ALERT in alerts
        self.room.clock_trusted &= CLOCK_ALERT not in alerts
        self._core.unreachable_seats = {found[1] for key in alerts if (found := SEAT_ALERT.fullmatch(key))}
        await self._recovery.restore()
        await self._bus.consume_events(DURABLE, self._on_event)
        await self._bus.subscribe_live("config", self._on_config)
        await self._bus.subscribe_live("job.*", self._on_job)
        await self._bus.serve("engine", self._on_command, queue=False, concurrent=True)
        for agent_id in self.room.agents:
            self._publisher.agent_changed(agent_id)
        for work in (
            self._dialler.run(), self._publisher.run(), self._sweep(), self._keep_pace(), self._learn_hours()
        ):  # fmt: skip
            self.loops.append(self._spawn(work))
        started["rebuilt_s"] = round(time.monotonic() - began_s - started["connected_s"], 3)
        started["cpu_s"] = round(time.process_time(), 3)
        self._log.info("engine ready", **started, campaigns=len(self.room.campaigns), agents=len(self.room.agents))

    async def stop(self) -> None:
        """Stop dialling and write what is left; living conversations go on without us."""
        for task in list(self._tasks):
            task.cancel()
        self._core.timers.stop()
        self._save_pace()
        await self._writer.close()
        await self._bus.close()

    # ---- from the bus ---------------------------------------------------------------------------------------

    async def _on_command(self, command: Command) -> Done:
        handler = self._handlers.get(type(command))
        if handler is None:
            raise CallerError("engine.unknown_command", f"The engine does not know {type(command).__name__}.")
        return await handler(command)

    async def _view(self, command: cmd.LiveView) -> Done:
        if command.agent_id is None:
            return Done(data=msgspec.to_builtins(live_room(self.room, self._clock)))
        agent = self._core.agents.get(command.agent_id)
        desk = self.room.desks.get(command.agent_id)
        return Done(id=command.agent_id, data=msgspec.to_builtins(live_agent(self.room, agent, desk)))

    async def _on_event(self, event: Any) -> None:
        await self._inbound.event(event)
        self._core.conversation_event(event)

    async def _on_beat(self, _topic: str, beat: Any) -> None:
        if isinstance(beat, WorkerBeat):
            self._recovery.heard_of(beat.attempt_id)
            if beat.attempt_id in self.room.last_sign_s:
                self.room.last_sign_s[beat.attempt_id] = self._clock.monotonic_s()

    async def _on_alert(self, _topic: str, alert: Any) -> None:
        if isinstance(alert, LiveAlert) and alert.key == DISK_ALERT and self.room.disk_low != alert.raised:
            self.room.disk_low = alert.raised
            self._log.warning("dialling stopped, disk nearly full" if alert.raised else "dialling goes on")
            self._dialler.wake()

    async def _on_clock(self, _topic: str, clock: Any) -> None:
        if isinstance(clock, ClockTrust) and self.room.clock_trusted != clock.trusted:
            self.room.clock_trusted = clock.trusted
            level = self._log.info if clock.trusted else self._log.warning
            level("clock", trusted=clock.trusted, reason=clock.reason)
            self._dialler.wake()

    async def _on_trunk(self, _topic: str, service: Any) -> None:
        """A trunk's lines went or came back: calls to come keep to what is left, calls in progress are left alone."""
        trunk = self.room.trunks.get(service.trunk_id) if isinstance(service, TrunkService) else None
        if trunk is None:
            return
        now_s = self._clock.monotonic_s()
        before = trunk.open_channels(now_s)
        trunk.usable, trunk.told_s = service.usable_channels, now_s
        after = trunk.open_channels(now_s)
        if before != after:
            level = self._log.warning if after < before else self._log.info
            level("trunk", trunk=trunk.trunk_id, usable=after, channels=trunk.channels, reason=service.reason)
            self._dialler.wake()

    async def _on_config(self, _topic: str, change: Any) -> None:
        if not isinstance(change, ConfigChanged):
            return
        if change.what in ("do_not_call", "person", "campaign", "trunk", "seat"):
            await self._campaigns.load()
        elif change.what == "queue":
            await self._inbound.load()
        elif change.what == "user" and change.id in self.room.agents:
            await self._desks.check_agent(change.id)

    async def _on_job(self, _topic: str, job: Any) -> None:
        if isinstance(job, LiveJob) and job.kind == "import" and job.state == "finished":
            await self._campaigns.load()

    # ---- effects of the core --------------------------------------------------------------------------------

    def send(self, command: ConversationCommand) -> None:
        self._spawn(self._send(command))

    async def _send(self, command: ConversationCommand) -> None:
        try:
            await self._bus.request(command, timeout_s=WORKER_TIMEOUT_S)
        except CallboxError as error:
            if command.conversation_id in self.room.inbound.calls:
                self._inbound.command_failed(command, error)
            else:
                self._core.command_failed(command, error)

    def write(self, work: Callable[[Session], None]) -> None:
        self._writer.later(work)

    def agent_changed(self, agent_id: str) -> None:
        self._publisher.agent_changed(agent_id)

    def room_changed(self, campaign_id: str | None = None) -> None:
        self._publisher.room_changed(campaign_id)

    def lines_changed(self) -> None:
        self._dialler.wake()

    def fail_over(self, call: Call, card: LeadCard) -> None:
        self._spawn(self._fail_over(call, card))

    async def _fail_over(self, call: Call, card: LeadCard) -> None:
        try:
            await self._dialler.fail_over(call, card)
        except StoreError as error:
            self._log.warning("no failover", conversation=call.attempt_id, error_id=error.error_id)

    def seat_alert(self, seat_id: str, raised: bool) -> None:
        alert = told(
            "seat.unreachable", {"seat": seat_id}, key=f"seat.{seat_id}.unreachable", severity=Severity.WARNING,
            raised=raised, at=self._clock.now(),
        )  # fmt: skip
        self._spawn(self._bus.publish_live("alert", alert))

    def _campaign_changed(self, campaign_id: str) -> None:
        self._publisher.room_changed(campaign_id)
        self._dialler.wake()

    def _spawn(self, work: Any) -> asyncio.Task[Any]:
        task: asyncio.Task[Any] = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    # ---- what pacing has learnt ---------------------------------------------------------------------------------

    async def _keep_pace(self) -> None:
        """Write the pacers' states now and then: a killed engine loses little of what it learnt."""
        while True:
            await asyncio.sleep(_PACE_KEPT_EVERY_S)
            self._save_pace()

    async def _learn_hours(self) -> None:
        """Count anew at which hours people answer."""
        recycler = self._core.recycler
        while True:
            try:
                recycler.hours = await self._writer.read(lambda session: recycler.learn(session, self._clock.now()))
            except StoreError as error:
                self._log.warning("hours not counted", error_id=error.error_id)
            await asyncio.sleep(HOURS_REFRESH_S)

    def _save_pace(self) -> None:
        states, now = self._core.pace.states(), self._clock.now()
        if states:
            self._writer.later(lambda session: pacers.save_all(session, states, now))

    # ---- who is silent -----------------------------------------------------------------------------------------

    async def _sweep(self) -> None:
        """Close attempts whose worker gives no sign of life; silence of the bus is nobody's death."""
        while True:
            await asyncio.sleep(_SWEEP_S)
            now_s = self._clock.monotonic_s()
            self._inbound.look_ahead()
            if not await self._bus.stores_events():
                self._connected_since_s = now_s
                continue
            for attempt_id, sign_s in list(self.room.last_sign_s.items()):
                if now_s - max(sign_s, self._connected_since_s) <= _SILENT_S:
                    continue
                if (call := self.room.calls.get(attempt_id)) is not None:
                    await self._recovery.without_worker(call)
                self._inbound.without_worker(attempt_id)


async def serve(settings: Settings, store: Store) -> None:
    """Run one engine until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    engine = Engine(settings, store)
    try:
        await engine.start()
        asked = asyncio.create_task(stop.wait())
        await asyncio.wait({asked, *engine.loops}, return_when=asyncio.FIRST_COMPLETED)
        for loop_task in engine.loops:
            if loop_task.done():
                loop_task.result()  # raises what broke it: better a new start than a room that silently dials no more
    finally:
        with contextlib.suppress(CallboxError):
            await engine.stop()


def main(home: Home, settings: Settings) -> None:
    """Run the engine in the foreground; returns after SIGTERM."""
    store = open_store(home, settings)
    try:
        migrate(store)
        asyncio.run(serve(settings, store))
    finally:
        store.close()
