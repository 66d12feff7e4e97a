"""A `Context` over a private home and SQLite file, without bus or service: for the parts of `jobs` by themselves."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import msgspec

from appliance.clock import Clock, ManualClock
from appliance.jobs.context import Context
from appliance.settings import Home, load_secrets, load_settings
from appliance.store.db import migrate, open_store
from tests.integration.jobs.service import doors

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


class Shown(list[tuple[str, msgspec.Struct]]):
    """The live events that were published."""

    def __call__(self, topic: str, event: msgspec.Struct) -> None:
        self.append((topic, event))


@cache
def _migrated() -> Path:
    """An empty database with this version's tables, made once: migrating is most of the time of a small test."""
    home = Home(Path(tempfile.mkdtemp(prefix="cbdb")))
    atexit.register(shutil.rmtree, home.root, ignore_errors=True)
    store = open_store(home, load_settings(home))
    migrate(store)
    store.close()
    return home.database


def new_context(folder: Path, *, clock: Clock | None = None) -> Context:
    """A migrated box at 2 March 2026 09:00 UTC; `context.publish` is a `Shown`."""
    home = Home(folder)
    home.make()
    settings = load_settings(home)
    if not home.database.exists():
        shutil.copyfile(_migrated(), home.database)
    store = open_store(home, settings)
    migrate(store)
    return Context(
        home=home, settings=settings, secrets=load_secrets(home), store=store, clock=clock or ManualClock(START),
        doors=doors(home), publish=Shown(),
    )  # fmt: skip
