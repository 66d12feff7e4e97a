"""Log-ins that fail, counted by address: whoever tries many names from one place is made to wait.

The office locks each account by itself; this stops one guess at each of many accounts, before a password is hashed.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict, deque

FAILURES_MAX = 30
WINDOW_S = 600.0
_ADDRESSES_KEPT = 4096


class FailedLogIns:
    """Failures of the last minutes by address. Thread-safe; what it keeps is bounded."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._failures: OrderedDict[str, deque[float]] = OrderedDict()

    def wait_s(self, address: str) -> int:
        """How long this address has to wait now; 0: not at all."""
        now_s = time.monotonic()
        with self._lock:
            found = self._failures.get(address)
            while found and found[0] <= now_s - WINDOW_S:
                found.popleft()
            if found is None or len(found) < FAILURES_MAX:
                return 0
            return max(1, round(found[0] + WINDOW_S - now_s))

    def failed(self, address: str) -> None:
        """One more wrong password from there."""
        with self._lock:
            found = self._failures.setdefault(address, deque(maxlen=FAILURES_MAX))
            found.append(time.monotonic())
            self._failures.move_to_end(address)
            if len(self._failures) > _ADDRESSES_KEPT:
                self._failures.popitem(last=False)
