"""The bus for synchronous code (a worker, a web request): a `Bus` that runs in a thread of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import msgspec

from appliance.bus import Bus
from appliance.commands import Command, Done
from appliance.events import ConversationEvent
from appliance.settings import BusSettings


class ThreadBus:
    """The same bus for synchronous code. Handlers run on the bus thread: they must only queue work."""

    def __init__(self, settings: BusSettings, *, name: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=f"bus-{name}", daemon=True)
        self._thread.start()
        self._bus = self._call(self._make(settings, name))

    @staticmethod
    async def _make(settings: BusSettings, name: str) -> Bus:
        return Bus(settings, name=name)

    def _call(self, coroutine: Any, timeout_s: float | None = None) -> Any:
        future: Future[Any] = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        return future.result(timeout_s)

    def connect(self, *, timeout_s: float = 15.0) -> None:
        self._call(self._bus.connect(timeout_s=timeout_s))

    def request(self, command: Command, *, timeout_s: float = 5.0) -> Done:
        reply: Done = self._call(self._bus.request(command, timeout_s=timeout_s))
        return reply

    def serve(self, service: str, handler: Callable[[Any], Done], *, queue: bool = True) -> None:
        async def call(command: Any) -> Done:
            return handler(command)

        self._call(self._bus.serve(service, call, queue=queue))

    def publish_event(self, event: ConversationEvent) -> None:
        self._loop.call_soon_threadsafe(self._bus.publish_event, event)

    def consume_events(self, durable: str, handler: Callable[[Any], None]) -> None:
        async def call(event: Any) -> None:
            handler(event)

        self._call(self._bus.consume_events(durable, call))

    def publish_live(self, topic: str, event: msgspec.Struct) -> None:
        asyncio.run_coroutine_threadsafe(self._bus.publish_live(topic, event), self._loop)

    def subscribe_live(self, pattern: str, handler: Callable[[str, Any], None]) -> None:
        async def call(topic: str, event: Any) -> None:
            handler(topic, event)

        self._call(self._bus.subscribe_live(pattern, call))

    @property
    def connected(self) -> bool:
        return bool(self._bus.connected)

    @property
    def unsent_events(self) -> int:
        """Conversation events that the stream has not confirmed yet, those just published included."""

        async def count() -> int:
            return int(self._bus.unsent_events)

        unsent: int = self._call(count())
        return unsent

    def close(self) -> None:
        self._call(self._bus.close(), 5.0)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(2.0)
        if not self._thread.is_alive():
            self._loop.close()
