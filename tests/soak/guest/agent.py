"""Runs inside the guest: one JSON request a line on the virtio port, one JSON answer a line. Plain Python of Debian."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

PORT = "/dev/virtio-ports/callbox.agent"


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """`run`: a shell line, waited for. `start`: one that goes on."""
    if "start" in request:
        return {"pid": subprocess.Popen(request["start"], shell=True).pid}
    process = subprocess.Popen(
        request["run"], shell=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True,
        errors="replace", start_new_session=True,
    )  # fmt: skip
    try:
        output, error = process.communicate(timeout=request["timeout_s"])
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        return {"status": -1, "output": "", "error": "timed out"}
    return {"status": process.returncode, "output": output, "error": error}


def main() -> None:
    with Path(PORT).open("r+b", buffering=0) as port:
        port.write(b'{"ready": true}\n')
        pending = b""
        while True:
            pending += port.read(65536) or b""
            while b"\n" in pending:
                line, _, pending = pending.partition(b"\n")
                reply = json.dumps(answer(json.loads(line))).encode() + b"\n"
                while reply:  # the port takes only so much at once
                    reply = reply[port.write(reply) or 0 :]


if __name__ == "__main__":
    main()
