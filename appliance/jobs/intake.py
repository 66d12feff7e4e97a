"""What arrives from the switch: rows for recordings that begin, archive jobs for those that are closed or left over.

Events may come twice, late or not at all; the spool on the disk decides in the end.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from appliance.events import Bridged, ConversationEnded, ConversationEvent, RecordingClosed, RecordingStarted
from appliance.jobs.context import Context
from appliance.jobs.spool import RATE_HZ, Spool, spools
from appliance.logs import get_logger
from appliance.store.repositories import recordings

ARCHIVE = "archive"
"""Kind of the job that archives one recording; payload {recording_id}."""

ORPHAN_IDLE_S = 30.0
_BEAT_LIFE_S = 5.0

log = get_logger()


def archive_job_id(recording_id: str) -> str:
    return f"{ARCHIVE}-{recording_id}"


class Intake:
    """`ask(recording_id)` asks for the archive job; called from any thread."""

    def __init__(self, context: Context, ask: Callable[[str], None]) -> None:
        self._context = context
        self._ask = ask
        self._lock = threading.Lock()
        self._beats: dict[str, float] = {}  # living conversations, when last heard of (monotonic)
        self._began_s = context.clock.monotonic_s()

    def on_beat(self, conversation_id: str) -> None:
        """A worker lives: its spool is in use however silent it is."""
        with self._lock:
            self._beats[conversation_id] = self._context.clock.monotonic_s()

    def calls_live(self) -> bool:
        """Whether any conversation lives now."""
        now_s = self._context.clock.monotonic_s()
        with self._lock:
            return any(now_s - at < _BEAT_LIFE_S for at in self._beats.values())

    def on_event(self, event: ConversationEvent) -> None:
        """Take one conversation event; idempotent, in any order. Raises StoreError: `sweep` makes up for it."""
        match event:
            case RecordingStarted():
                self._note(event.recording_id, event.conversation_id, 0)
            case RecordingClosed():
                self._note(event.recording_id, event.conversation_id, event.frames, event.gaps)
                self._ask(event.recording_id)
            case Bridged():
                self._bridged(event)
            case ConversationEnded():
                self._ended(event)

    def _note(
        self, recording_id: str, conversation_id: str, frames: int, gaps: list[list[float]] | None = None
    ) -> None:
        spool = Spool(self._context.home.spool / f"{recording_id}.au")
        about = {**spool.about(), "conversation_id": conversation_id}
        with self._context.store.write() as session:
            recording = recordings.note(session, recording_id, spool_path=str(spool.audio), **about)
            if recording.state == recordings.SPOOL and frames:
                recording.duration_s = frames / RATE_HZ
            if gaps:
                recording.gaps = gaps

    def _bridged(self, event: Bridged) -> None:
        with self._context.store.write() as session:
            for recording in recordings.of_conversation(session, event.conversation_id):
                recording.agent_id = event.agent_id or recording.agent_id  # none: passed on to a number outside
                recording.seat_id = event.seat_id or recording.seat_id

    def _ended(self, event: ConversationEnded) -> None:
        """The worker is gone for certain: what it left open is archived now."""
        with self._lock:
            self._beats.pop(event.conversation_id, None)
        with self._context.store.read() as session:
            found = recordings.of_conversation(session, event.conversation_id)
        for recording in found:
            if recording.state == recordings.SPOOL:
                self._ask(recording.id)

    def sweep(self) -> int:
        """Ask for the archive of every spool that nobody writes any more; returns how many there are.

        A spool is left over when it was silent for 30 s and no worker beats for its conversation. In the first
        seconds after a start nothing can be said about beats.
        """
        now_s = self._context.clock.monotonic_s()
        if now_s - self._began_s < _BEAT_LIFE_S:
            return 0
        with self._lock:
            self._beats = {name: at for name, at in self._beats.items() if now_s - at < _BEAT_LIFE_S}
            alive = set(self._beats)
        now_unix_s = self._context.clock.now().timestamp()
        count = 0
        for spool in spools(self._context.home.spool):
            try:
                idle = spool.idle_s(now_unix_s) >= ORPHAN_IDLE_S
            except FileNotFoundError:
                continue  # archived while we looked
            if idle and spool.about()["conversation_id"] not in alive:
                self._ask(spool.recording_id)
                count += 1
        return count
