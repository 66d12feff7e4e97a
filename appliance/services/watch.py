"""The service `watch`, with supervisor as the source of the services' states."""

from __future__ import annotations

from appliance.services.supervisor import status
from appliance.settings import Home, Settings
from appliance.watch import manager


def main(home: Home, settings: Settings) -> None:
    """Run until SIGTERM."""
    manager.main(home, settings, lambda: status(home))
