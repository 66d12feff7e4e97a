"""The little of SDP that a telephone needs (RFC 8866, RFC 3264): where to send, which codec, DTMF events, hold."""

from __future__ import annotations

import re
from dataclasses import dataclass

PCMA = 8
EVENT_PAYLOAD = 101
_RTPMAP = re.compile(r"^rtpmap:(\d+)\s+([A-Za-z0-9_.-]+)/(\d+)")
_REVERSED = {"sendonly": "recvonly", "recvonly": "sendonly", "inactive": "inactive", "sendrecv": "sendrecv"}


@dataclass(frozen=True)
class Media:
    """One audio stream as the other side described it."""

    address: str
    port: int
    payload: int
    event_payload: int | None
    direction: str = "sendrecv"


class SdpError(ValueError):
    """The description has no audio stream that we could use; the message says why."""


def parse(body: bytes) -> Media:
    """Read an offer or answer. Raises SdpError (answer 488)."""
    address, direction, audio, events = "", "sendrecv", None, None
    in_audio = False
    for line in body.decode("utf-8", "replace").splitlines():
        kind, _, value = line.strip().partition("=")
        if kind == "m":
            in_audio = value.startswith("audio ") and audio is None
            if in_audio:
                audio = value.split()
        elif kind == "c" and (in_audio or audio is None):
            address = value.split()[-1].partition("/")[0] if value.split() else ""
        elif kind == "a" and (in_audio or audio is None):
            if value in _REVERSED:
                direction = value
            found = _RTPMAP.match(value)
            if found and found[2].lower() == "telephone-event" and found[3] == "8000":
                events = int(found[1])
    if audio is None or len(audio) < 4 or not audio[1].isdigit():
        raise SdpError("no audio stream")
    if str(PCMA) not in audio[3:]:
        raise SdpError("PCMA is not offered")
    if not address:
        raise SdpError("no connection address")
    return Media(address, int(audio[1]), PCMA, events, "inactive" if address == "0.0.0.0" else direction)  # noqa: S104


def build(address: str, port: int, *, session: int, version: int = 1, direction: str = "sendrecv") -> bytes:
    """An offer or answer: PCMA and telephone events at this address and port."""
    return (
        f"v=0\r\no=- {session} {version} IN IP4 {address}\r\ns=-\r\nc=IN IP4 {address}\r\nt=0 0\r\n"
        f"m=audio {port} RTP/AVP {PCMA} {EVENT_PAYLOAD}\r\na=rtpmap:{PCMA} PCMA/8000\r\n"
        f"a=rtpmap:{EVENT_PAYLOAD} telephone-event/8000\r\na=fmtp:{EVENT_PAYLOAD} 0-16\r\na=ptime:20\r\n"
        f"a={direction}\r\n"
    ).encode()


def reversed_direction(direction: str) -> str:
    """The answer's direction for an offer's (RFC 3264, section 6.1)."""
    return _REVERSED[direction]
