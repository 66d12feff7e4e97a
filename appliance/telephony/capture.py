"""What is taken off a conversation's audio: the ear on the customer's line, the stereo recording, the tap's figures."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

from appliance.clock import Clock
from appliance.commands import ListenPolicy, RecordPolicy
from appliance.errors import BoxError
from appliance.events import Heard, RecordingClosed, RecordingStarted
from appliance.ids import new_id
from appliance.logs import get_logger
from appliance.telephony.ear import Ear, listener_config
from appliance.telephony.gaps import Gaps
from appliance.telephony.mixing import LEFT, RIGHT
from appliance.telephony.port import FRAME_S, Route, Tap, TelephonyPort
from appliance.telephony.recording import CONVERSATION, EVIDENCE, Sidecar, SpoolWriter
from appliance.telephony.storage import Storage
from appliance.telephony.taps import SILENCE, GapMeter, StereoJoin, interleave
from appliance.types import Outcome
from audio.fingerprint import Library
from audio.labels import Kind as HeardKind
from audio.labels import Label
from audio.verdict import Verdict

Publish = Callable[..., None]
_ANSWERED = "answered"
_LATE_MS = 8000
"""The ear goes on listening until so long after answer: for what puts its word right, or says which machine it is."""
_BEEP_MS = 45_000
"""So long after answer a machine's beep is waited for, where a message is to be left."""
_EVIDENCE_FRAMES = round(10.0 / FRAME_S)
_ORDINARY = frozenset({Outcome.RINGBACK, Outcome.SILENCE, Outcome.MUSIC})
_SURE = 0.8
"""Early media that ended in an ordinary word, surely said, are worth no evidence."""


class Capture:
    """Feeds ear and recording from the taps; each tap lives only while one of them needs it."""

    def __init__(
        self, *, conversation_id: str, attempt_id: str, campaign_id: str, port: TelephonyPort, clock: Clock,
        publish: Publish, folder: Path, sync_interval_s: float, listen: ListenPolicy, library: Library | None,
        storage: Storage,
    ) -> None:  # fmt: skip
        self._ids = (conversation_id, attempt_id, campaign_id)
        self._port = port
        self._clock = clock
        self._publish = publish
        self._folder = folder
        self._sync_interval_s = sync_interval_s
        self._storage = storage
        self._listen = listen
        self._library = library
        self._log = get_logger(conversation=conversation_id)
        self._left: Tap | None = None
        self._right: Tap | None = None
        self._ear: Ear | None = None
        self._final: Verdict | None = None  # of the present phase
        self._waits_for_beep = False
        self._early: deque[bytes] = deque(maxlen=_EVIDENCE_FRAMES)  # the last seconds before answer
        self._early_frames = 0
        self._keeps_evidence = False
        self._spool: SpoolWriter | None = None
        self._join = StereoJoin()
        self._left_out = Gaps()
        self.gaps = GapMeter()

    # ---- what happens on the line -------------------------------------------------------------------------

    @property
    def ear_step_ms(self) -> int:
        """The ear takes so much audio at a time; 0: nobody listens."""
        return self._ear.step_ms if self._ear is not None else 0

    def media_began(self, *, answered: bool, record: RecordPolicy) -> None:
        """Audio of the customer's line flows for the first time, before or at the answer."""
        if self._listen.enabled and self._ear is None:
            config = listener_config(
                deadline_ms=self._listen.deadline_ms, machine_certainty=self._listen.machine_certainty
            )
            self._ear = Ear(country=self._listen.country, config=config, library=self._library, answered=answered)
        self._keeps_evidence = self._ear is not None and record.enabled and not record.early and not answered
        if record.enabled and record.early:
            self._start_recording()
        self._open_left()

    def answered(self, *, record: bool) -> None:
        """The customer answered: the ear's clocks start anew, the recording begins."""
        self._final = None
        self._keeps_evidence = False
        self._early.clear()
        if self._ear is not None:
            self._ear.answer()
        if record:
            self._start_recording()
        self._open_left()

    def expect(self, wanted: frozenset[Route]) -> None:
        """Open the right channel before the first of our side speaks into it."""
        if self._spool is not None and self._right is None and any(sink == RIGHT for _, sink in wanted):
            self._right = self._port.open_tap(RIGHT)

    def drain(self) -> None:
        """Move what the taps hold to ear and recording."""
        if self._left is None:
            return
        frames = self._left.take()
        for stamp_s, _ in frames:
            self.gaps.add(stamp_s)
        if self._spool is not None:
            self._join.left(self._left_out.cover(LEFT, frames))
            if self._right is not None:
                self._join.right(self._left_out.cover(RIGHT, self._right.take()))
            self._spool.append(self._join.take())
        if self._keeps_evidence:
            self._early.extend(data for _, data in frames)
            self._early_frames += len(frames)
        if self._ear is not None and frames:
            self._hear([data for _, data in frames])

    def line_gone(self) -> None:
        """The customer's line is over: the ear says its last word if it has not."""
        self.drain()
        if self._ear is not None and self._ear.heard_audio and self._final is None:
            self._say_last_word(self._ear)
        self._ear = None
        if self._keeps_evidence and self._final is not None:
            self._keep_evidence(self._final)

    def close(self) -> dict[str, Any]:
        """End the recording; returns the tap's figures for `ConversationEnded`."""
        self._ear = None
        self.drain()
        self._close_recording()
        self._close_left()
        return {
            "lost_frames": self.gaps.lost_frames,
            "tap_gap_p50_ms": self.gaps.percentile_ms(0.50),
            "tap_gap_p99_ms": self.gaps.percentile_ms(0.99),
            "tap_gap_max_ms": round(self.gaps.max_ms, 1),
            "tap_gap_counts": self.gaps.counts,
        }

    # ---- ear ----------------------------------------------------------------------------------------------

    def _hear(self, frames: list[bytes]) -> None:
        ear = self._ear
        assert ear is not None
        try:
            verdicts = ear.push(frames)
        except Exception:  # noqa: BLE001 - a broken ear costs neither call nor customer: the doubt goes to an agent
            self._log.exception("ear failed")
            if self._final is None:
                self._say(ear.phase, Verdict(Label.UNKNOWN, HeardKind.SPEECH, "ear_failed", 0.0, 0, final=True))
            self._drop_ear()
            return
        for verdict in verdicts:
            self._say(ear.phase, verdict)
        until_ms = _BEEP_MS if self._waits_for_beep else _LATE_MS
        if self._final is not None and ear.phase == _ANSWERED and ear.heard_ms >= until_ms:
            self._drop_ear()

    def _say(self, phase: str, verdict: Verdict, **more: bool) -> None:
        self._publish(
            Heard, phase=phase, label=verdict.label.value, kind=verdict.kind.value, reason=verdict.reason,
            confidence=verdict.confidence, decided_at_ms=verdict.decided_at_ms, final=verdict.final,
            evidence={**verdict.evidence, **more},
        )  # fmt: skip
        if verdict.final:
            self._log.info("heard", phase=phase, label=verdict.label.value, reason=verdict.reason)
            self._final = verdict
        if phase != _ANSWERED or not self._listen.until_beep:
            return
        if "beep_end_ms" in verdict.evidence:  # the message is left now
            self._drop_ear()
        elif verdict.label is Label.MACHINE:
            self._waits_for_beep = True

    def _say_last_word(self, ear: Ear) -> None:
        try:
            verdict = ear.finish()
        except Exception:  # noqa: BLE001 - the line is over; its outcome follows from signalling
            self._log.exception("ear failed at the end")
            return
        self._say(ear.phase, verdict, line_gone=True)

    def _drop_ear(self) -> None:
        self._ear = None
        if self._spool is None:
            self._close_left()

    # ---- recording ----------------------------------------------------------------------------------------

    @property
    def is_recording(self) -> bool:
        return self._spool is not None

    @property
    def is_paused(self) -> bool:
        """What is said now is left out of the recording."""
        return self._left_out.open

    def pause(self, *, on: bool) -> None:
        """Leave out what is said from this moment on, or go on recording."""
        self.drain()
        self._left_out.switch(on=on)

    def begin(self) -> None:
        """Record from now on."""
        self.drain()
        self._start_recording()
        self._open_left()

    def _start_recording(self) -> None:
        if self._spool is None:
            self._spool = self._open_spool(CONVERSATION, begins_ms=0, ago_s=0.0)
            self._join, self._left_out = StereoJoin(), Gaps()

    def _open_spool(self, kind: str, *, begins_ms: int, ago_s: float) -> SpoolWriter | None:
        """Begin a recording of what sounds since `ago_s`; None, and told, when the disk does not take it."""
        began_s = self._clock.now().timestamp() - ago_s
        sidecar = Sidecar(new_id(), *self._ids, started_at_unix_s=began_s, kind=kind, begins_ms=begins_ms)
        try:
            spool = SpoolWriter(self._folder, sidecar, sync_interval_s=self._sync_interval_s)
        except BoxError as error:
            self._log.error("not recorded, call goes on", error_id=error.error_id, error=error.message)
            self._publish(
                RecordingClosed, recording_id=sidecar.recording_id, spool_path="", frames=0, error_id=error.error_id
            )
            return None
        self._publish(RecordingStarted, recording_id=spool.recording_id, spool_path=str(spool.path))
        return spool

    def _keep_evidence(self, verdict: Verdict) -> None:
        """Write the last seconds before the end of a call that nobody answered, if the verdict is worth a listen."""
        frames, self._keeps_evidence = list(self._early), False
        ordinary = verdict.label.value in _ORDINARY and verdict.confidence >= _SURE
        if ordinary or not frames or self._storage.spares(self._folder):
            return
        begins_ms = round((self._early_frames - len(frames)) * FRAME_S * 1000)
        spool = self._open_spool(EVIDENCE, begins_ms=begins_ms, ago_s=len(frames) * FRAME_S)
        if spool is not None:
            spool.append(interleave(frames, [SILENCE] * len(frames)))
            self._end_spool(spool)

    def _end_spool(self, spool: SpoolWriter, gaps: list[list[float]] | None = None) -> None:
        frames = spool.close()
        self._publish(
            RecordingClosed, recording_id=spool.recording_id, spool_path=str(spool.path), frames=frames,
            error_id=spool.error.error_id if spool.error is not None else "", gaps=gaps or [],
        )  # fmt: skip

    def _close_recording(self) -> None:
        if self._spool is None:
            return
        self._spool.append(self._join.take(all_of_it=True))
        self._end_spool(self._spool, self._left_out.spans)
        self._spool = None
        if self._right is not None:
            self._port.close_tap(RIGHT)
            self._right = None

    # ---- taps ---------------------------------------------------------------------------------------------

    def _open_left(self) -> None:
        if self._left is None and (self._ear is not None or self._spool is not None):
            self._left = self._port.open_tap(LEFT)

    def _close_left(self) -> None:
        if self._left is not None:
            self._port.close_tap(LEFT)
            self._left = None
