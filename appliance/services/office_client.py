"""How the command line reaches the office: through the running service, or on the store directly when none runs."""

from __future__ import annotations

import dataclasses
import json
import socket
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.table import Table

from appliance.clock import SystemClock
from appliance.commands import Command, Done
from appliance.errors import BusError
from appliance.jobs.context import Context
from appliance.jobs.office import Office
from appliance.jobs.retention import Retention
from appliance.services.doors import make_doors
from appliance.settings import Home, Settings, home_from_environment, load_secrets, load_settings
from appliance.store.db import migrate, open_store
from appliance.thread_bus import ThreadBus

_LONG_S = 600.0  # retention over a whole archive


def _connected(settings: Settings) -> ThreadBus | None:
    try:
        socket.create_connection((settings.bus.host, settings.bus.port), timeout=1.0).close()
    except OSError:
        return None  # refused at once: no bus runs
    bus = ThreadBus(settings.bus, name="cli")
    try:
        bus.connect(timeout_s=2.0)
    except BusError:
        bus.close()
        return None
    return bus


class Client:
    """The box as the command line sees it. `context` is for reading and for work on the store."""

    def __init__(self, context: Context, bus: ThreadBus | None, *, quiet: bool = False) -> None:
        self.context = context
        self._bus = bus
        self._quiet = quiet

    def ask(self, command: Command, *, directly: Callable[[], Done] | None = None) -> Done:
        """Have the running service do it; when none runs, `directly` (by default the office itself).

        Raises the command's own CallboxError.
        """
        if self._bus is not None:
            try:
                return self._bus.request(command, timeout_s=_LONG_S)
            except BusError as error:
                if error.error_id != "bus.no_service":
                    raise
        if not self._quiet:
            print(f"callbox: '{command.SERVICE}' does not run; done on the store directly.", file=sys.stderr)
        return directly() if directly is not None else Office(self.context).handle(command)

    def ask_running(self, command: Command, *, timeout_s: float = 15.0) -> Done:
        """Only the running service can do it; raises BusError `bus.no_service` or `bus.unreachable`."""
        if self._bus is None:
            raise BusError("bus.unreachable", "The box does not run; start it with 'callbox run'.", retryable=True)
        return self._bus.request(command, timeout_s=timeout_s)

    def run_retention(self, command: Command, actor_id: str, *, dry_run: bool) -> Done:
        """Retention by the service `jobs`, or here."""
        return self.ask(command, directly=lambda: Done(data=Retention(self.context).run(actor_id, "", dry_run=dry_run)))


@contextmanager
def client(home: Home | None = None, *, quiet: bool = False) -> Iterator[Client]:
    """Open a home, by default that of `$CALLBOX_HOME`; `quiet` does not say that no service runs.

    Raises StoreError or CallerError when it cannot be used.
    """
    home = home or home_from_environment()
    home.make()
    settings = load_settings(home)
    store = open_store(home, settings)
    bus = _connected(settings)
    try:
        migrate(store)
        context = Context(
            home=home, settings=settings, secrets=load_secrets(home), store=store, clock=SystemClock(),
            doors=make_doors(home, settings),
        )  # fmt: skip
        yield Client(context, bus, quiet=quiet)
    finally:
        if bus is not None:
            bus.close()
        store.close()


def plain(row: Any) -> dict[str, Any]:
    """A view as plain data."""
    return dataclasses.asdict(row)


def print_json(found: Any) -> None:
    """One JSON object on stdout; instants as RFC 3339."""
    print(json.dumps(found, ensure_ascii=False, default=lambda value: getattr(value, "isoformat", value.__str__)()))


def print_rows(rows: Iterable[dict[str, Any]], columns: tuple[str, ...], *, as_json: bool) -> None:
    """A table for people, or one JSON object a line."""
    if as_json:
        for row in rows:
            print_json(row)
        return
    table = Table(*columns)
    for row in rows:
        table.add_row(*("" if row.get(column) is None else str(row[column]) for column in columns))
    Console().print(table)


def print_done(done: Done, said: str, *, as_json: bool) -> None:
    """The end of a command that changed something; `said` is for people."""
    if as_json:
        print_json({"id": done.id, **done.data})
    else:
        print(said)
