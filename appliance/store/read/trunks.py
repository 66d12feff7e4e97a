"""Trunks; a provider's password never leaves the store."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from appliance.store.db import Store
from appliance.store.models import Trunk


@dataclass(frozen=True)
class TrunkView:
    """A group of channels; `config` as telephony.trunks.TrunkConfig in plain data, without the provider's password."""

    id: str
    display_name: str
    channels: int
    enabled: bool
    config: dict[str, Any]


def _view(trunk: Trunk) -> TrunkView:
    config = dict(trunk.config)
    if isinstance(config.get("provider"), dict):
        config["provider"] = {**config["provider"], "password": ""}
    return TrunkView(
        id=trunk.id, display_name=trunk.display_name, channels=trunk.channels, enabled=trunk.enabled, config=config
    )


def trunks(store: Store) -> list[TrunkView]:
    """All trunks by id."""
    with store.read() as db:
        return [_view(trunk) for trunk in db.scalars(select(Trunk).order_by(Trunk.id))]


def trunk(store: Store, trunk_id: str) -> TrunkView | None:
    """One trunk."""
    with store.read() as db:
        found = db.get(Trunk, trunk_id)
    return _view(found) if found else None
