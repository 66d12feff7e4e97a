"""One timer for each key: a deadline that moves replaces the one before."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime

from appliance.clock import Clock


class Timers:
    """Deadlines of calls and agents in the running loop."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._timers: dict[str, asyncio.TimerHandle] = {}

    def set(self, key: str, when: datetime | None, action: Callable[[], None]) -> None:
        """Do something at an instant; None: not at all."""
        old = self._timers.pop(key, None)
        if old is not None:
            old.cancel()
        if when is not None:
            delay_s = max(0.0, (when - self._clock.now()).total_seconds())

            def fire() -> None:
                self._timers.pop(key, None)
                action()

            self._timers[key] = asyncio.get_running_loop().call_later(delay_s, fire)

    def stop(self) -> None:
        """Cancel all of them."""
        for handle in self._timers.values():
            handle.cancel()
        self._timers.clear()
