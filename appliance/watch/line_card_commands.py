"""Line cards as commands of `watch`: which there are, which makes are known, and one reading before a card is saved."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

from appliance import commands as cmd
from appliance.card_settings import card_of, shown
from appliance.commands import Command, Done
from appliance.errors import CallerError
from appliance.settings import Home, load_settings
from appliance.types import Permission
from appliance.watch.lines import LineWatch
from drivers import profiles
from drivers.lines import ReaderError

Handlers = dict[type[Command], Callable[[Any], Awaitable[Done]]]


def handlers(home: Home, lines: LineWatch, require: Callable[[str, Permission], None]) -> Handlers:
    """Command -> what answers it; each checks the actor's permission (`require` raises NotAllowedError)."""

    async def show(command: cmd.ShowLineCards) -> Done:
        require(command.actor_id, Permission.HARDWARE_WRITE)
        return Done(data=await asyncio.to_thread(_shown, home))

    async def test(command: cmd.TestLineCard) -> Done:
        require(command.actor_id, Permission.HARDWARE_WRITE)
        return Done(data=await asyncio.to_thread(read_once, home, lines, command.card))

    return {cmd.ShowLineCards: show, cmd.TestLineCard: test}


def _shown(home: Home) -> dict[str, Any]:
    try:
        known = profiles.load_all(home.line_profiles).values()
    except profiles.ProfileError as error:
        raise CallerError("line.bad_profile", str(error)) from error
    return {
        "cards": [shown(card) for card in load_settings(home).hardware.cards],
        "profiles": [
            {"id": p.id, "make": p.make, "model": p.model, "kind": str(p.kind), "readers": list(p.readers)}
            for p in known
        ],
    }  # fmt: skip


def read_once(home: Home, lines: LineWatch, plain: dict[str, Any]) -> dict[str, Any]:
    """One reading of a card as a form has it. Raises ValidationErrors by field, CallerError with what went wrong."""
    card = card_of(load_settings(home).hardware.cards, plain)
    began_s = time.monotonic()
    try:
        found = lines.try_card(card)
    except ReaderError as error:
        raise CallerError(error.error_id, error.message) from error
    if not found:
        raise CallerError("card.no_lines", f"{card.id} answers, but shows no line. Is it the right make and model?")
    return {
        "seconds": round(time.monotonic() - began_s, 1),
        "lines": [
            {"line_id": line.line_id, "name": line.name, "up": line.up, "alarms": sorted(map(str, line.alarms)),
             "error": line.error, "error_id": line.error_id}
            for line in found
        ],
    }  # fmt: skip
