"""The device's own way to run: systemd starts one supervisor for the worker group and keeps the other units itself.

`run` becomes that supervisor. `notify` is its event listener: it tells systemd READY once the group runs and the
bus and the edge open their doors, and feeds the watchdog only while they do: a group that hangs is started anew.
"""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path
from typing import NoReturn

from supervisor import childutils, supervisord

from appliance.errors import BoxError
from appliance.home import RELEASE
from appliance.settings import Home, Settings
from appliance.watch.supervision import BOX, WORKERS, ServiceStatus, render, status

UNITS = ("web", "front", "watch", "privd")
"""Services that systemd keeps on the device; in a checkout supervisor keeps the first three too."""

_LISTENER = """
[eventlistener:notify]
command={python} -P -m appliance.watch.device
events=TICK_5,PROCESS_STATE
buffer_size=100
priority=1
autorestart=true
startretries=1000000
stderr_logfile={log}
stderr_logfile_maxbytes=5MB
stderr_logfile_backups=1
"""


def is_device(home: Home) -> bool:
    """Whether this is the box itself, and not a checkout or a private box."""
    return RELEASE.exists() and home.root == Path("/var/lib/callbox")


def run(home: Home) -> NoReturn:
    """Become the supervisor of the worker group; never returns."""
    path = render(home, [program for program in BOX if program.name in WORKERS])
    with path.open("a", encoding="utf-8") as config:
        config.write(_LISTENER.format(python=sys.executable, log=home.logs / "notify.log"))
    supervisord.main(["--nodaemon", "--configuration", str(path)])
    sys.exit()


def _opens(address: str, port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.settimeout(5.0)
        return probe.connect_ex((address, port)) == 0


def not_well(services: list[ServiceStatus], settings: Settings) -> list[str]:
    """What of the worker group is not up: services that do not run, doors that do not open."""
    running = {service.name for service in services if service.state == "RUNNING"}
    missing = sorted(WORKERS - running)
    doors = {
        "bus port": (settings.bus.host, settings.bus.port),
        "SIP edge": (settings.sip.seat_address, settings.sip.seat_port),
    }
    return missing + [name for name, (address, port) in doors.items() if not _opens(address, port)]


def tell_systemd(message: str) -> None:
    """Send one message to systemd (sd_notify(3)); nothing without `$NOTIFY_SOCKET`."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as to_systemd:
        to_systemd.sendto(message.encode(), "\0" + address[1:] if address.startswith("@") else address)


def notify(home: Home, settings: Settings) -> None:
    """Supervisor's event listener: one look and one message to systemd for each event, until supervisor ends."""
    ready = False
    while True:
        childutils.listener.wait(sys.stdin, sys.stdout)
        try:
            missing = not_well(status(home), settings)
        except BoxError as error:
            missing = [error.message]
        if missing:
            tell_systemd(f"STATUS=not up: {', '.join(missing)}")
        else:
            tell_systemd(("" if ready else "READY=1\n") + "WATCHDOG=1\nSTATUS=all services run")
            ready = True
        childutils.listener.ok(sys.stdout)


if __name__ == "__main__":
    from appliance.settings import home_from_environment, load_settings

    _home = home_from_environment()
    notify(_home, load_settings(_home))
