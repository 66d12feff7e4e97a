"""Line cards as a form sends them: checked, secrets that were left out kept, and shown without any secret.

One card may be read in two ways (`hardware.cards` then has two entries of one name), so `(id, source)` names an entry.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import SecretStr, ValidationError

from appliance.errors import NotFoundError, ValidationErrors
from appliance.settings import LineCardSettings

SECRETS = ("community", "password", "enable_password", "auth_key", "priv_key")
_KEY_LENGTH = 8


def find(cards: Sequence[LineCardSettings], card_id: str, source: str) -> LineCardSettings | None:
    """The entry of that name, if there is one."""
    return next((card for card in cards if (card.id, card.source) == (card_id, source)), None)


def card_of(cards: Sequence[LineCardSettings], plain: dict[str, Any]) -> LineCardSettings:
    """Check a card; an empty secret is the one that `cards` has. Raises ValidationErrors by field."""
    known = find(cards, str(plain.get("id", "")), str(plain.get("source", "")))
    kept = {name: getattr(known, name) for name in SECRETS if known is not None and not plain.get(name)}
    try:
        card = LineCardSettings.model_validate({**plain, **kept})
    except ValidationError as error:
        raise ValidationErrors(
            [(str(e["loc"][0]) if e["loc"] else "card", f"card.{e['type']}", str(e["msg"])) for e in error.errors()]
        ) from error
    wrong = _missing(card)
    if wrong:
        raise ValidationErrors(wrong)
    return card


def _missing(card: LineCardSettings) -> list[tuple[str, str, str]]:
    """What its way of being read cannot do without."""
    wrong = []
    if card.source == "snmp":
        if not card.address:
            wrong.append(("address", "card.no_address", "Give the address of its SNMP agent."))
        keys = [("auth_key", card.auth_key), ("priv_key", card.priv_key)]
        if card.user:
            wrong += [
                (name, "card.short_key", f"SNMP v3 wants {_KEY_LENGTH} characters at least.")
                for name, key in keys if len(key.get_secret_value()) < _KEY_LENGTH
            ]  # fmt: skip
        elif not card.community.get_secret_value():
            wrong.append(("community", "card.no_community", "Give the community, or a user with both keys."))
    if card.source == "console" and not card.port and not card.address.rpartition(":")[0]:
        wrong.append(("port", "card.no_port", "Give its serial port, or host:port of the terminal server before it."))
    return wrong


def plain_of(card: LineCardSettings) -> dict[str, Any]:
    """For the settings file: what is not as by default, secrets open."""
    return {
        name: value.get_secret_value() if isinstance(value, SecretStr) else value
        for name, value in card.model_dump(exclude_defaults=True).items()
    }


def shown(card: LineCardSettings) -> dict[str, Any]:
    """For a page: no secret, only which of them are set (`secrets_set`)."""
    plain = {name: value for name, value in card.model_dump().items() if name not in SECRETS}
    return plain | {"secrets_set": [name for name in SECRETS if getattr(card, name).get_secret_value()]}


def removed(
    cards: Sequence[LineCardSettings], card_id: str, source: str
) -> tuple[LineCardSettings, list[LineCardSettings]]:
    """(the card that goes, those that stay). Raises NotFoundError `card.unknown`."""
    gone = find(cards, card_id, source)
    if gone is None:
        raise NotFoundError("card.unknown", f"There is no card '{card_id}' that is read by {source}.")
    return gone, [card for card in cards if card is not gone]
