"""The switch's parent: imports pjsua2 and numpy once and forks one worker process per conversation.

It stays single-threaded (asyncio and the bus only), because it forks. It keeps some idle workers ready, hands each
`Originate` to one of them and tells of workers that died. A parent that dies leaves living conversations alone
(each worker is its own process group with its own bus connection) and the next parent finds them by their life files.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from appliance import logs
from appliance.bus import Bus
from appliance.commands import Command, Done, Originate
from appliance.errors import BoxError, CallerError
from appliance.events import ConfigChanged, ConversationEnded, StorageState
from appliance.logs import get_logger
from appliance.settings import RTP_PORTS_PER_SLOT, Home, Settings
from appliance.store.announcements import in_use, sound_path
from appliance.telephony import prompts
from appliance.telephony.control import ControlLine, Leave, Ready, Refused, Take, Taken, life_files, life_path
from appliance.telephony.conversation import Surroundings
from appliance.telephony.ear import warm_up
from appliance.telephony.idle_list import IdleList
from appliance.telephony.lost_calls import LostCalls
from appliance.telephony.pjsua2_adapter import Pjsua2Port
from appliance.telephony.pool import SeenAttempts, Slots, SlotState, check_originate
from appliance.telephony.port import WAKE_UP, TelephonyPort
from appliance.telephony.storage import Storage
from appliance.telephony.unserved import Unserved
from appliance.telephony.worker import EXIT_OK, run_worker
from audio import wavio
from audio.fingerprint import Library, LibraryError
from audio.labels import announcement_label

LOST_SEQ = 1_000_000
ANNOUNCEMENTS = "announcements"  # `ConfigChanged.what` when the ear was taught
_TAKE_TIMEOUT_S = 1.0
_RENEW_S = 5.0
_SLOT_REST_S = 5.0
_POOL_CHECK_S = 0.5
_DRAIN_S = 8.0
_START_S = 60.0  # from the fork to ready; a second on a quick machine
_BURST = 4
"""New workers forked in one go; more would make running calls wait for the processor."""


@dataclass(slots=True)
class ForkedWorker:
    """What the parent knows of one process. `control` is None for a worker of an earlier parent."""

    slot: int
    pid: int
    pidfd: int
    control: ControlLine | None = None
    library: Library | None = None  # what its ear knows
    life: tuple[str, str] | None = None  # conversation id, attempt id
    asked: str = ""  # attempt id of the last `Take`
    answer: asyncio.Future[bool] | None = None  # to that `Take`

    def settle(self, attempt_id: str, *, took: bool) -> None:
        """Answer the waiting `Take`; a word about another call (a caller from outside was first) is no answer."""
        if attempt_id == self.asked and self.answer is not None and not self.answer.done():
            self.answer.set_result(took)

    def gone(self) -> None:
        """The process is dead: it took what it was asked, or never will."""
        self.settle(self.asked, took=self.life is not None and self.life[1] == self.asked)


class Switch:
    """The parent's state; all of it is touched from the event loop only."""

    def __init__(self, home: Home, settings: Settings, box_stops: Callable[[], bool] = lambda: False) -> None:
        self._home = home
        self._settings = settings
        self._box_stops = box_stops
        self._log = get_logger(part="parent")
        self._bus = Bus(settings.bus, name="switch")
        self._slots = Slots(settings.sip.slots)
        self._workers: dict[int, ForkedWorker] = {}
        self._seen = SeenAttempts()
        self._idle_changed = asyncio.Condition()
        self._waiting = 0
        self._stopping = asyncio.Event()
        self._idle_list: IdleList | None = None
        self._lost_calls = LostCalls(self._bus)
        self._waker = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._waker.setblocking(False)
        self._waker.bind((settings.sip.worker_address, 0))
        self._around = Surroundings(
            realm=settings.sip.realm, prompts=home.prompts, spool=home.spool,
            sync_interval_s=settings.recording.sync_interval_s, unattended_s=settings.dialling.unattended_s,
            storage=Storage(settings.recording.reserve_mb),
        )  # fmt: skip
        self._library_asked = asyncio.Event()

    # ---- life ---------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Serve until SIGTERM, then drain: no new calls, wait a little for living ones, leave the rest alone.

        When the whole box is being stopped, living calls are hung up while edge and bus are still there.
        """
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._stopping.set)
        loop.add_signal_handler(signal.SIGINT, self._stopping.set)
        await self._load_library()
        await self._bus.connect()
        await self._bus.subscribe_live("config", self._on_config)
        await self._bus.subscribe_live("storage", self._on_storage)
        learning = asyncio.create_task(self._learn())
        self._idle_list = IdleList(self._home, self._settings)
        unserved = Unserved(self._home, self._bus.publish_event)
        self._adopt()
        await self._bus.serve("switch", self._on_command, concurrent=True)
        self._log.info("switch ready", slots=len(self._slots), living=len(self._workers))
        while not self._stopping.is_set():
            self._keep_pool()
            self._idle_list.tell(set(self._slots.numbers(SlotState.IDLE)))
            self._lost_calls.look()
            unserved.ask()
            try:
                async with asyncio.timeout(_POOL_CHECK_S):
                    await self._stopping.wait()
            except TimeoutError:
                continue
        learning.cancel()
        unserved.close()
        self._idle_list.close()
        self._idle_list = None
        await self._drain()
        await self._bus.close()
        self._waker.close()

    async def _on_config(self, _topic: str, change: Any) -> None:
        if isinstance(change, ConfigChanged) and change.what == ANNOUNCEMENTS:
            self._library_asked.set()

    async def _on_storage(self, _topic: str, state: Any) -> None:
        """Workers that are forked from now on know it from the start; the others hear it themselves."""
        if isinstance(state, StorageState) and self._around.storage.heard(state):
            self._log.info("recordings", spare_the_disk=self._around.storage.spares(self._home.spool) or "no more")

    async def _learn(self) -> None:
        """Take up what the ear was taught."""
        while True:
            await self._library_asked.wait()
            self._library_asked.clear()
            await self._load_library()
            await self._renew_idle()

    async def _renew_idle(self) -> None:
        """Workers that wait with the old library leave one by one, each once another stands in its place."""
        while not self._stopping.is_set():
            waiting = [w for w in self._workers.values() if w.life is None and w.library is not self._around.library]
            idle = next((w for w in waiting if self._slots[w.slot].state is SlotState.IDLE), None)
            if idle is not None and idle.control is not None:
                self._set_state(idle.slot, SlotState.LEAVING)
                idle.control.send(Leave())
                self._wake(idle)
                self._keep_pool()
            elif not any(self._slots[w.slot].state is SlotState.STARTING for w in waiting):
                return
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_RENEW_S), self._idle_changed:
                    await self._idle_changed.wait_for(lambda: self._slots.count(SlotState.IDLE) >= self._pool_size())

    async def _load_library(self) -> None:
        """Read the announcements, one at a time so that calls do not wait for it; a bad one is left out."""
        library = Library()
        for entry in in_use(self._home.announcements):
            try:
                samples = wavio.read(sound_path(self._home.announcements, entry))
                library.enrol(samples, entry.ann_id, announcement_label(entry.label))
            except (LibraryError, wavio.AudioFileError, ValueError) as error:
                self._log.warning("announcement not learnt", announcement=entry.ann_id, error=str(error))
            await asyncio.sleep(0)
        _ = library.index  # now, so that processes forked off share it
        self._around = replace(self._around, library=library if library.entries else None)
        self._log.info("announcements learnt", count=len(library.entries))

    async def _drain(self) -> None:
        for worker in list(self._workers.values()):
            if worker.life is None:
                self._close_control(worker)  # an idle worker ends by itself
        if self._box_stops():
            self._log.info("living calls are hung up", asked=end_conversations(self._home))
        deadline_s = time.monotonic() + _DRAIN_S
        while self._workers and time.monotonic() < deadline_s:
            await asyncio.sleep(0.05)
        self._log.info("switch stopped", living=len(self._workers))

    def _adopt(self) -> None:
        """Find the conversations of an earlier parent; those whose worker is gone are told as lost."""
        for life in life_files(self._home.run):
            try:
                if not life.alive:
                    raise ProcessLookupError
                pidfd = os.pidfd_open(life.pid)
            except ProcessLookupError:
                self._tell_lost(life.conversation_id, life.attempt_id)
                continue
            self._seen.add(life.attempt_id)
            worker = ForkedWorker(life.slot, life.pid, pidfd, life=(life.conversation_id, life.attempt_id))
            self._watch(worker)
            if life.slot < len(self._slots):
                self._slots[life.slot].state = SlotState.TAKEN
            self._log.info("conversation adopted", conversation=life.conversation_id, pid=life.pid)

    # ---- commands -----------------------------------------------------------------------------------------

    async def _on_command(self, command: Command) -> Done:
        if not isinstance(command, Originate):
            raise CallerError("switch.unknown_command", f"The switch cannot do '{type(command).__name__}'.")
        if self._stopping.is_set():
            raise BoxError("switch.stopping", "The switch is being stopped; try again in a moment.", retryable=True)
        check_originate(command, now_unix_s=time.time(), seen=self._seen)
        self._seen.add(command.attempt_id)
        deadline_s = time.monotonic() + _TAKE_TIMEOUT_S
        while worker := await self._idle_worker(deadline_s):
            if await self._hand_over(worker, command):
                return Done(id=command.conversation_id)
        self._seen.forget(command.attempt_id)
        raise BoxError("switch.full", "No worker is free for another call.", retryable=True)

    async def _idle_worker(self, deadline_s: float) -> ForkedWorker | None:
        self._waiting += 1
        try:
            self._keep_pool()
            async with self._idle_changed:
                while not (idle := self._slots.numbers(SlotState.IDLE)):
                    left_s = deadline_s - time.monotonic()
                    if left_s <= 0:
                        return None
                    try:
                        async with asyncio.timeout(left_s):
                            await self._idle_changed.wait()
                    except TimeoutError:
                        return None
                worker = next(w for w in self._workers.values() if w.slot == idle[0])
                self._slots[worker.slot].state = SlotState.TAKING
                return worker
        finally:
            self._waiting -= 1

    async def _hand_over(self, worker: ForkedWorker, command: Originate) -> bool:
        """Ask an idle worker to dial; False when it did not and never will."""
        assert worker.control is not None
        worker.asked, worker.answer = command.attempt_id, asyncio.get_running_loop().create_future()
        if not worker.control.send(Take(command)):
            return False
        self._wake(worker)
        try:
            async with asyncio.timeout(_TAKE_TIMEOUT_S):
                return await asyncio.shield(worker.answer)
        except TimeoutError:
            self._log.warning("worker does not answer, it is ended", pid=worker.pid, slot=worker.slot)
            os.kill(worker.pid, signal.SIGKILL)  # so that it cannot dial later: an attempt is dialled once
            return await worker.answer
        finally:
            self._keep_pool()

    # ---- workers ------------------------------------------------------------------------------------------

    def _keep_pool(self) -> None:
        if self._stopping.is_set():
            return
        ready = self._slots.count(SlotState.STARTING, SlotState.IDLE)
        wanted = min(_BURST, self._pool_size() - ready)
        for _ in range(wanted):
            slot = self._slots.free(time.monotonic())
            if slot is None:
                return
            self._fork(slot.number)

    def _pool_size(self) -> int:
        """So many workers should stand idle."""
        return self._settings.sip.idle_workers + self._waiting

    def _fork(self, slot: int) -> None:
        ours, theirs = ControlLine.pair()
        sys.stderr.flush()
        pid = os.fork()
        if pid == 0:
            self._in_child(slot, theirs)
        theirs.close()
        self._slots[slot].state = SlotState.STARTING
        worker = ForkedWorker(slot, pid, os.pidfd_open(pid), control=ours, library=self._around.library)
        self._watch(worker)
        asyncio.get_running_loop().add_reader(ours.fileno(), self._on_message, worker)
        asyncio.get_running_loop().call_later(_START_S, self._end_unready, worker)

    def _end_unready(self, worker: ForkedWorker) -> None:
        """A worker that hangs before it is ready would take a place in the pool for ever."""
        if self._workers.get(worker.pid) is worker and self._slots[worker.slot].state is SlotState.STARTING:
            self._log.warning("worker does not get ready, it is ended", pid=worker.pid, slot=worker.slot)
            os.kill(worker.pid, signal.SIGKILL)

    def _in_child(self, slot: int, control: ControlLine) -> None:
        """Never returns. The event loop of the parent is left untouched; its descriptors are closed."""
        code = 1
        try:
            gc.freeze()
            gc.disable()
            os.setpgrp()  # and no session of its own, which the kernel would weigh like all else of the box (autogroup)
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            keep = control.fileno()
            os.closerange(3, keep)
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # where the library talks before its log level is set
            os.closerange(keep + 1, os.sysconf("SC_OPEN_MAX"))
            code = run_worker(
                slot=slot, home=self._home, settings=self._settings, control=control, around=self._around,
                make_port=self._make_port,
            )  # fmt: skip
        except BaseException:  # noqa: BLE001 - the last line of a process: nothing above may run on
            get_logger(slot=slot).exception("worker failed")
        finally:
            os._exit(code)

    def _make_port(self, slot: int) -> TelephonyPort:
        sip = self._settings.sip
        return Pjsua2Port(
            sip_address=sip.worker_address, sip_port=sip.worker_port_base + slot,
            proxy_uri=f"sip:{sip.worker_address}:{sip.edge_worker_port};lr", realm=sip.realm,
            trunk_address=sip.trunk_address, seat_address=sip.seat_address,
            rtp_port=sip.rtp_port_base + RTP_PORTS_PER_SLOT * slot, rtp_ports=RTP_PORTS_PER_SLOT,
        )  # fmt: skip

    def _watch(self, worker: ForkedWorker) -> None:
        self._workers[worker.pid] = worker
        asyncio.get_running_loop().add_reader(worker.pidfd, self._on_exit, worker)

    def _on_message(self, worker: ForkedWorker) -> None:
        assert worker.control is not None
        for message in worker.control.receive():
            match message:
                case Ready():
                    self._set_state(worker.slot, SlotState.IDLE)
                case Taken(conversation_id=conversation_id, attempt_id=attempt_id):
                    worker.life = (conversation_id, attempt_id)
                    self._set_state(worker.slot, SlotState.TAKEN)
                    worker.settle(attempt_id, took=True)
                case Refused(attempt_id=attempt_id):
                    worker.settle(attempt_id, took=False)
        self._keep_pool()
        if worker.control.closed:
            asyncio.get_running_loop().remove_reader(worker.control.fileno())

    def _set_state(self, slot: int, state: SlotState) -> None:
        self._slots[slot].state = state
        asyncio.get_running_loop().create_task(self._announce_idle())

    async def _announce_idle(self) -> None:
        async with self._idle_changed:
            self._idle_changed.notify_all()
        if self._idle_list is not None:
            self._idle_list.tell(set(self._slots.numbers(SlotState.IDLE)))

    def _on_exit(self, worker: ForkedWorker) -> None:
        loop = asyncio.get_running_loop()
        loop.remove_reader(worker.pidfd)
        os.close(worker.pidfd)
        code = self._reap(worker.pid)
        for message in worker.control.receive() if worker.control is not None else []:
            if isinstance(message, Taken):  # a last word that came before the end
                worker.life = (message.conversation_id, message.attempt_id)
        self._close_control(worker)
        del self._workers[worker.pid]
        worker.gone()
        if worker.life is not None and life_path(self._home.run, worker.life[0]).exists():
            self._log.error("worker died", conversation=worker.life[0], pid=worker.pid, status=code)
            self._tell_lost(*worker.life)
        elif worker.life is None and code not in (EXIT_OK, None) and worker.slot < len(self._slots):
            self._slots[worker.slot].not_before_s = time.monotonic() + _SLOT_REST_S
        if worker.slot < len(self._slots):
            self._set_state(worker.slot, SlotState.FREE)
        self._keep_pool()

    def _wake(self, worker: ForkedWorker) -> None:
        sip = self._settings.sip
        try:
            self._waker.sendto(WAKE_UP, (sip.worker_address, sip.worker_port_base + worker.slot))
        except OSError as error:  # it looks by itself a moment later
            self._log.warning("worker not woken", slot=worker.slot, error=str(error))

    def _close_control(self, worker: ForkedWorker) -> None:
        """Say good-bye: an idle worker ends, a taken one goes on alone."""
        if worker.control is not None and worker.control.fileno() >= 0:
            asyncio.get_running_loop().remove_reader(worker.control.fileno())
            worker.control.close()
            self._wake(worker)

    @staticmethod
    def _reap(pid: int) -> int | None:
        try:
            return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        except ChildProcessError:
            return None  # a worker of an earlier parent

    def _tell_lost(self, conversation_id: str, attempt_id: str) -> None:
        self._log.error("conversation lost", conversation=conversation_id)
        self._lost_calls.happened()
        self._bus.publish_event(
            ConversationEnded(
                conversation_id=conversation_id, attempt_id=attempt_id, seq=LOST_SEQ, at_unix_s=time.time(),
                reason="worker_died", lost=True,
            )
        )  # fmt: skip
        life_path(self._home.run, conversation_id).unlink(missing_ok=True)


def end_conversations(home: Home) -> int:
    """Ask all living workers to hang up and end (the whole box is being stopped); returns how many were asked."""
    asked = 0
    for life in life_files(home.run):
        if life.alive:
            os.kill(life.pid, signal.SIGTERM)
            asked += 1
    return asked


def main(home: Home, settings: Settings, box_stops: Callable[[], bool] = lambda: False) -> None:
    """Run the switch until SIGTERM; `box_stops` says then whether all of the box ends.

    Raises BoxError `switch.threads` when it could not fork safely.
    """
    logs.configure("switch", level=settings.log_level)
    warm_up(settings.dialling.default_region)
    threads = len(list(Path("/proc/self/task").iterdir()))
    if threads != 1:
        raise BoxError(
            "switch.threads", f"The switch has {threads} threads and must have one to fork: start it by itself, with "
            "OPENBLAS_NUM_THREADS=1 in the environment.",
        )  # fmt: skip
    home.make()
    said = settings.dialling
    prompts.make_missing(home.prompts, company_name=said.company_name, company_number=said.company_number)
    gc.collect()
    gc.freeze()

    async def serve() -> None:
        await Switch(home, settings, box_stops).run()

    asyncio.run(serve())
