"""What every part of `jobs` works with, and the doors to other rooms that are put in from outside (see runner)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import msgspec

from appliance.clock import Clock
from appliance.errors import CallerError
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


def _no_certificate(_certificate: str, _key: str) -> None:
    """Without an edge and a front there is nothing to take it up."""


def _sent_as_it_is(_config: dict[str, Any], number: str, _direction: str, _which: str) -> dict[str, Any]:
    """Without an edge no rule changes a number."""
    return {"sent": number, "rule": None}


def _no_root(action: str, _actor_id: str, _arguments: dict[str, str]) -> str:
    """A checkout has no root helper."""
    raise CallerError("box.not_a_device", f"'{action}' is done on the device only; this box runs from a checkout.")


@dataclass(frozen=True, kw_only=True)
class Doors:
    """The other rooms, as far as `jobs` needs them; wired in `appliance.services`.

    `check_trunk` returns the normal form of a trunk's configuration or raises ValidationErrors;
    `edge_changed` has the edge take up new trunks; `preview_number` (config, number, direction, which) says what a
    trunk's rules make of a number; `use_certificate` (PEM, key; both empty: the box's own) or ValidationErrors;
    `root` (action, actor, arguments) has privd do a named action and returns its words, or raises CallboxError
    (`box.not_a_device` where there is none).
    """

    seats: SeatRegistrar
    check_trunk: Callable[[dict[str, Any]], dict[str, Any]]
    edge_changed: Callable[[], None]
    preview_number: Callable[[dict[str, Any], str, str, str], dict[str, Any]] = field(default=_sent_as_it_is)
    use_certificate: Callable[[str, str], None] = field(default=_no_certificate)
    root: Callable[[str, str, dict[str, str]], str] = field(default=_no_root)


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
