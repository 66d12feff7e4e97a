"""The trunks of the store as the watch needs them: which lines and gateways carry each."""

from __future__ import annotations

from typing import Any

from appliance.store.db import Store
from appliance.store.repositories import configuration
from appliance.watch.line_trunks import TrunkPlan


def trunk_plans(store: Store) -> list[TrunkPlan]:
    """All enabled trunks. Raises StoreError."""
    with store.read() as session:
        return [
            TrunkPlan(
                row.id, row.channels, tuple(map(str, row.config.get("lines", ()))),
                tuple(_address(gateway) for gateway in row.config.get("gateways", ())),
            )
            for row in configuration.trunks(session)
            if row.enabled
        ]  # fmt: skip


def _address(gateway: dict[str, Any]) -> str:
    """As the edge calls it: host:port, without the transport."""
    host = str(gateway.get("address", ""))
    return f"{f'[{host}]' if ':' in host else host}:{gateway.get('port', 5060)}"
