"""The service `watch`, with the doors to the edge and to the switch put in."""

from __future__ import annotations

from functools import partial

from appliance.services.test_call import dial
from appliance.settings import Home, Settings
from appliance.telephony.edge.control import silent_gateways
from appliance.watch import manager


def main(home: Home, settings: Settings) -> None:
    """Run until SIGTERM."""
    manager.main(home, settings, partial(silent_gateways, home), partial(dial, home))
