"""The service `jobs`, with the edge's doors put in."""

from __future__ import annotations

from appliance.jobs import runner
from appliance.services.doors import make_doors
from appliance.settings import Home, Settings


def main(home: Home, settings: Settings) -> None:
    """Run until SIGTERM."""
    runner.main(home, settings, make_doors(home, settings))
