"""What a page may touch of the box: reads of the store, commands on the bus, the live hub."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol, cast

from flask import current_app, g, request

from appliance.commands import Command, Done, EditCommand, UserCommand
from appliance.settings import Home, Settings, load_settings
from appliance.store.db import Store
from appliance.store.read.figures import Tallier
from webui.drawn import Drawn
from webui.live import LiveHub
from webui.pictures import Pictures


class WebBus(Protocol):
    """The part of `appliance.bus.ThreadBus` that the web uses."""

    @property
    def connected(self) -> bool: ...
    def connect(self, *, timeout_s: float = 15.0) -> None: ...
    def request(self, command: Command, *, timeout_s: float = 5.0) -> Done: ...
    def subscribe_live(self, pattern: str, handler: Callable[[str, Any], None]) -> None: ...
    def close(self) -> None: ...


@dataclass
class Box:
    """One box as the web sees it."""

    home: Home
    settings: Settings
    bus: WebBus
    store: Store
    live: LiveHub
    tallier: Tallier = field(default_factory=Tallier)  # sums for monitoring
    rooms: Pictures = field(default_factory=Pictures)  # the board as many screens show it
    today_drawn: Drawn = field(default_factory=Drawn)  # its figures of today
    saved: tuple[object, Settings] | None = None  # see `saved_settings`


def box() -> Box:
    """The box of the running application."""
    return cast(Box, current_app.extensions["callbox"])


def saved_settings() -> Settings:
    """The settings as they are saved now, for parts that are drawn often: read again only when their file changed.

    Raises CallerError `settings.invalid`.
    """
    here = box()
    try:
        found = here.home.settings_file.stat()
        state: object = (found.st_ino, found.st_mtime_ns, found.st_size)
    except FileNotFoundError:
        state = None
    known = here.saved
    if known is None or known[0] != state:
        here.saved = known = (state, load_settings(here.home))
    return known[1]


def store() -> Store:
    """The store, for functions of `appliance.store.read`."""
    return box().store


def tell(command: Command, *, timeout_s: float = 5.0) -> Done:
    """Send a command that needs no actor (log-in, first run, live view). Raises CallboxError."""
    return box().bus.request(command, timeout_s=timeout_s)


def seen_version() -> str:
    """The version of what is edited that whoever asks has seen (`webui.versions`); "" when he does not say."""
    return request.headers.get("If-Match", "").removeprefix("W/").strip('"') or request.form.get("version", "")


def ask(command: type[UserCommand], *, timeout_s: float = 5.0, **fields: Any) -> Done:
    """Send a command in the name of the signed-in user and his address. Raises CallboxError."""
    if issubclass(command, EditCommand):
        fields = {"version": seen_version(), **fields}
    return tell(command(actor_id=g.user.id, actor_address=request.remote_addr or "", **fields), timeout_s=timeout_s)
