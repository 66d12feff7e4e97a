"""A time server for the emulated machine, which has none on its network: without the time nobody is dialled.

The simplest answers that RFC 4330 knows, with this host's clock.
"""

from __future__ import annotations

import socket
import struct
import threading
import time

_PORT, _BYTES = 123, 48
_EPOCH_S = 2_208_988_800
"""From 1900, where NTP begins, to 1970."""
_SERVER, _STRATUM, _PRECISION = 0x24, 2, -20  # no leap second, version 4, server
_BOUND = 1 << 6  # root delay and dispersion, 1/65536 s


def _stamp() -> int:
    """Now as NTP's 64 bits."""
    return int((time.time() + _EPOCH_S) * 2**32)


def _answer(question: bytes, came: int) -> bytes:
    sent = struct.unpack_from("!Q", question, 40)[0]
    head = struct.pack("!BBbbIII", _SERVER, _STRATUM, question[2], _PRECISION, _BOUND, _BOUND, 0x7F000001)
    return head + struct.pack("!QQQQ", came, sent, came, _stamp())


def serve(host: str) -> socket.socket:
    """Answer at an address of this network namespace until the socket is closed."""
    service = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    service.bind((host, _PORT))

    def run() -> None:
        while True:
            try:
                question, sender = service.recvfrom(512)
                came = _stamp()
                if len(question) >= _BYTES:
                    service.sendto(_answer(question, came), sender)
            except OSError:
                return  # closed

    threading.Thread(target=run, daemon=True).start()
    return service
