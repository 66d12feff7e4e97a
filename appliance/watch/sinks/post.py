"""The post: one queue and one thread a sink, retried with growing pauses, kept on disk until the other side has it.

A sink that fails longer than `PATIENCE_S` is told by `on_trouble` (an alert of its own, which never goes to the sink
that it is about).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from appliance.errors import CallboxError, NotFoundError
from appliance.logs import get_logger
from appliance.settings import write_private
from appliance.watch.sinks.base import Message, Sink

PATIENCE_S = 60.0
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 2.0, 300.0
_QUEUE_MAX = 500
_CLOSE_S = 3.0

Trouble = Callable[[str, str], None]
"""(sink, what it said); empty: it works again."""


@dataclass(frozen=True)
class Route:
    """A sink and the step of escalation at which it is told."""

    sink: Sink
    step: int


class _Box(threading.Thread):
    """The queue of one sink. The oldest of too many goes: the newest say how things stand."""

    def __init__(self, sink: Sink, file: Path, on_trouble: Trouble, patience_s: float, pause_s: float) -> None:
        super().__init__(name=f"sink-{sink.name}", daemon=True)
        self._sink = sink
        self._file = file
        self._on_trouble = on_trouble
        self._patience_s, self._pause_s = patience_s, pause_s
        self._changed = threading.Condition()
        self._ending = False
        self._log = get_logger(sink=sink.name)
        self._waiting: list[Message] = []
        if file.exists():
            try:
                self._waiting = msgspec.json.decode(file.read_bytes(), type=list[Message])
            except msgspec.DecodeError as error:
                self._log.warning("outbox unreadable, begun anew", error=str(error))

    def put(self, message: Message) -> None:
        with self._changed:
            self._waiting = [*self._waiting, message][-_QUEUE_MAX:]
            self._keep()
            self._changed.notify_all()

    def stop(self) -> None:
        with self._changed:
            self._ending = True
            self._changed.notify_all()

    def _keep(self) -> None:
        try:
            if self._waiting:
                write_private(self._file, msgspec.json.encode(self._waiting))
            else:
                self._file.unlink(missing_ok=True)
        except OSError as error:  # a full disk must not keep alerts about it from leaving
            self._log.warning("outbox not written", error=str(error))

    def run(self) -> None:
        pause_s, failing_since, told = self._pause_s, 0.0, False
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._ending)
                if self._ending:
                    return
                message = self._waiting[0]
            said = self._try(message)
            if not said:
                with self._changed:
                    self._waiting = self._waiting[1:] if self._waiting[:1] == [message] else self._waiting
                    self._keep()
                if told:
                    self._on_trouble(self._sink.name, "")
                pause_s, failing_since, told = self._pause_s, 0.0, False
                continue
            failing_since = failing_since or time.monotonic()
            if not told and time.monotonic() - failing_since >= self._patience_s:
                told = True
                self._log.warning("alerts cannot be sent", error=said)
                self._on_trouble(self._sink.name, said)
            with self._changed:
                self._changed.wait_for(lambda: self._ending, pause_s)
            pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)

    def _try(self, message: Message) -> str:
        """Empty when the other side has it, else what went wrong."""
        try:
            self._sink.tell(message)
        except CallboxError as error:
            return error.message
        except Exception as error:  # a sink that breaks must not end its thread  # noqa: BLE001
            self._log.exception("sink broke")
            return f"{type(error).__name__}: {error}"
        return ""


class Post:
    """All sinks. `send` never blocks."""

    def __init__(
        self, routes: Iterable[Route], outbox: Path, on_trouble: Trouble, *, minimum: str = "warning",
        patience_s: float = PATIENCE_S, pause_s: float = _FIRST_PAUSE_S,
    ) -> None:  # fmt: skip
        self._routes = {route.sink.name: route for route in routes}
        self._minimum = minimum
        self._boxes = {
            name: _Box(route.sink, outbox / f"{name}.json", on_trouble, patience_s, pause_s)
            for name, route in self._routes.items()
        }
        for box in self._boxes.values():
            box.start()

    def send(self, message: Message, *, first: int, last: int) -> None:
        """Queue it for the sinks of the steps `first` to `last`; a sink's own failure is not sent by that sink."""
        if not message.grave(self._minimum):
            return
        for name, route in self._routes.items():
            if first <= route.step <= last and message.data.get("sink") != name:
                self._boxes[name].put(message)

    def test(self, sink: str) -> float:
        """Send a test alert now, past the queue; returns how long it took, s. Raises BoxError `sink.failed`."""
        route = self._routes.get(sink)
        if route is None:
            raise NotFoundError("sink.not_set_up", f"Alerts by '{sink}' are not set up. Fill in its settings first.")
        started, now = time.monotonic(), time.time()
        for happened in ("raised", "cleared"):
            route.sink.tell(
                Message(
                    uid=f"test-{now:.0f}", happened=happened, key="alert.test", severity="warning", test=True,
                    title=f"Test of alerts by {sink}", text="Nothing is wrong.", raised_at_unix_s=now, at_unix_s=now,
                    data={"alert": "alert.test", "sink": sink},
                )
            )  # fmt: skip
        return time.monotonic() - started

    @property
    def names(self) -> list[str]:
        return sorted(self._routes)

    def close(self) -> None:
        """Stop; what was not sent waits on disk for the next start."""
        for box in self._boxes.values():
            box.stop()
        for name, box in self._boxes.items():
            box.join(_CLOSE_S)
            if not box.is_alive():
                self._routes[name].sink.close()
