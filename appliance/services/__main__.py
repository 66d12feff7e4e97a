"""`python -m appliance.services <name>`: start one service of the box in the foreground (supervisor and systemd do)."""

from __future__ import annotations

import importlib
import sys
import warnings

from appliance.errors import CallboxError
from appliance.logs import configure, get_logger
from appliance.settings import home_from_environment, load_settings

SERVICES = {
    "front": "appliance.services.front",
    "edge": "appliance.services.edge",
    "rtpengine": "appliance.services.rtpengine",
    "bus": "appliance.services.bus",
    "switch": "appliance.services.switch",
    "engine": "appliance.engine.runner",
    "jobs": "appliance.services.jobs",
    "web": "webui.serve",
    "watch": "appliance.services.watch",
    "privd": "appliance.services.privd",
    "gate": "appliance.services.gate",
    "exchange": "appliance.bench.exchange",
    "phones": "appliance.bench.phones",
}


def main(argv: list[str]) -> int:
    """Run the named service until it is told to stop; exit 0 clean, 1 failed, 2 wrong use."""
    if len(argv) != 1 or argv[0] not in SERVICES:
        print(f"usage: python -m appliance.services {{{'|'.join(SERVICES)}}}", file=sys.stderr)
        return 2
    name = argv[0]
    warnings.simplefilter("default")
    home = home_from_environment()
    try:
        settings = load_settings(home)
        configure(name, level=settings.log_level)
        home.make()
        importlib.import_module(SERVICES[name]).main(home, settings)
    except CallboxError as error:
        get_logger(service=name).error("service failed", error_id=error.error_id, message=error.message)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
