"""RTP of the bench: A-law in 20 ms packets (RFC 3550, 3551) and DTMF events (RFC 4733), all calls on one timer thread.

A `Source` is asked for one frame each tick and is told what was heard; both happen on the timer thread, so a source
keeps to plain arithmetic.
"""

from __future__ import annotations

import random
import secrets
import socket
import struct
import threading
import time
from typing import Protocol

import numpy as np

from appliance.bench.sip.sdp import EVENT_PAYLOAD
from audio.g711 import decode_alaw

FRAME_S = 0.02
FRAME_BYTES = 160
SILENCE = bytes([0xD5]) * FRAME_BYTES
_HEADER = struct.Struct("!BBHII")
_EVENT = struct.Struct("!BBH")
_DIGITS = "0123456789*#ABCD"
_LATE_S = 0.5
# mean magnitude of a frame in 1/256 of full scale, cheap enough to take of every frame
_MAGNITUDE = bytes((np.abs(decode_alaw(bytes(range(256))).astype(np.int32)) >> 7).clip(0, 255).astype(np.uint8))


class Source(Protocol):
    """What a call says: 160 A-law bytes a tick, or nothing."""

    def next_frame(self) -> bytes | None: ...

    def hear(self, level: float) -> None:
        """Mean magnitude of the frame that came in (0 silence .. 255 full scale)."""


class RtpPort:
    """One socket of one call. Made by `Pacer.open_port`."""

    def __init__(self, pacer: Pacer, sock: socket.socket, *, loss: float, seed: int) -> None:
        self.address: tuple[str, int] = sock.getsockname()
        self.ssrc = secrets.randbits(31)
        self.sent = self.received = self.lost = 0
        self.digits = ""
        self.kept: bytearray | None = None  # set to a bytearray to keep the payload that comes in
        self._pacer = pacer
        self._socket = sock
        self._target: tuple[str, int] | None = None
        self._event_payload: int | None = None
        self._sending = True
        self._source: Source | None = None
        self._loss = loss
        self._random = random.Random(seed)
        self._sequence = secrets.randbits(15)
        self._timestamp = secrets.randbits(30)
        self._marker = True
        self._events: list[bytes] = []
        self._event_start = 0
        self._last_event = -1
        self._expected: int | None = None

    def aim(self, target: tuple[str, int], event_payload: int | None, direction: str) -> None:
        """Where to send, and whether the other side wants to hear us (hold: `sendonly`, `inactive`)."""
        self._target, self._event_payload = target, event_payload
        self._sending = direction in ("sendrecv", "recvonly") and target[1] != 0

    def play(self, source: Source | None) -> None:
        """Say this from the next tick on; None says nothing at all."""
        self._source = source
        self._marker = True

    def press(self, digits: str, *, duration_s: float = 0.1) -> None:
        """Queue DTMF events. Raises ValueError for a character that is no digit or when no events were agreed."""
        if self._event_payload is None:
            raise ValueError("the other side takes no telephone events")
        packets = max(2, round(duration_s / FRAME_S))
        for digit in digits.upper():
            code = _DIGITS.index(digit)
            for n in range(1, packets + 1):
                self._events.append(_EVENT.pack(code, 10, n * FRAME_BYTES))
            self._events += [_EVENT.pack(code, 0x80 | 10, packets * FRAME_BYTES)] * 3
            self._events += [b""] * 3  # a gap, so that the same digit twice is two digits

    def close(self) -> None:
        self._pacer.drop(self)

    # ---- timer thread ------------------------------------------------------------------------------------

    def tick(self) -> None:
        self._receive()
        frame = self._source.next_frame() if self._source is not None else None
        event = self._events.pop(0) if self._events else b""
        if frame is None and not event:
            return
        self._timestamp = (self._timestamp + FRAME_BYTES) & 0xFFFFFFFF
        if self._target is None or not self._sending:
            return
        if event:
            first = event[2:] == FRAME_BYTES.to_bytes(2, "big") and not event[1] & 0x80
            if first:
                self._event_start = self._timestamp
            self._send(self._event_payload or 0, first, self._event_start, event)
        elif frame is not None:
            self._send(8, self._marker, self._timestamp, frame)
            self._marker = False

    def _send(self, payload_type: int, marker: bool, timestamp: int, payload: bytes) -> None:
        self._sequence = (self._sequence + 1) & 0xFFFF
        if self._loss and self._random.random() < self._loss:
            return
        header = _HEADER.pack(0x80, payload_type | (0x80 if marker else 0), self._sequence, timestamp, self.ssrc)
        assert self._target is not None
        try:
            self._socket.sendto(header + payload, self._target)
            self.sent += 1
        except OSError:  # closed port or full buffer: as lost as on any network
            self.lost += 1

    def _receive(self) -> None:
        while True:
            try:
                data = self._socket.recv(2048)
            except (BlockingIOError, ConnectionRefusedError):
                return
            except OSError:
                return
            if len(data) < 12 or data[0] >> 6 != 2:
                continue
            self.received += 1
            sequence = int.from_bytes(data[2:4], "big")
            if self._expected is not None and 0 < (sequence - self._expected) & 0xFFFF < 1000:
                self.lost += (sequence - self._expected) & 0xFFFF
            self._expected = (sequence + 1) & 0xFFFF
            payload_type, payload = data[1] & 0x7F, data[12 + 4 * (data[0] & 15) :]
            if payload_type == EVENT_PAYLOAD and len(payload) >= 4:  # the number that we named, not theirs
                self._receive_event(int.from_bytes(data[4:8], "big"), payload)
            elif payload_type == 8 and payload:
                if self.kept is not None:
                    self.kept += payload
                if self._source is not None:
                    self._source.hear(sum(payload.translate(_MAGNITUDE)) / len(payload))

    def _receive_event(self, timestamp: int, payload: bytes) -> None:
        if timestamp != self._last_event and payload[0] < len(_DIGITS):
            self._last_event = timestamp
            self.digits += _DIGITS[payload[0]]

    def close_socket(self) -> None:
        self._socket.close()


class Pacer:
    """The timer thread: each 20 ms it lets every port receive and send. Ports are even, from `first_port` on."""

    def __init__(self, *, first_port: int = 40000, last_port: int = 59998) -> None:
        self._first, self._last = first_port, last_port
        self._next = first_port
        self._ports: list[RtpPort] = []
        self._closing: list[RtpPort] = []
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="rtp", daemon=True)
        self._thread.start()

    def open_port(self, address: str, *, loss: float = 0.0) -> RtpPort:
        """Bind the next free even port. Raises OSError when none is free."""
        for _ in range((self._last - self._first) // 2 + 1):
            number = self._next
            self._next = self._first if self._next + 2 > self._last else self._next + 2
            sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            try:
                sock.bind((address, number))
            except OSError:
                sock.close()
                continue
            sock.setblocking(False)
            port = RtpPort(self, sock, loss=loss, seed=number)
            with self._lock:
                self._ports.append(port)
            return port
        raise OSError(f"no free RTP port on {address} between {self._first} and {self._last}")

    def drop(self, port: RtpPort) -> None:
        """Forget a port; its socket is closed by the timer thread, which may be using it right now."""
        with self._lock:
            if port in self._ports:
                self._ports.remove(port)
                self._closing.append(port)

    def _run(self) -> None:
        due_s = time.monotonic()
        while not self._stop.is_set():
            due_s += FRAME_S
            wait_s = due_s - time.monotonic()
            if wait_s > 0:
                self._stop.wait(wait_s)
            elif wait_s < -_LATE_S:
                due_s = time.monotonic()
            with self._lock:
                ports, closing, self._closing = list(self._ports), self._closing, []
            for port in closing:
                port.close_socket()
            for port in ports:
                port.tick()

    def close(self) -> None:
        self._stop.set()
        self._thread.join(2.0)
        for port in self._ports + self._closing:
            port.close_socket()
