"""A telephone stack without a network: calls do what a script says, audio is what `speak` puts on a line.

For tests of the worker's logic and for trying faults: `refuse` makes the next action of that name fail. Time moves by
`poll` when the port is given a `ManualClock`.
"""

from __future__ import annotations

from collections import deque
from pathlib import Path

from appliance.clock import ManualClock
from appliance.errors import BoxError
from appliance.telephony.port import (
    FRAME_BYTES,
    FRAME_S,
    Dial,
    LegDown,
    LegMedia,
    LegOffered,
    LegProvisional,
    LegUp,
    MediaFigures,
    PortEvent,
    Route,
    Tap,
)

_SILENCE = bytes(FRAME_BYTES)


class SimulatedPort:
    """See `port.TelephonyPort`; the methods after `# ---- script` are the far ends' part."""

    def __init__(self, clock: ManualClock) -> None:
        self.accept_calls = True
        self.dials: dict[str, Dial] = {}
        self.answered: set[str] = set()
        self.hung_up: list[tuple[str, int]] = []
        self.digits: list[tuple[str, str]] = []
        self.playing: dict[str, Path] = {}
        self.looping: set[str] = set()
        self.routes: frozenset[Route] = frozenset()
        self.taps: dict[str, Tap] = {}
        self.confirms_hang_up = True
        self.refuse: set[str] = set()
        self._clock = clock
        self._events: deque[PortEvent] = deque()
        self._sound: dict[str, bytes] = {}

    def poll(self, timeout_ms: int) -> None:
        """Let the clock tick: one frame to each tap for every 20 ms."""
        for _ in range(max(1, round(timeout_ms / 1000 / FRAME_S))):
            self._clock.advance(FRAME_S)
            for name, tap in self.taps.items():
                heard = [self._sound[source] for source, sink in self.routes if sink == name and source in self._sound]
                tap.frames.append((self._clock.monotonic_s(), heard[0] if heard else _SILENCE))

    def wake(self) -> None:
        """A poll here never waits."""

    def take_events(self) -> list[PortEvent]:
        found = list(self._events)
        self._events.clear()
        return found

    def dial(self, leg: str, dial: Dial) -> None:
        self._may("dial", "telephony.dial_failed")
        self.dials[leg] = dial

    def rename(self, old: str, new: str) -> None:
        self.dials[new] = self.dials.pop(old)

    def answer(self, leg: str) -> None:
        self.answered.add(leg)
        self.far_answers(leg)

    def hangup(self, leg: str, sip_status: int = 0) -> None:
        self.hung_up.append((leg, sip_status))
        if self.confirms_hang_up and leg in self.dials:
            self.far_ends(leg, 200 if leg in self.answered else 487)

    def send_dtmf(self, leg: str, digits: str) -> None:
        self._may("send_dtmf", "telephony.dtmf_failed")
        self.digits.append((leg, digits))

    def open_tap(self, name: str) -> Tap:
        self.taps[name] = Tap()
        return self.taps[name]

    def close_tap(self, name: str) -> None:
        self.taps.pop(name, None)

    def play(self, sound: str, path: Path, *, loop: bool) -> None:
        self._may("play", "telephony.prompt_unreadable")
        self.playing[sound] = path
        (self.looping.add if loop else self.looping.discard)(sound)

    def stop(self, sound: str) -> None:
        self.playing.pop(sound, None)

    def connect(self, routes: frozenset[Route]) -> None:
        self.routes = routes

    def _may(self, action: str, error_id: str) -> None:
        if action in self.refuse:
            self.refuse.discard(action)
            raise BoxError(error_id, f"The simulated port was told to refuse '{action}'.")

    # ---- script -------------------------------------------------------------------------------------------

    def happen(self, event: PortEvent) -> None:
        """Queue any event."""
        self._events.append(event)

    def far_offers(self, leg: str, message: str) -> None:
        """Somebody calls the box."""
        self.accept_calls = False
        self.dials[leg] = Dial("", "")
        self.happen(LegOffered(leg, "sip:+8613900000000@far", "sip:1@box", message))

    def far_rings(self, leg: str, status: int = 180, *, early_media: bool = False, message: str = "") -> None:
        self.happen(LegProvisional(leg, status, message))
        if early_media:
            self.happen(LegMedia(leg, active=True, early=True))

    def far_answers(self, leg: str) -> None:
        self.answered.add(leg)
        self.happen(LegMedia(leg, active=True))
        self.happen(LegUp(leg))

    def far_ends(self, leg: str, status: int, message: str = "", *, received: int = 0, lost: int = 0) -> None:
        self.dials.pop(leg, None)
        self.happen(LegDown(leg, status, "", message, MediaFigures(received, lost)))

    def speak(self, leg: str, frame: bytes) -> None:
        """The far end says this 20 ms frame over and over."""
        self._sound[leg] = frame
