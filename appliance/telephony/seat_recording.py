"""Begins, withholds and goes on with a recording as its policy says at the seat where the customer is."""

from __future__ import annotations

from appliance.commands import PauseRecording, RecordPolicy, StartRecording
from appliance.domain.recording_policy import at_seat
from appliance.errors import CallerError
from appliance.telephony.capture import Capture
from appliance.telephony.legs import Leg
from appliance.types import RecordingPolicy


class SeatRecording:
    """`order` is what the engine said; `withheld`: nothing is recorded at this seat, or nothing yet."""

    def __init__(self) -> None:
        self.order = RecordPolicy()
        self.withheld = False

    def runs(self, capture: Capture | None) -> bool:
        """Say whether this part of the conversation is recorded (card data apart)."""
        return capture is not None and capture.is_recording and not self.withheld

    def standing(self, capture: Capture | None) -> dict[str, bool]:
        """Return the fields of `Controls` about it; that it runs is told only where it is not plain for everybody."""
        paused = capture is not None and capture.is_paused and not self.withheld
        told = self.order.on_demand or bool(self.order.seats)
        return {"recording_paused": paused, "recording": told and self.runs(capture)}

    def check(self, command: PauseRecording | StartRecording, capture: Capture | None, seat: Leg | None) -> None:
        """Raise CallerError `recording.none` or `recording.not_on_demand`."""
        if isinstance(command, PauseRecording) and not self.runs(capture):
            raise CallerError("recording.none", "This call is not being recorded.")
        if isinstance(command, StartRecording) and not self._may_ask(seat):
            raise CallerError("recording.not_on_demand", "Whether this call is recorded is not chosen at the desk.")

    def _may_ask(self, seat: Leg | None) -> bool:
        talks = seat is not None and seat.answered and not seat.by_us
        return talks and at_seat(self.order, (seat.seat_id if seat else "") or "") is RecordingPolicy.ON_DEMAND

    def change(self, command: PauseRecording | StartRecording, capture: Capture | None) -> None:
        """Leave something out, or go on, or begin."""
        if capture is None:
            return
        if isinstance(command, StartRecording):
            self.begin(capture)
        elif not self.withheld:
            capture.pause(on=not command.resume)

    def at(self, seat_id: str, capture: Capture | None) -> None:
        """The customer is at this seat now."""
        if capture is None or not self.order.enabled or not (self.order.on_demand or self.order.seats):
            return
        if at_seat(self.order, seat_id) is RecordingPolicy.ALWAYS:
            self.begin(capture)
        else:
            self.withheld = True
            if capture.is_recording:
                capture.pause(on=True)

    def begin(self, capture: Capture) -> None:
        """Record from now on; what was left out before is left out."""
        if self.withheld and capture.is_recording:
            capture.pause(on=False)
        self.withheld = False
        capture.begin()
