"""Callers whom no worker could take: the edge refused them with 503 and keeps a list; asked for without waiting.

As in `idle_list`, requests go to Kamailio as datagrams and answers are read when they come: the parent has one thread.
What was told is taken off the edge's list; told twice it is the same conversation id, so nothing is written twice.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import socket
import time
from collections.abc import Callable
from typing import Any

from appliance.events import InboundUnserved
from appliance.logs import get_logger
from appliance.settings import Home
from appliance.telephony.edge.places import control_socket

_ASK_EVERY_S = 2.0
_ANSWER_MAX_BYTES = 1 << 18
_TABLE = "unserved"
_ASKED = "unserved"
"""Id of the question whose answer is the list."""


class Unserved:
    """Asks the edge now and then (`ask`) and tells who called in vain."""

    def __init__(self, home: Home, tell: Callable[[InboundUnserved], None]) -> None:
        self._tell = tell
        self._edge = str(control_socket(home))
        self._own = home.run / "switch-unserved.sock"
        self._own.unlink(missing_ok=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.bind(str(self._own))
        asyncio.get_running_loop().add_reader(self._socket.fileno(), self._read)
        self._ask_at_s = 0.0
        self._log = get_logger(part="unserved")

    def ask(self) -> None:
        """Ask when it is time."""
        now_s = time.monotonic()
        if now_s >= self._ask_at_s:
            self._ask_at_s = now_s + _ASK_EVERY_S
            self._send("htable.dump", [_TABLE], _ASKED)

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._socket.fileno())
        self._socket.close()
        self._own.unlink(missing_ok=True)

    def _send(self, method: str, params: list[str], question_id: str) -> None:
        request = {"jsonrpc": "2.0", "method": method, "params": params, "id": question_id}
        try:
            self._socket.sendto(json.dumps(request).encode(), self._edge)
        except OSError:  # the edge is away, or has not read the last ones yet: its list waits for the next question
            return

    def _read(self) -> None:
        try:
            while True:
                answer = self._socket.recv(_ANSWER_MAX_BYTES)
                self._take(answer)
        except BlockingIOError:
            return

    def _take(self, answer: bytes) -> None:
        try:
            told = json.loads(answer)
        except ValueError:
            self._log.warning("the edge's list cannot be read")
            return
        if not isinstance(told, dict) or told.get("id") != _ASKED:
            return
        for slot in told.get("result") or ():
            for entry in slot.get("slot", ()):
                key, found = str(entry["name"]), caller_of(str(entry["name"]), str(entry["value"]))
                if found is not None:
                    self._log.warning("nobody could take a caller", trunk=found.trunk_id, pii_caller=found.caller)
                    self._tell(found)
                self._send("htable.delete", [_TABLE, key], "taken off")


def caller_of(call_id: str, value: str) -> InboundUnserved | None:
    """Read one entry (trunk|caller|called|unix time); None when it is none. The Call-ID makes the conversation's id."""
    *rest, at = value.split("|")
    if not at.isdigit() or len(rest) != 3:
        return None
    conversation_id = "u" + hashlib.sha256(call_id.encode()).hexdigest()[:25]
    facts: dict[str, Any] = dict(zip(("trunk_id", "caller", "called"), rest, strict=True))
    return InboundUnserved(
        conversation_id=conversation_id, attempt_id=conversation_id, seq=1, at_unix_s=float(at), **facts
    )
