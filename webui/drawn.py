"""Parts of pages that many screens show alike: drawn once for each event, not once for each screen."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable


class Drawn:
    """Keeps what was drawn of the newest thing; `stamp` tells the newest from what was before it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stamp: float = 0.0
        self._parts: dict[Hashable, str] = {}

    def once(self, stamp: float, reader: Hashable, draw: Callable[[], str]) -> str:
        """What `reader` (all that the part depends on beside the thing) sees; who comes meanwhile waits for it."""
        with self._lock:
            if stamp != self._stamp:
                self._stamp, self._parts = stamp, {}
            if reader not in self._parts:
                self._parts[reader] = draw()
            return self._parts[reader]
