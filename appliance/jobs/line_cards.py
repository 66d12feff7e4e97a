"""Line cards in the settings file: added, changed and removed by a technician. `watch` hears of it and reads anew."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

from appliance import commands
from appliance.card_settings import SECRETS, card_of, find, plain_of, removed
from appliance.commands import Done
from appliance.errors import ValidationErrors
from appliance.jobs import audit
from appliance.jobs.context import Context
from appliance.settings import LineCardSettings, load_settings, save_settings
from appliance.store import versions
from appliance.store.repositories import users
from appliance.types import Permission


class LineCards:
    """Commands about `hardware.cards`; safe to call from several threads."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._lock = threading.Lock()  # the file is read, changed and written

    def save(self, command: commands.SaveLineCard) -> Done:
        """Add (`new`) or change a card; raises ValidationErrors by field."""
        self._allow(command)
        with self._lock:
            cards = self._cards()
            card = card_of(cards, command.card)
            before = find(cards, card.id, card.source)
            if command.new and before is not None:
                raise ValidationErrors(
                    [("id", "card.taken", f"There is already a card '{card.id}' that is read by {card.source}.")]
                )
            if before is not None:
                with self._context.store.read() as session:
                    versions.check(session, command, f"line_card:{card.id}", plain_of(before), plain_of(card))
            kept = [card if other is before else other for other in cards]
            self._write(kept if before is not None else [*kept, card])
        detail: dict[str, Any] = {k: "***" if k in SECRETS else v for k, v in plain_of(card).items()}
        self._note(command, "line_card.made" if before is None else "line_card.saved", card, detail)
        return Done(id=card.id)

    def remove(self, command: commands.RemoveLineCard) -> Done:
        """Its lines are watched no more. Raises NotFoundError `card.unknown`."""
        self._allow(command)
        with self._lock:
            gone, stay = removed(self._cards(), command.id, command.source)
            self._write(stay)
        self._note(command, "line_card.removed", gone, {"source": gone.source, "profile": gone.profile})
        return Done(id=gone.id)

    def _allow(self, command: commands.UserCommand) -> None:
        with self._context.store.read() as session:
            users.require(session, command.actor_id, Permission.HARDWARE_WRITE)

    def _cards(self) -> tuple[LineCardSettings, ...]:
        return load_settings(self._context.home).hardware.cards

    def _write(self, cards: Sequence[LineCardSettings]) -> None:
        save_settings(self._context.home, {"hardware": {"cards": [plain_of(card) for card in cards]}})

    def _note(self, command: commands.UserCommand, action: str, card: LineCardSettings, detail: dict[str, Any]) -> None:
        with self._context.store.write() as session:
            audit.append(
                session, self._context.clock.now(), actor_id=command.actor_id, actor_address=command.actor_address,
                action=action, subject=f"line_card:{card.id}", detail=detail,
            )  # fmt: skip
        self._context.changed("settings", "hardware.cards")
