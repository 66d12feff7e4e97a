"""Where the edge is spoken to, and by which numbers its dispatcher knows the workers and the trunks.

Apart from `render`: who only talks to the edge, as the switch does, loads neither templates nor the database's library.
"""

from __future__ import annotations

from pathlib import Path

from appliance.errors import BoxError
from appliance.settings import Home, Settings

WORKER_SET = 1
FIRST_TRUNK_SET = 101
_UNIX_PATH_MAX = 100  # of 107 bytes; Kamailio appends to it


def control_socket(home: Home) -> Path:
    """Kamailio's unix datagram socket for JSON-RPC. Raises BoxError when the path is too long for a socket."""
    path = home.run / "edge.sock"
    if len(str(path).encode()) > _UNIX_PATH_MAX:
        raise BoxError("edge.path_too_long", f"{path} is too long for a socket; use a shorter CALLBOX_HOME.")
    return path


def worker_uri(settings: Settings, port: int) -> str:
    return f"sip:{settings.sip.worker_address}:{port}"
