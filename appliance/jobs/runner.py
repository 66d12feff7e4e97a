"""The service `jobs`: answers the commands of `office` and `jobs`, takes the switch's events, works off the queue.

Commands run in threads (log-ins in their own, since Argon2 is slow on purpose), heavy work in the queue's lanes.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec

from appliance import commands
from appliance.bus import Bus
from appliance.clock import SystemClock
from appliance.commands import Command, Done
from appliance.errors import BoxError, StoreError
from appliance.events import ConversationEvent, StorageState, WorkerBeat
from appliance.jobs.accounts import ensure_set_up_token
from appliance.jobs.archive import Archive
from appliance.jobs.backup import shelf
from appliance.jobs.backup.service import BACKUP, COPY, TRIAL, Backups
from appliance.jobs.context import Context, Doors, Publish
from appliance.jobs.desk import Desk
from appliance.jobs.disk_guard import DiskGuard
from appliance.jobs.ear_clusters import Clusters
from appliance.jobs.intake import ARCHIVE, Intake, archive_job_id
from appliance.jobs.lists import IMPORT, ListImports
from appliance.jobs.maintenance import MAINTENANCE, Maintenance
from appliance.jobs.office import Office
from appliance.jobs.provisioning import SEAT_EXPIRY, Provisioning
from appliance.jobs.quality.plans import SamplingPlans
from appliance.jobs.queue import Lane, Progress, WorkQueue
from appliance.jobs.recordings_zip import RECORDINGS_ZIP, RecordingsZip
from appliance.jobs.reports import REPORT, Reports
from appliance.jobs.reset import Resets
from appliance.jobs.saved_reports import SAVED_REPORT, SavedReports
from appliance.jobs.search_index import SearchIndex
from appliance.jobs.update import FETCH, UPDATE, Updates
from appliance.jobs.webhooks import WEBHOOK, Webhooks
from appliance.logs import get_logger
from appliance.settings import Home, Settings, load_secrets
from appliance.store.db import migrate, open_store
from appliance.store.repositories import jobs_queue

_DISK_INTERVAL_S = 2.0
_SWEEP_INTERVAL_S = 2.0
_CLUSTER_INTERVAL_S = 5.0
_WEBHOOK_INTERVAL_S = 2.0
_PLAN_INTERVAL_S = 60.0

log = get_logger()


def main(home: Home, settings: Settings, doors: Doors) -> None:
    """Run until SIGTERM or SIGINT. Raises BusError or StoreError when the service cannot start."""
    asyncio.run(_serve(home, settings, doors))


async def _serve(home: Home, settings: Settings, doors: Doors) -> None:
    loop = asyncio.get_running_loop()
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    store = open_store(home, settings)
    migrate(store)
    ensure_set_up_token(home, store)
    bus = Bus(settings.bus, name="jobs")
    context = Context(
        home=home, settings=settings, secrets=load_secrets(home), store=store, clock=SystemClock(), doors=doors,
        publish=_publisher(loop, bus),
    )  # fmt: skip
    service = _Service(context)
    try:
        await bus.connect()
        service.start()
        await service.serve(bus)
        log.info("jobs ready")
        watch = asyncio.gather(
            _every(_DISK_INTERVAL_S, stopping, service.guard.check),
            _every(_SWEEP_INTERVAL_S, stopping, service.intake.sweep),
            _every(_CLUSTER_INTERVAL_S, stopping, service.clusters.sweep),
            _every(_WEBHOOK_INTERVAL_S, stopping, service.webhooks.sweep),
            _every(_SWEEP_INTERVAL_S, stopping, SearchIndex(store).sweep),
            _every(_PLAN_INTERVAL_S, stopping, SamplingPlans(context).sweep),
            _every(_PLAN_INTERVAL_S, stopping, service.backups.plan),
            _every(_PLAN_INTERVAL_S, stopping, service.updates.follow),
        )
        await stopping.wait()
        await watch
    finally:
        await asyncio.to_thread(service.stop)
        await bus.close()
        store.close()


def _publisher(loop: asyncio.AbstractEventLoop, bus: Bus) -> Publish:
    """A way to show live events from any thread; without effect when the loop has ended."""
    running: set[asyncio.Task[None]] = set()

    def start(topic: str, event: msgspec.Struct) -> None:
        task = loop.create_task(bus.publish_live(topic, event))
        running.add(task)
        task.add_done_callback(running.discard)

    def publish(topic: str, event: msgspec.Struct) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(start, topic, event)

    return publish


async def _every(interval_s: float, stopping: asyncio.Event, work: Callable[[], Any]) -> None:
    """Do `work` in a thread again and again; trouble with disk or store is said once and tried again."""
    in_trouble = False
    while not stopping.is_set():
        try:
            await asyncio.to_thread(work)
            in_trouble = False
        except (OSError, StoreError) as error:
            if not in_trouble:
                log.warning("periodic work failed", work=work.__qualname__, error=str(error))
            in_trouble = True
        except Exception:  # the guard of the disk must not end unnoticed
            if not in_trouble:
                log.exception("periodic work failed", work=work.__qualname__)
            in_trouble = True
        try:
            async with asyncio.timeout(interval_s):
                await stopping.wait()
        except TimeoutError:
            continue


class _Service:
    """The parts of the service, put together."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self.intake = Intake(context, self._ask_archive)
        self.guard = DiskGuard(context, recording=self.intake.calls_live)
        self.clusters = Clusters(context)
        self._archive = Archive(context)
        self._provisioning = Provisioning(context)
        self._logins = ThreadPoolExecutor(2, thread_name_prefix="login")
        self._commands = ThreadPoolExecutor(4, thread_name_prefix="command")
        self._events = ThreadPoolExecutor(1, thread_name_prefix="events")  # one: they keep their order
        # one thread: Opus takes 12 ms of processor time for each second of talk, so it keeps up with eighty talks, and
        # never are both cores of a small box at work on what can wait
        archives = Lane("archive", {ARCHIVE: self._archive_job}, niceness=10, may_run=self.guard.archive_may_run)
        chores: dict[str, Callable[[dict[str, Any], Progress], dict[str, Any]]] = {SEAT_EXPIRY: self._seat_expiry_job}
        packs = RecordingsZip(context)
        tables = Lane(
            "tables", {IMPORT: ListImports(context).run, REPORT: Reports(context).run, RECORDINGS_ZIP: packs.run},
            niceness=10, shown=True,
        )  # fmt: skip
        # a lane of their own: a mail server that does not answer keeps nobody waiting
        reports: dict[str, Callable[[dict[str, Any], Progress], dict[str, Any]]] = {}
        backups: dict[str, Callable[[dict[str, Any], Progress], dict[str, Any]]] = {}
        hooks: dict[str, Callable[[dict[str, Any], Progress], dict[str, Any]]] = {}
        lanes = [
            archives, tables, Lane("reports", reports, niceness=10), Lane("chores", chores, niceness=5),
            Lane("backups", backups, niceness=10, shown=True), Lane("webhooks", hooks, threads=2),
        ]  # fmt: skip
        self._queue = WorkQueue(context, lanes)
        self.webhooks = Webhooks(context, self._queue)
        hooks[WEBHOOK] = self.webhooks.run
        chores[MAINTENANCE] = Maintenance(context, self._queue).run
        saved = SavedReports(context, self._queue)
        reports[SAVED_REPORT] = saved.run
        self._office = Office(context)
        self.backups = Backups(context, self._queue)
        self.updates = Updates(context, self._queue, self.backups)
        backups |= {BACKUP: self.backups.run_backup, TRIAL: self.backups.run_trial, COPY: self.backups.run_copy,
                    UPDATE: self.updates.run, FETCH: self.updates.run_fetch}  # fmt: skip
        care = self.backups.handlers() | self.updates.handlers() | Resets(context).handlers() | self.webhooks.handlers()
        self._desk = Desk(context, self._queue, saved, {**care, **packs.handlers(self._queue)})

    def start(self) -> None:
        """Take up old work; what failed before a restart has a new chance."""
        with self._context.store.write() as session:
            # what nobody waits for is never given up for good
            for kind in (ARCHIVE, MAINTENANCE, SEAT_EXPIRY, SAVED_REPORT, COPY):
                jobs_queue.retry_failed(session, kind, self._context.clock.now())
        shelf.sweep(self._context.home)
        self.backups.register()
        self._queue.put(MAINTENANCE, MAINTENANCE, {})
        self._queue.start()

    async def serve(self, bus: Bus) -> None:
        """Open the doors: commands and events."""
        await bus.serve("office", self._answer(self._office.handle), concurrent=True)
        await bus.serve("jobs", self._answer(self._desk.handle), concurrent=True)
        await bus.subscribe_live("worker.*", self._on_beat)
        await bus.subscribe_live("storage", self._on_storage)
        await bus.consume_events("jobs", self._on_event)

    def _answer(self, handle: Callable[[Command], Done]) -> Callable[[Command], Awaitable[Done]]:
        async def answer(command: Command) -> Done:
            pool = self._logins if isinstance(command, commands.LogIn) else self._commands
            return await asyncio.get_running_loop().run_in_executor(pool, handle, command)

        return answer

    async def _on_beat(self, _topic: str, event: Any) -> None:
        if isinstance(event, WorkerBeat):
            self.intake.on_beat(event.conversation_id)

    async def _on_storage(self, _topic: str, event: Any) -> None:
        if isinstance(event, StorageState):
            self.guard.storage(event)

    async def _on_event(self, event: ConversationEvent) -> None:
        try:
            await asyncio.get_running_loop().run_in_executor(self._events, self.intake.on_event, event)
        except StoreError as error:  # the spool is still there: the sweep finds it when the store is back
            log.warning("event not noted", conversation=event.conversation_id, error_id=error.error_id)

    def _ask_archive(self, recording_id: str) -> None:
        self._queue.put(archive_job_id(recording_id), ARCHIVE, {"recording_id": recording_id})

    def _archive_job(self, payload: dict[str, Any], progress: Progress) -> dict[str, Any]:
        try:
            found = self._archive.archive(payload["recording_id"], lambda _done, _total: progress.check())
        except BoxError as error:
            if error.error_id == "disk.full":
                self.guard.archive_stands(True)
            raise
        self.guard.archive_stands(False)
        return {"archived": found}

    def _seat_expiry_job(self, payload: dict[str, Any], _progress: Progress) -> dict[str, Any]:
        self._provisioning.expire_seat_credentials(payload["seat_id"])
        return {}

    def stop(self) -> None:
        """Close the doors and leave work in a state from which the next start goes on."""
        self._queue.stop()
        for pool in (self._logins, self._commands, self._events):
            pool.shutdown(cancel_futures=True)
