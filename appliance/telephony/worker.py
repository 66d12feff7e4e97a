"""One worker process: stands idle with its own SIP port until it gets its one conversation, carries it, ends.

Threads: the main thread polls the telephone stack and does all logic; the bus has a thread of its own; the library has
its media threads, on which only the taps' few lines of Python run.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from appliance import logs
from appliance.clock import SystemClock
from appliance.commands import ConversationCommand, Done, Originate
from appliance.errors import BusError, CallboxError
from appliance.events import StorageState, WorkerBeat
from appliance.ids import new_id
from appliance.settings import Home, Settings
from appliance.telephony.control import ControlLine, Leave, LifeFile, Ready, Refused, Take, Taken, own_start_ticks
from appliance.telephony.conversation import Conversation, Surroundings
from appliance.telephony.port import LegOffered, TelephonyPort
from appliance.thread_bus import ThreadBus

EXIT_OK, EXIT_NO_PORT, EXIT_NO_BUS = 0, 3, 4
_IDLE_POLL_MS, _POLL_MS, _POLLS_PER_EAR_STEP = 200, 200, 2
"""Longest waits: signalling, commands and the parent end a wait at once; audio and time-outs do not."""
_FAREWELL_POLL_MS = 10
_BEAT_S = 1.0
_COLLECT_S = 5.0
_EVENTS_LINGER_S, _LAST_WORDS_S = 600.0, 5.0
"""How long a worker waits for a bus that is away, or whose disk is full; and when the whole box ends."""
_SWITCH_INTERVAL_S = 0.001  # the media clock's thread gets the interpreter within this
_PAGE_MB = os.sysconf("SC_PAGE_SIZE") / 2**20


class Worker:
    """The loop of one worker."""

    def __init__(
        self, *, slot: int, port: TelephonyPort, bus: ThreadBus, control: ControlLine, run: Path, around: Surroundings
    ) -> None:
        self._slot = slot
        self._port = port
        self._bus = bus
        self._control = control
        self._run = run
        self._around = around
        self._clock = SystemClock()
        self._conversation: Conversation | None = None
        self._life: LifeFile | None = None
        self._next_beat_s = 0.0
        self._next_collect_s = 0.0
        self._asked_to_end = False
        self._leaving = False

    def ask_to_end(self) -> None:
        """End soon (signal handler)."""
        self._asked_to_end = True

    def loop(self) -> None:
        """Run until the conversation is over, or until the parent is gone while idle."""
        self._control.send(Ready())
        while True:
            self._port.poll(self._wait_ms())
            self._take_messages()
            if self._conversation is None:
                if self._control.closed or self._asked_to_end:
                    return
                self._look_for_caller()
                if self._leaving and self._conversation is None:
                    return
                continue
            self._conversation.step()
            if self._conversation.ended:
                return
            if self._asked_to_end:
                self._conversation.end("shutdown")
            self._housekeeping()

    def _wait_ms(self) -> int:
        if self._conversation is None:
            return _IDLE_POLL_MS
        step_ms = self._conversation.ear_step_ms
        return step_ms // _POLLS_PER_EAR_STEP if step_ms else _POLL_MS

    def _take_messages(self) -> None:
        for message in self._control.receive():
            if isinstance(message, Leave):
                self._leaving = True
            if not isinstance(message, Take):
                continue
            originate = message.originate
            if self._conversation is not None or not self._port.accept_calls:
                self._control.send(Refused(originate.attempt_id))
                continue
            self._port.accept_calls = False
            conversation = self._begin(originate.conversation_id, originate.attempt_id, originate.campaign_id)
            self._log_begin(originate)
            conversation.originate(originate)

    def _look_for_caller(self) -> None:
        for event in self._port.take_events():
            if isinstance(event, LegOffered):
                own_id = new_id()
                logs.get_logger(conversation=own_id).info("caller from outside", pii_caller=event.from_uri)
                self._begin(own_id, own_id, "").accept(event)
                return

    @staticmethod
    def _log_begin(originate: Originate) -> None:
        logs.get_logger(conversation=originate.conversation_id).info(
            "dialling", trunk=originate.trunk_id, pii_number=originate.number
        )

    def _begin(self, conversation_id: str, attempt_id: str, campaign_id: str) -> Conversation:
        """Make the conversation known - to commands, to a later parent, to the parent - before anything is dialled."""
        conversation = Conversation(
            conversation_id=conversation_id, attempt_id=attempt_id, campaign_id=campaign_id, port=self._port,
            clock=self._clock, publish=self._bus.publish_event, around=self._around, figures=_own_figures,
        )  # fmt: skip

        def on_command(command: ConversationCommand) -> Done:
            conversation.post(command)
            self._port.wake()
            return Done(id=conversation_id)

        self._bus.serve(f"conversation.{conversation_id}", on_command, queue=False)
        self._life = LifeFile(
            conversation_id=conversation_id, attempt_id=attempt_id, slot=self._slot, pid=os.getpid(),
            started_ticks=own_start_ticks(), started_unix_s=time.time(),
        )  # fmt: skip
        self._life.write(self._run)
        self._conversation = conversation
        self._control.send(Taken(conversation_id, attempt_id))
        return conversation

    def _housekeeping(self) -> None:
        now_s = time.monotonic()
        if now_s >= self._next_beat_s and self._life is not None:
            self._next_beat_s = now_s + _BEAT_S
            life = self._life
            self._bus.publish_live(
                f"worker.{life.conversation_id}",
                WorkerBeat(
                    conversation_id=life.conversation_id, attempt_id=life.attempt_id, pid=life.pid, slot=life.slot,
                    started_unix_s=life.started_unix_s,
                ),
            )  # fmt: skip
        if now_s >= self._next_collect_s:
            self._next_collect_s = now_s + _COLLECT_S
            gc.collect()

    def farewell(self) -> None:
        """Wait until the stream has all events, still beating, then take the life file away."""
        began_s = time.monotonic()
        while self._bus.unsent_events:
            if time.monotonic() - began_s > (_LAST_WORDS_S if self._asked_to_end else _EVENTS_LINGER_S):
                break
            self._port.poll(_FAREWELL_POLL_MS)
            self._housekeeping()
        if self._life is not None and not self._bus.unsent_events:
            self._life.remove(self._run)


def _own_figures() -> dict[str, float]:
    resident_pages = int(Path("/proc/self/statm").read_text().split()[1])
    return {"cpu_s": round(time.process_time(), 3), "rss_mb": round(resident_pages * _PAGE_MB, 1)}


class _Stderr:
    """Log stream that outlives the parent's pipe: when that breaks, lines go to a file in the log folder."""

    def __init__(self, fallback: Path) -> None:
        self._fallback = fallback

    def write(self, text: str) -> int:
        data = text.encode("utf-8", "replace")
        try:
            os.write(2, data)
        except OSError:
            fd = os.open(self._fallback, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            os.dup2(fd, 2)
            os.close(fd)
            os.write(2, data)
        return len(text)

    def flush(self) -> None:
        """Nothing is kept back."""


def run_worker(
    *, slot: int, home: Home, settings: Settings, control: ControlLine, around: Surroundings,
    make_port: Callable[[int], TelephonyPort],
) -> int:  # fmt: skip
    """Body of a freshly forked process; returns its exit code."""
    sys.stderr = _Stderr(home.logs / "switch-worker.log")
    logs.configure("worker", level=settings.log_level)
    log = logs.get_logger(slot=slot)
    sys.setswitchinterval(_SWITCH_INTERVAL_S)
    try:
        port = make_port(slot)
    except CallboxError as error:
        log.warning("worker not started", error_id=error.error_id, error=error.message)
        return EXIT_NO_PORT
    bus = ThreadBus(settings.bus, name=f"worker-{slot}")
    try:
        bus.connect()
    except BusError as error:
        log.warning("worker not started", error_id=error.error_id, error=error.message)
        return EXIT_NO_BUS

    def on_storage(_topic: str, state: object) -> None:
        if isinstance(state, StorageState):
            around.storage.heard(state)

    bus.subscribe_live("storage", on_storage)
    worker = Worker(slot=slot, port=port, bus=bus, control=control, run=home.run, around=around)
    signal.signal(signal.SIGTERM, lambda *_: worker.ask_to_end())
    worker.loop()
    worker.farewell()
    bus.close()
    return EXIT_OK
