"""Health conditions: one class each, one question each; what they find is in words for the night.

`check()` returns the alerts that should stand now; the manager raises what is new and clears what is gone. To add one:
a class with `id`, `interval_s`, `keys` and `check()`, its words in `appliance/texts/{en,zh,ru}.toml`, a line in
`all_conditions` (or in `watch.manager`, when it needs the store or a driver).
"""

from __future__ import annotations

from collections.abc import Callable

from appliance.settings import Home, Settings
from appliance.watch.conditions.backups import BackupsMade, UpdateWent
from appliance.watch.conditions.base import Condition, Finding
from appliance.watch.conditions.certificate import CertificateValid
from appliance.watch.conditions.database import DatabaseReadable
from appliance.watch.conditions.disk_space import DiskSpace
from appliance.watch.conditions.doors import CLOSED_LOOKS, DoorsOpen
from appliance.watch.conditions.gateways import GatewaysAnswer
from appliance.watch.conditions.services import ServicesRun

__all__ = ["Condition", "Finding", "all_conditions"]


def all_conditions(
    home: Home, settings: Settings, silent_gateways: Callable[[], list[str]], *, once: bool = False
) -> list[Condition]:
    """The conditions that need nothing but the home, its settings and the edge's word; `once`: asked a single time."""
    looks = 1 if once else CLOSED_LOOKS
    return [
        ServicesRun(home), DoorsOpen(home, settings, closed_looks=looks), DatabaseReadable(home, settings),
        DiskSpace(home, settings), CertificateValid(home), GatewaysAnswer(silent_gateways),
        BackupsMade(home), UpdateWent(home),
    ]  # fmt: skip
