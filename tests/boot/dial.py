"""Runs inside the box as its own user: dials until a call is answered and heard.

`dial.py NUMBER TRUNK TIMEOUT_S [record]`. One JSON object on stdout: the verdict of the call that was heard, tries, the
uptime of the kernel at the answer and, with `record`, the size of the recording.
"""

from __future__ import annotations

import json
import socket
import sys
import time
from pathlib import Path

_PAUSE_S = 0.5


def open_door(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def recorded(root: Path) -> int:
    """Bytes of the newest recording, still in the spool or archived."""
    found = [*root.glob("spool/*.au"), *root.glob("archive/*/*.cbr")]
    return max(found, key=lambda path: path.stat().st_mtime).stat().st_size if found else 0


def main(number: str, trunk: str, timeout_s: float, record: bool) -> dict[str, object]:
    deadline = time.monotonic() + timeout_s
    while not open_door(4222):  # before the product is loaded, which costs a slow machine seconds
        if time.monotonic() > deadline:
            return {"error": "the bus does not open"}
        time.sleep(_PAUSE_S)
    from appliance.errors import CallboxError
    from appliance.ids import new_id
    from appliance.services.test_call import dial
    from appliance.settings import home_from_environment

    tries, last = 0, ""
    while time.monotonic() < deadline:
        tries += 1
        said: list[str] = []
        try:
            verdict = dial(home_from_environment(), number, trunk, said.append, new_id() if record else "")
        except CallboxError as error:
            last = error.message
        else:
            last = f"{verdict} {said}"
            if verdict["answered"] and verdict["outcome"] == "human":
                uptime_s = float(Path("/proc/uptime").read_text().split()[0])
                size = recorded(home_from_environment().root) if record else 0
                return {**verdict, "said": said, "tries": tries, "uptime_s": uptime_s, "recorded_bytes": size}
        time.sleep(_PAUSE_S)
    return {"error": last, "tries": tries}


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], sys.argv[2], float(sys.argv[3]), "record" in sys.argv[4:])))
