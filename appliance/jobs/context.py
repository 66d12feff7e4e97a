"""What every part of `jobs` works with, and the doors to other rooms that are put in from outside (see runner)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import msgspec

from appliance.clock import Clock
from appliance.events import ConfigChanged
from appliance.settings import Home, Secrets, Settings
from appliance.store.db import Store

Publish = Callable[[str, msgspec.Struct], None]


class SeatRegistrar(Protocol):
    """Who knows the seats' digest passwords: the edge. Both calls may be repeated."""

    def set_password(self, seat_id: str, password: str) -> None:
        """Let the seat register with this password only."""

    def remove(self, seat_id: str) -> None:
        """Let the seat register no more."""


def _no_live_view(_topic: str, _event: msgspec.Struct) -> None:
    """Without a bus nobody looks on."""


@dataclass(frozen=True, kw_only=True)
class Doors:
    """The other rooms, as far as `jobs` needs them; wired in `appliance.services`.

    `check_trunk` returns the normal form of a trunk's configuration or raises ValidationErrors;
    `edge_changed` has the edge take up new trunks.
    """

    seats: SeatRegistrar
    check_trunk: Callable[[dict[str, Any]], dict[str, Any]]
    edge_changed: Callable[[], None]


@dataclass(frozen=True, kw_only=True)
class Context:
    """One box as `jobs` sees it. `publish(topic, event)` shows a live event; it may be called from any thread."""

    home: Home
    settings: Settings
    secrets: Secrets
    store: Store
    clock: Clock
    doors: Doors
    publish: Publish = field(default=_no_live_view)

    def changed(self, what: str, changed_id: str) -> None:
        """Tell the others that configuration was written."""
        self.publish("config", ConfigChanged(what=what, id=changed_id))
