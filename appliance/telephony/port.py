"""What a worker needs of a telephone stack: named legs, taps, sounds and routes between them.

Everything in the conference has a name: a leg is called by its role (`trunk`, `seat`, ...), a tap `left` or `right`,
a sound `music` or `prompt`. The real port is `pjsua2_adapter`; tests use one that they script. All methods but `wake`
are called from one thread; events are queued while `poll` runs and fetched with `take_events`.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

FRAME_BYTES = 320
FRAME_S = 0.020
RATE_HZ = 8000

TRUNK_ACCOUNT = "trunk"
SEAT_ACCOUNT = "seat"

Route = tuple[str, str]
"""(who is heard, who hears)."""


@dataclass(frozen=True, slots=True)
class Dial:
    """One outgoing INVITE. `account` decides the media address; headers are sent as they are."""

    account: str
    uri: str
    from_uri: str | None = None
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class LegProvisional:
    """A provisional answer (101-199); `message` is it as it came."""

    leg: str
    sip_status: int
    message: str = ""


@dataclass(frozen=True, slots=True)
class LegMedia:
    """Audio flows, or flows no more. `early`: it came by a provisional answer."""

    leg: str
    active: bool
    early: bool = False


@dataclass(frozen=True, slots=True)
class LegUp:
    """The leg was answered (200)."""

    leg: str


@dataclass(frozen=True, slots=True)
class MediaFigures:
    """RTP figures of one leg at its end."""

    rtp_received: int = 0
    rtp_lost: int = 0


@dataclass(frozen=True, slots=True)
class LegDown:
    """The leg is gone. `message` is the raw SIP message that ended it, empty when we ended it ourselves."""

    leg: str
    sip_status: int
    reason: str
    message: str = ""
    figures: MediaFigures = MediaFigures()


@dataclass(frozen=True, slots=True)
class LegDigit:
    """A digit came by RFC 4733 telephone-event."""

    leg: str
    digit: str
    duration_ms: int


@dataclass(frozen=True, slots=True)
class LegOffered:
    """Somebody calls this worker, which has said 180 and now refuses others. `leg` is a name for the time being."""

    leg: str
    from_uri: str
    to_uri: str
    message: str


@dataclass(frozen=True, slots=True)
class LegDead:
    """Not one RTP packet came for a long time although audio was agreed: the far end is gone without a word."""

    leg: str


@dataclass(frozen=True, slots=True)
class SoundEnded:
    """A sound that does not loop has been played to its end."""

    sound: str


PortEvent = LegProvisional | LegMedia | LegUp | LegDown | LegDigit | LegOffered | LegDead | SoundEnded


@dataclass(slots=True)
class Tap:
    """Frames of one conference listener: (monotonic seconds, 320 bytes of int16 little-endian), one per clock tick.

    Silence stands for ticks at which nothing was connected. The media thread appends, the owner takes.
    """

    frames: deque[tuple[float, bytes]] = field(default_factory=deque)

    def take(self) -> list[tuple[float, bytes]]:
        """Remove and return what has come."""
        frames = self.frames
        return [frames.popleft() for _ in range(len(frames))]


WAKE_UP = b"\r\n\r\n"
"""A datagram that a SIP stack takes for a keep-alive (RFC 5626, 3.5.1) and throws away: it ends the wait for others."""


class TelephonyPort(Protocol):
    """A telephone stack for one conversation of at most four legs."""

    accept_calls: bool
    """While False every call from outside is answered 486 at once."""

    def poll(self, timeout_ms: int) -> None:
        """Let the stack work for at most `timeout_ms`."""

    def wake(self) -> None:
        """Make a running `poll` return now (any thread)."""

    def take_events(self) -> list[PortEvent]:
        """Return the events since the last call, in order."""

    def dial(self, leg: str, dial: Dial) -> None:
        """Start an outgoing leg. Raises BoxError `telephony.dial_failed`."""

    def rename(self, old: str, new: str) -> None:
        """Give a leg the name of its role; its audio goes with it."""

    def answer(self, leg: str) -> None:
        """Send 200 to an offered leg."""

    def hangup(self, leg: str, sip_status: int = 0) -> None:
        """End a leg (CANCEL, BYE or a refusal, as its state asks); nothing happens for a leg that is gone."""

    def send_dtmf(self, leg: str, digits: str) -> None:
        """Send digits by RFC 4733. Raises BoxError `telephony.dtmf_failed`."""

    def open_tap(self, name: str) -> Tap:
        """Make a listener of that name; it receives a frame each 20 ms from now on."""

    def close_tap(self, name: str) -> None:
        """Remove a listener; nothing happens when there is none."""

    def play(self, sound: str, path: Path, *, loop: bool) -> None:
        """Make a sound source from an 8 kHz mono WAV file. Raises BoxError `telephony.prompt_unreadable`."""

    def stop(self, sound: str) -> None:
        """Remove a sound source; nothing happens when there is none."""

    def connect(self, routes: frozenset[Route]) -> None:
        """Make exactly these routes exist; names without audio (not yet or no more) are left out until they have."""
