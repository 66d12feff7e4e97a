"""The bus: becomes nats-server on loopback with JetStream and one user, in the foreground."""

from __future__ import annotations

import json
from pathlib import Path

from appliance.services.daemon import become
from appliance.settings import Home, Settings, write_private

MEMORY_MAX_BYTES = 64 * 2**20
FILE_MAX_BYTES = 2 * 2**30


def write_config(home: Home, settings: Settings) -> Path:
    """Write `home.bus/nats.conf` (mode 0600: it holds the password) and return its path."""
    bus = settings.bus
    config = {
        "host": bus.host,
        "port": bus.port,
        "server_name": f"callbox-{bus.cell}",
        "authorization": {"user": bus.user, "password": bus.password.get_secret_value(), "timeout": 3},
        "jetstream": {
            "store_dir": str(home.bus),
            "max_memory_store": MEMORY_MAX_BYTES,
            "max_file_store": FILE_MAX_BYTES,
        },
        "max_payload": 1 << 20,
        "logtime": False,  # supervisor's log has the time
    }
    path = home.bus / "nats.conf"
    write_private(path, json.dumps(config, indent=1).encode())  # JSON is a subset of nats-server's config language
    return path


def main(home: Home, settings: Settings) -> None:
    """Run until SIGTERM."""
    become(home, "bus", ["nats-server", "-c", str(write_config(home, settings))])
