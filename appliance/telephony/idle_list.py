"""Tells the edge which workers are idle, so that it sends them calls from outside; never waits for its answer.

The parent has one thread and no time to wait, so the requests go out as datagrams and answers are only drained. All
is told again in turn: an edge that was restarted takes every worker that answers its OPTIONS for idle, and a taken
one refuses (486) until the edge has heard of it. See `edge.control`.
"""

from __future__ import annotations

import asyncio
import json
import socket
import time

from appliance.logs import get_logger
from appliance.settings import Home, Settings
from appliance.telephony.edge.places import WORKER_SET, control_socket, worker_uri

_REPEAT_S = 0.5
_AT_ONCE = 6
_ANSWER_MAX_BYTES = 65536


class IdleList:
    """What the edge was told last."""

    def __init__(self, home: Home, settings: Settings) -> None:
        self._settings = settings
        self._edge = str(control_socket(home))
        self._own = home.run / "switch-edge.sock"
        self._own.unlink(missing_ok=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.bind(str(self._own))
        asyncio.get_running_loop().add_reader(self._socket.fileno(), self._drain)
        self._told: set[int] = set()
        self._repeat_at_s = 0.0
        self._turn = 0
        self._away = False
        self._number = 0
        self._log = get_logger(part="idle_list")

    def tell(self, slots: set[int]) -> None:
        """Name the slots that are idle now: changes go at once, everything else is repeated bit by bit."""
        now_s = time.monotonic()
        changed = self._told ^ slots
        if now_s >= self._repeat_at_s:
            self._repeat_at_s = now_s + _REPEAT_S
            changed |= self._next_few()
        self._told = set(slots)
        for slot in sorted(changed, key=lambda slot: slot not in slots):
            self._send("a" if slot in slots else "d", slot)

    def _next_few(self) -> set[int]:
        """The next slots in turn. A socket queue holds few datagrams, so not all at once."""
        count = self._settings.sip.slots
        few = {(self._turn + step) % count for step in range(min(_AT_ONCE, count))}
        self._turn = (self._turn + _AT_ONCE) % count
        return few

    def close(self) -> None:
        """Take all workers off the list."""
        self.tell(set())
        asyncio.get_running_loop().remove_reader(self._socket.fileno())
        self._socket.close()
        self._own.unlink(missing_ok=True)

    def _send(self, state: str, slot: int) -> None:
        self._number += 1
        uri = worker_uri(self._settings, self._settings.sip.worker_port_base + slot)
        request = {
            "jsonrpc": "2.0", "method": "dispatcher.set_state", "params": [state, WORKER_SET, uri], "id": self._number,
        }  # fmt: skip
        try:
            self._socket.sendto(json.dumps(request).encode(), self._edge)
        except OSError as error:  # said once; the next repetition mends it
            if not self._away:
                self._away = True
                self._log.info("edge is away, calls from outside wait for it", error=str(error))
            return
        self._away = False

    def _drain(self) -> None:
        try:
            while True:
                self._socket.recv(_ANSWER_MAX_BYTES)
        except BlockingIOError:
            return
