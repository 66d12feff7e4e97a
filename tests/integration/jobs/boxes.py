"""A `Context` over a private home and SQLite file, without bus or service: for the parts of `jobs` by themselves."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import msgspec

from appliance.clock import Clock, ManualClock
from appliance.jobs.context import Context
from appliance.settings import Home, load_secrets, load_settings
from tests.databases import new_store
from tests.integration.jobs.service import doors

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


class Shown(list[tuple[str, msgspec.Struct]]):
    """The live events that were published."""

    def __call__(self, topic: str, event: msgspec.Struct) -> None:
        self.append((topic, event))


def new_context(folder: Path, *, clock: Clock | None = None) -> Context:
    """A migrated box at 2 March 2026 09:00 UTC; `context.publish` is a `Shown`."""
    home = Home(folder)
    home.make()
    settings = load_settings(home)
    store = new_store(home, settings)
    return Context(
        home=home, settings=settings, secrets=load_secrets(home), store=store, clock=clock or ManualClock(START),
        doors=doors(home), publish=Shown(),
    )  # fmt: skip
