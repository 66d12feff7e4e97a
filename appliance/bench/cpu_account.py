"""Where the processor's time goes while a private box runs: CPU seconds of each service and of the bench itself.

Exact and cheap: /proc/<pid>/stat is read twice. A process carries there what its ended and collected children used, so
the sum over a service's living tree holds all that it and its children ever spent.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field

import psutil

from appliance.settings import Home
from appliance.watch.supervision import BENCH, status

BENCH_PART, BROWSER_PART = "bench", "browser"
SIMULATED = frozenset({*(program.name for program in BENCH), BENCH_PART, BROWSER_PART})
"""Parts that no customer's box has: the far ends of the calls, and whoever looks at the pages."""


@dataclass(frozen=True)
class CpuAccount:
    """CPU seconds by part within `seconds` of `cores`; `busy_s`: what all processes of the machine used meanwhile."""

    by_part: dict[str, float] = field(default_factory=dict)
    busy_s: float = 0.0
    seconds: float = 0.0
    cores: int = 0

    def report(self) -> dict[str, object]:
        """`cpu_s` by part and the shares of all cores: of the box, of what is simulated, of everything together."""
        whole_s = max(self.seconds * self.cores, 1e-9)
        simulated_s = sum(used for part, used in self.by_part.items() if part in SIMULATED)
        box_s = sum(self.by_part.values()) - simulated_s
        return {
            "cpu_s": {part: round(used, 2) for part, used in sorted(self.by_part.items(), key=lambda one: -one[1])},
            "cpu_share": {
                "box": round(box_s / whole_s, 3), "simulated": round(simulated_s / whole_s, 3),
                "machine": round(self.busy_s / whole_s, 3),
            },
        }  # fmt: skip


class CpuMeter:
    """Counts from where it is made to `stop()`."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._began_s = time.monotonic()
        self._before, self._busy_before_s = _used(home), _busy_s()

    def stop(self) -> CpuAccount:
        """What was used since; a service that was restarted meanwhile counts from its restart."""
        after, busy_s = _used(self._home), _busy_s() - self._busy_before_s
        by_part = {part: used - self._before.get(part, 0.0) for part, used in after.items()}
        restarted = {part: after[part] for part, used in by_part.items() if used < 0}
        return CpuAccount(by_part | restarted, busy_s, time.monotonic() - self._began_s, os.cpu_count() or 1)


def _used(home: Home) -> dict[str, float]:
    """CPU seconds since their start by part."""
    used: dict[str, float] = {}
    for service in status(home):
        if service.pid:
            used[service.name] = _tree_s(service.pid)
    used[BROWSER_PART] = sum(_tree_s(browser.pid) for browser in browsers())
    spent = psutil.Process().cpu_times()
    used[BENCH_PART] = spent.user + spent.system
    return used


def browsers() -> list[psutil.Process]:
    """Our children that drive a browser."""
    return [child for child in psutil.Process().children() if _is_browser(child)]


def _is_browser(process: psutil.Process) -> bool:
    """Playwright's driver, which has Chromium below it (the box is a child too)."""
    try:
        return "playwright" in " ".join(process.cmdline())
    except psutil.Error:
        return False


def _tree_s(pid: int) -> float:
    total = 0.0
    try:
        root = psutil.Process(pid)
        family = [root, *root.children(recursive=True)]
    except psutil.Error:
        return 0.0
    for process in family:
        try:
            times = process.cpu_times()
        except psutil.Error:
            continue  # it ended just now and stands in its parent's account
        total += times.user + times.system + times.children_user + times.children_system
    return total


def _busy_s() -> float:
    times = psutil.cpu_times()
    return float(sum(times) - times.idle - times.iowait - times.guest - times.guest_nice)
