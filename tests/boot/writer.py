"""Runs inside the box as its own user: commits one row of the audit log after the other and says each number outside.

`writer.py FIRST HOST PORT`. A number is said only after its transaction was committed.
"""

from __future__ import annotations

import socket
import sys
import time
from datetime import UTC, datetime

from appliance.jobs import audit
from appliance.settings import home_from_environment, load_settings
from appliance.store.db import open_store

_PAUSE_S = 0.1


def main(number: int, host: str, port: int) -> None:
    home = home_from_environment()
    store = open_store(home, load_settings(home))
    with socket.create_connection((host, port)) as outside:
        while True:
            with store.write() as session:
                audit.append(session, datetime.now(UTC), actor_id="test", action="boot.row", subject=f"row:{number}")
            outside.sendall(b"%d\n" % number)
            number += 1
            time.sleep(_PAUSE_S)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
