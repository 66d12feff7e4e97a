"""The SIP edge: renders Kamailio's config from settings, trunks and seats and becomes Kamailio in the foreground."""

from __future__ import annotations

from collections.abc import Mapping

from appliance.logs import get_logger
from appliance.services.daemon import become
from appliance.settings import Home, Settings
from appliance.telephony.edge.certificates import ensure_certificates
from appliance.telephony.edge.places import control_socket
from appliance.telephony.edge.render import load_trunks, write_edge
from appliance.telephony.edge.subscribers import create, forget_connections
from appliance.telephony.trunks import TrunkConfig

SHARED_MB = 64  # of address space; pages are only taken when used
PRIVATE_MB = 8


def main(home: Home, settings: Settings) -> None:
    """Run until SIGTERM."""
    run_edge(home, settings, load_trunks(home, settings))


def run_edge(home: Home, settings: Settings, trunks: Mapping[str, TrunkConfig]) -> None:
    """The same with the trunks given (tests and benchmarks that have no store)."""
    home.make()
    ensure_certificates(home, settings)
    create(home)
    forget_connections(home)
    config = write_edge(home, settings, trunks)
    control_socket(home).unlink(missing_ok=True)
    get_logger(service="edge").info("edge starts", trunks=",".join(trunks) or "none")
    become(
        home,
        "edge",
        [
            "kamailio", "-DD", "-E", "-f", str(config), "-m", str(SHARED_MB), "-M", str(PRIVATE_MB),
            "-Y", str(home.run), "-P", str(home.run / "edge.pid"),
        ],
    )  # fmt: skip
