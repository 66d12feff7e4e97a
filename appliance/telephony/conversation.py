"""One conversation: its legs, its ear, its recording; port events and commands in, conversation events out.

Everything here runs on the worker's main thread except `post`, which the bus thread calls. Time comes from a `Clock`,
the telephone stack from a `TelephonyPort`, so that a test can play any call through it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from appliance import commands as cmd
from appliance import events as ev
from appliance.clock import Clock
from appliance.domain.recording_policy import from_answer
from appliance.errors import CallboxError, CallerError
from appliance.logs import get_logger
from appliance.telephony.capture import Capture
from appliance.telephony.legs import Leg, leg_dial, seat_dial, trunk_dial
from appliance.telephony.mixing import Mix, routes
from appliance.telephony.passing import AGAIN, Passing, is_away, standing
from appliance.telephony.port import (
    LegDead,
    LegDigit,
    LegDown,
    LegMedia,
    LegOffered,
    LegProvisional,
    LegUp,
    PortEvent,
    SoundEnded,
    TelephonyPort,
)  # fmt: skip
from appliance.telephony.prompts import CLOSED, prompt_path
from appliance.telephony.seat_recording import SeatRecording
from appliance.telephony.signalling import called_user, end_cause, header
from appliance.telephony.sounds import Sounds
from appliance.telephony.surroundings import Surroundings as Surroundings
from appliance.types import LegRole, LegState

_GONE_AFTER_S = 3.0
"""A far end that does not confirm our hang-up within this is taken for gone."""
_OK, _NO_SDP, _UNAVAILABLE, _REQUEST_TERMINATED = 200, 406, 480, 487
_UNDECIDED_S = 20.0
"""A caller for whom the engine decides nothing within this (it is away) is let go unanswered."""


class Conversation:
    """See the module. `ended` becomes True after `ConversationEnded` was published."""

    def __init__(
        self, *, conversation_id: str, attempt_id: str, campaign_id: str, port: TelephonyPort, clock: Clock,
        publish: Callable[[ev.ConversationEvent], None], around: Surroundings, figures: Callable[[], dict[str, float]],
    ) -> None:  # fmt: skip
        self.conversation_id = conversation_id
        self.attempt_id = attempt_id
        self.ended = False
        self._campaign_id = campaign_id
        self._port = port
        self._clock = clock
        self._publish_event = publish
        self._around = around
        self._figures = figures
        self._log, self._seq = get_logger(conversation=conversation_id), 0
        self._legs: dict[str, Leg] = {}
        self._primary = LegRole.TRUNK.value
        self._caller_id: str | None = None
        self._recording = SeatRecording()
        self._passing = Passing()
        self._controls = ev.Controls(conversation_id="", attempt_id="", seq=0, at_unix_s=0.0)  # as last told
        self._muted = False
        self._sounds = Sounds(port, around.prompts, self._remix)
        self._commands: deque[cmd.ConversationCommand] = deque()
        self._reason = ""
        self._attended_s = clock.monotonic_s()
        self._rtp_received = 0
        self._rtp_lost = 0
        self._capture: Capture | None = None
        self._handlers: dict[type, Callable[[Any], None]] = {
            LegProvisional: self._on_provisional, LegMedia: self._on_media, LegUp: self._on_up, LegDown: self._on_down,
            LegDigit: self._on_digit, LegDead: self._on_dead, SoundEnded: self._on_sound_ended,
            cmd.ConnectSeat: self._connect_seat, cmd.Hangup: self._hangup, cmd.Hold: self._hold,
            cmd.Supervise: self._supervise, cmd.SendDtmf: lambda c: port.send_dtmf(c.role.value, c.digits),
            cmd.PlayPrompt: self._sounds.play, cmd.AnswerInbound: self._answer_inbound,
            cmd.HandOver: self._hand_over, cmd.Mute: self._mute, cmd.PauseRecording: self._change_recording,
            cmd.StartRecording: self._change_recording,
        }  # fmt: skip

    # ---- beginnings ---------------------------------------------------------------------------------------

    def originate(self, command: cmd.Originate) -> None:
        """Dial the trunk leg; a dial that fails at once ends the conversation with its events."""
        self._caller_id = command.caller_id
        self._recording.order = command.record
        self._capture = self._new_capture(command.listen)
        leg = Leg(LegRole.TRUNK, deadline_s=self._clock.monotonic_s() + command.ring_timeout_s)
        dial = trunk_dial(
            command.number, trunk_id=command.trunk_id, caller_id=command.caller_id, realm=self._around.realm
        )
        self._start_leg(leg, lambda: self._port.dial(leg.name, dial))

    def accept(self, offer: LegOffered) -> None:
        """Somebody calls the box. A seat is answered at once; a caller from a trunk rings until the engine decides."""
        from_seat = (header(offer.message, "x-callbox-leg") or "").lower() == "seat"
        role = LegRole.SEAT if from_seat else LegRole.TRUNK
        self._primary = role.value
        self._capture = self._new_capture(cmd.ListenPolicy(enabled=False))
        leg = Leg(role, inbound=True, seat_id=header(offer.message, "x-callbox-seat") if from_seat else None)
        self._port.rename(offer.leg, leg.name)
        if from_seat:
            self._start_leg(leg, lambda: self._port.answer(leg.name))
            return
        leg.deadline_s = self._clock.monotonic_s() + _UNDECIDED_S
        self._legs[leg.name] = leg
        self._caller_id = header(offer.message, "x-callbox-calling")
        self._publish(
            ev.InboundOffered, trunk_id=header(offer.message, "x-callbox-trunk") or "", caller=self._caller_id or "",
            called=called_user(offer.message),
        )  # fmt: skip

    def _answer_inbound(self, command: cmd.AnswerInbound) -> None:
        leg = self._legs.get(self._primary)
        if leg is not None and leg.inbound and not leg.answered:
            self._recording.order = command.record
            self._port.answer(leg.name)

    def _new_capture(self, listen: cmd.ListenPolicy) -> Capture:
        return Capture(
            conversation_id=self.conversation_id, attempt_id=self.attempt_id, campaign_id=self._campaign_id,
            port=self._port, clock=self._clock, publish=self._publish, folder=self._around.spool,
            sync_interval_s=self._around.sync_interval_s, listen=listen, library=self._around.library,
            storage=self._around.storage,
        )  # fmt: skip

    def _start_leg(self, leg: Leg, start: Callable[[], None]) -> None:
        self._legs[leg.name] = leg
        try:
            start()
        except CallboxError as error:
            self._log.warning("leg not started", leg=leg.name, error=error.message)
            self._on_down(LegDown(leg.name, 500, error.error_id))

    # ---- the loop -----------------------------------------------------------------------------------------

    @property
    def ear_step_ms(self) -> int:
        """The ear takes so much audio at a time; 0: nobody listens."""
        return self._capture.ear_step_ms if self._capture is not None else 0

    def post(self, command: cmd.ConversationCommand) -> None:
        """Queue a command (any thread). Raises CallerError when the conversation cannot take it any more."""
        if self.ended or self._primary not in self._legs or self._legs[self._primary].by_us:
            raise CallerError("conversation.ended", "The call has ended meanwhile: nothing was done.")
        if type(command) not in self._handlers:
            raise CallerError("conversation.unknown_command", f"A call cannot do '{type(command).__name__}'.")
        if isinstance(command, cmd.ConnectSeat):
            self._check_connect(command)
        if isinstance(command, cmd.Supervise) and not self._legs[self._primary].answered:
            raise CallerError("conversation.not_answered", "There is nothing to listen to yet.", retryable=True)
        if isinstance(command, cmd.PlayPrompt):
            for prompt_id in (command.prompt_id, *command.then):
                prompt_path(self._around.prompts, prompt_id)
        if isinstance(command, cmd.Hold):
            prompt_path(self._around.prompts, command.music)
        if isinstance(command, cmd.HandOver):
            self._seat_that_talks()
        if isinstance(command, cmd.PauseRecording | cmd.StartRecording):
            self._recording.check(command, self._capture, self._legs.get(LegRole.SEAT.value))
        self._commands.append(command)

    def step(self) -> None:
        """Do all that has come due: audio first, then events, commands and time-outs."""
        if self._capture is not None:
            self._capture.drain()
        for event in self._port.take_events():
            self._handle(event)
        while self._commands and not self.ended:
            self._handle(self._commands.popleft())
        if not self.ended:
            self._check_times()
        if not self.ended:
            self._tell_controls()

    def end(self, reason: str) -> None:
        """Hang up everything; events follow as the legs go."""
        self._reason = self._reason or reason
        for leg in list(self._legs.values()):
            self._end_leg(leg, reason)

    def _handle(self, item: PortEvent | cmd.ConversationCommand) -> None:
        handler = self._handlers.get(type(item))
        try:
            if handler is not None:
                handler(item)
        except CallboxError as error:
            self._log.warning("not done", what=type(item).__name__, error_id=error.error_id, error=error.message)

    def _check_times(self) -> None:
        now_s = self._clock.monotonic_s()
        for leg in list(self._legs.values()):
            if leg.gone_by_s is not None:
                if now_s >= leg.gone_by_s:
                    self._on_down(LegDown(leg.name, leg.sip_status, "not confirmed"))
            elif leg.deadline_s is not None and now_s >= leg.deadline_s:
                if leg.inbound:
                    self._log.warning("nobody decided about the caller, he is let go")
                    self._end_leg(leg, "undecided", _UNAVAILABLE)
                else:
                    self._end_leg(leg, "ring_timeout" if leg.role is LegRole.TRUNK else "timeout")
        if self._passing.seat_is_lost(now_s):
            self._log.warning("the seat did not come back, the call is let go")
            self.end("seat_lost")
        primary = self._legs.get(self._primary)
        if len(self._legs) != 1 or self._sounds.prompt is not None or primary is None or not primary.answered:
            self._attended_s = now_s
        elif now_s - self._attended_s > self._around.unattended_s and not primary.by_us:
            self._log.warning("nobody attends to the call, it is let go")
            self.end("unattended")

    # ---- port events --------------------------------------------------------------------------------------

    def _on_provisional(self, event: LegProvisional) -> None:
        leg = self._legs.get(event.leg)
        if leg is None or leg.answered or leg.by_us:
            return
        leg.q850_early = end_cause(event.message).q850 or leg.q850_early
        if event.sip_status == leg.sip_status:
            return
        leg.sip_status = event.sip_status
        if leg.state is LegState.CALLING:
            leg.state = LegState.RINGING
        self._publish(ev.LegProgress, role=leg.name, sip_status=event.sip_status, early_media=leg.media)

    def _on_media(self, event: LegMedia) -> None:
        leg = self._legs.get(event.leg)
        if leg is None:
            return
        began = event.active and not leg.media
        leg.media = event.active
        if began and leg.name == self._primary:
            if event.early and not leg.inbound:
                leg.state = LegState.EARLY
                self._publish(ev.LegProgress, role=leg.name, sip_status=leg.sip_status or 183, early_media=True)
            if self._capture is not None:
                self._capture.media_began(answered=not event.early, record=self._recording.order)
        self._remix()

    def _on_up(self, event: LegUp) -> None:
        leg = self._legs.get(event.leg)
        if leg is None or leg.answered:
            return
        leg.answered, leg.state, leg.deadline_s = True, LegState.ANSWERED, None
        self._log.info("leg answered", leg=leg.name)
        self._publish(ev.LegAnswered, role=leg.name, seat_id=leg.seat_id)
        if leg.name == self._primary:
            if self._capture is not None:
                self._capture.answered(record=from_answer(self._recording.order))
            if leg.inbound and leg.role is LegRole.SEAT:
                self._sounds.play(
                    cmd.PlayPrompt(
                        conversation_id=self.conversation_id, prompt_id=CLOSED, role=leg.role, hangup_after=True
                    )
                )
        elif leg.role is LegRole.SEAT:
            self._passing.back_by_s = None
            if self._sounds.until_bridged:
                self._sounds.resume()
            self._recording.at(leg.seat_id or "", self._capture)
            self._publish(ev.Bridged, seat_id=leg.seat_id or "", agent_id=leg.agent_id)
        self._remix()

    def _on_down(self, event: LegDown) -> None:
        leg = self._legs.pop(event.leg, None)
        if leg is None:
            return
        leg.state = LegState.ENDED
        self._rtp_received += event.figures.rtp_received
        self._rtp_lost += event.figures.rtp_lost
        cause = end_cause(event.message)
        q850 = cause.q850 if cause.q850 is not None or leg.answered else leg.q850_early
        status = event.sip_status
        if leg.by_us and not leg.answered and status in (0, _OK):
            status = _REQUEST_TERMINATED
        reason = leg.end_reason or cause.text or event.reason
        if status == _NO_SDP and not event.message.startswith(f"SIP/2.0 {_NO_SDP}"):
            reason = "answer_without_sdp"  # the stack's own word for a 200 that carries no session
        self._log.info("leg ended", leg=leg.name, sip_status=status, q850=q850, reason=reason)
        primary = leg.name == self._primary
        if primary and self._capture is not None:
            self._capture.line_gone()
        self._publish(
            ev.LegEnded, role=leg.name, sip_status=status, reason=reason, q850=q850,
            retry_after_s=cause.retry_after_s, by_us=leg.by_us, answered=leg.answered, seat_id=leg.seat_id,
        )  # fmt: skip
        if primary:
            self._reason = self._reason or reason
        elif leg.role is LegRole.SEAT and not leg.answered:
            self._publish(
                ev.SeatFailed, seat_id=leg.seat_id or "", agent_id=leg.agent_id, sip_status=status, reason=reason
            )
        self._remix()
        if primary:
            self.end(leg.end_reason or "far_end")
        elif leg.role is LegRole.SEAT:
            self._seat_gone(leg, reason)
        if not self._legs:
            self._finish()

    def _seat_gone(self, leg: Leg, reason: str) -> None:
        """The seat left the customer to somebody, is called again, may come back - or has hung up."""
        over, again = self._passing.handed_over, self._passing.again
        self._passing.handed_over = self._passing.again = None
        if over is not None:
            third = self._passing.heir(self._legs, over)
            if third is not None:
                self._port.rename(third.name, LegRole.SEAT.value)
                self._passing.take_over(self._legs, third, over)
                self._recording.at(third.seat_id or "", self._capture)
                self._sounds.resume()
            kind, fields = self._passing.word(over, third)
            self._publish(kind, **fields)
            self._remix()
        elif again is not None:
            self._passing.seat_away(self._clock.monotonic_s())
            self._connect_seat(again)
        elif leg.answered and is_away(reason) and self._primary != leg.name:
            self._passing.seat_away(self._clock.monotonic_s())
            self._sounds.music_until_bridged()
        elif leg.answered and not self._other_side():
            self.end(leg.end_reason or "seat_hung_up")

    def _other_side(self) -> bool:
        """Somebody of our side is still there, or being called, for the customer."""
        return any(leg.role in (LegRole.SEAT, LegRole.TRANSFER) for leg in self._legs.values())

    def _on_digit(self, event: LegDigit) -> None:
        if self._capture is not None and self._capture.is_paused:
            return  # a card number is nobody's business
        self._publish(ev.DtmfReceived, role=event.leg, digit=event.digit, duration_ms=event.duration_ms)

    def _on_dead(self, event: LegDead) -> None:
        leg = self._legs.get(event.leg)
        if leg is not None and leg.answered:
            self._log.warning("no audio comes any more, leg is ended", leg=leg.name)
            self._end_leg(leg, "media_lost")

    def _on_sound_ended(self, event: SoundEnded) -> None:
        prompt = self._sounds.ended(event.sound)
        if prompt is None:
            return
        self._publish(ev.PromptEnded, prompt_id=prompt.prompt_id, role=prompt.role.value)
        if prompt.hangup_after and prompt.role.value in self._legs:
            self._hangup(
                cmd.Hangup(conversation_id=self.conversation_id, role=prompt.role, reason=f"after_{prompt.prompt_id}")
            )

    # ---- commands -----------------------------------------------------------------------------------------

    def _check_connect(self, command: cmd.ConnectSeat) -> None:
        if not self._legs[self._primary].answered:
            raise CallerError("conversation.not_answered", "The customer has not answered yet.", retryable=True)
        if command.again:
            return
        if command.role.value in self._legs or any(
            isinstance(c, cmd.ConnectSeat) and c.role is command.role for c in list(self._commands)
        ):
            raise CallerError("conversation.seat_busy", "Another seat is being connected to this call.")

    def _connect_seat(self, command: cmd.ConnectSeat) -> None:
        self._check_connect(command)
        present = self._legs.get(command.role.value)
        if present is not None:  # its phone has lost the call
            self._passing.again = command
            self._end_leg(present, AGAIN)
            return
        self._sounds.stop_prompt()
        leg = Leg(
            command.role, seat_id=command.seat_id or None, agent_id=command.agent_id, number=command.number,
            deadline_s=self._clock.monotonic_s() + command.answer_timeout_s,
        )  # fmt: skip
        if command.role is LegRole.TRANSFER:
            self._sounds.hold_quietly()
        dial = leg_dial(command, caller_id=self._caller_id, realm=self._around.realm)
        self._start_leg(leg, lambda: self._port.dial(leg.name, dial))

    def _seat_that_talks(self) -> Leg:
        leg = self._legs.get(LegRole.SEAT.value)
        if leg is None or not leg.answered or leg.by_us or leg.name == self._primary:
            raise CallerError("conversation.no_seat", "No agent talks with the customer now.")
        return leg

    def _hand_over(self, command: cmd.HandOver) -> None:
        seat, third = self._seat_that_talks(), self._legs.get(LegRole.TRANSFER.value)
        self._passing.handed_over, self._muted = command, False
        if self._passing.heir(self._legs, command) is None:
            supervisor = self._legs.get(LegRole.SUPERVISOR.value)
            if supervisor is not None and supervisor.seat_id == command.seat_id:  # still rings: called anew
                self._end_leg(supervisor, "not_waited_for")
            if third is not None:
                self._end_leg(third, "not_waited_for")
            self._sounds.music_until_bridged()
        self._end_leg(seat, self._passing.LEAVES)

    def _mute(self, command: cmd.Mute) -> None:
        self._muted = command.on
        self._remix()

    def _change_recording(self, command: cmd.PauseRecording | cmd.StartRecording) -> None:
        self._recording.change(command, self._capture)
        self._remix()  # our side's channel opens with the recording

    def _hangup(self, command: cmd.Hangup) -> None:
        if command.role is None or command.role.value == self._primary:
            primary = self._legs.get(self._primary)
            if primary is not None and primary.inbound and not primary.answered and command.sip_status:
                self._reason = self._reason or command.reason
                self._end_leg(primary, command.reason, command.sip_status)
            else:
                self.end(command.reason)
        elif command.role.value in self._legs:
            self._end_leg(self._legs[command.role.value], command.reason)

    def _hold(self, command: cmd.Hold) -> None:
        if command.until_bridged:
            self._attended_s = self._clock.monotonic_s()
            if any(leg.answered and leg.name != self._primary for leg in self._legs.values()):
                return  # the seat was quicker
        self._sounds.hold(command)

    def _supervise(self, command: cmd.Supervise) -> None:
        leg = self._legs.get(LegRole.SUPERVISOR.value)
        if command.mode is None:
            if leg is not None:
                self._end_leg(leg, "supervisor_left")
        elif leg is None:
            leg = Leg(
                LegRole.SUPERVISOR, seat_id=command.seat_id, supervise=command.mode,
                deadline_s=self._clock.monotonic_s() + 10.0,
            )  # fmt: skip
            dial = seat_dial(command.seat_id, caller_id=self._caller_id, realm=self._around.realm)
            self._start_leg(leg, lambda: self._port.dial(LegRole.SUPERVISOR.value, dial))
        else:
            leg.supervise = command.mode
            self._remix()

    # ---- ends ---------------------------------------------------------------------------------------------

    def _end_leg(self, leg: Leg, reason: str, sip_status: int = 0) -> None:
        if not leg.by_us:
            leg.end_reason = reason
            leg.gone_by_s = self._clock.monotonic_s() + _GONE_AFTER_S
            self._port.hangup(leg.name, sip_status)

    def _finish(self) -> None:
        self._sounds.stop_prompt()
        capture = self._capture.close() if self._capture is not None else {}
        self._publish(
            ev.ConversationEnded, reason=self._reason, rtp_received=self._rtp_received, rtp_lost=self._rtp_lost,
            **capture, **self._figures(),
        )  # fmt: skip
        self._log.info("conversation ended", reason=self._reason)
        self.ended = True

    # ---- helpers ------------------------------------------------------------------------------------------

    def _remix(self) -> None:
        supervisor = self._legs.get(LegRole.SUPERVISOR.value)
        wanted = routes(
            Mix(
                talking=frozenset(leg.name for leg in self._legs.values() if leg.answered),
                held=self._sounds.held,
                muted=self._muted,
                supervise=supervisor.supervise if supervisor is not None else None,
                prompt_to=self._sounds.prompt.role.value if self._sounds.prompt is not None else None,
            )
        )
        if self._capture is not None:
            self._capture.expect(wanted)
        self._port.connect(wanted)

    def _tell_controls(self) -> None:
        """Say how the conversation stands when that has changed."""
        third = self._legs.get(LegRole.TRANSFER.value)
        now = standing(third, held=self._sounds.held_by_agent, muted=self._muted)
        now |= self._recording.standing(self._capture)
        if any(getattr(self._controls, name) != value for name, value in now.items()):
            self._controls = replace(self._controls, **now)
            self._publish(ev.Controls, **now)

    def _publish(self, event_type: type[ev.ConversationEvent], /, **fields: Any) -> None:
        self._seq += 1
        self._publish_event(
            event_type(
                conversation_id=self.conversation_id, attempt_id=self.attempt_id, seq=self._seq,
                at_unix_s=self._clock.now().timestamp(), **fields,
            )
        )  # fmt: skip
