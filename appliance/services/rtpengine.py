"""The media relay for browser phones: becomes rtpengine in userspace, in the foreground."""

from __future__ import annotations

from appliance.services.daemon import become
from appliance.settings import Home, Settings


def command(settings: Settings) -> list[str]:
    """rtpengine's command line: no kernel module, no config file, control on loopback only."""
    sip = settings.sip
    return [
        "rtpengine", "--config-file=none", "--foreground", "--log-stderr", "--log-level=4", "--table=-1",
        f"--interface={sip.seat_address}", f"--listen-ng=127.0.0.1:{sip.rtpengine_port}",
        f"--port-min={sip.rtpengine_rtp_min}", f"--port-max={sip.rtpengine_rtp_max}",
        "--timeout=60", "--silent-timeout=600", "--delete-delay=0", "--num-threads=2", "--tos=184",
    ]  # fmt: skip


def main(home: Home, settings: Settings) -> None:
    """Run until SIGTERM."""
    become(home, "rtpengine", command(settings))
