"""`privd`: the only root process. Takes `Privileged` requests on its Unix socket, runs the named action, answers once.

One JSON object a connection: {"action", "role", "actor_id", "arguments"} -> {"ok", "status", "output"} or
{"ok": false, "error_id", "message"}. The socket (home.run/privd.sock, mode 0660) belongs to the box's own group. Who
calls the kernel tells: the process (SO_PEERCRED) and, by its control group, the unit that it was started in and cannot
leave. A unit may ask only for what is its task (`units` in actions.toml), whatever role it names. Every request is
logged.
"""

from __future__ import annotations

import json
import re
import signal
import socket
import struct
import subprocess
import threading
from pathlib import Path
from typing import Any

from appliance.errors import BoxError, CallboxError, CallerError, NotAllowedError
from appliance.logs import get_logger
from appliance.services.privileged.actions import Action, load_actions
from appliance.settings import Home, Settings
from appliance.types import Role

_MAX_REQUEST_BYTES = 16_384
_MAX_OUTPUT_CHARS = 65_536
_UNIT = re.compile(r"/callbox-([a-z]+)(?:@[^/\n]*)?\.service$", re.MULTILINE)


def unit_of(pid: int, proc: Path = Path("/proc")) -> str:
    """The box's own unit that a process runs in (`watch` for callbox-watch.service), empty when it is none.

    Raises NotAllowedError for a process that is gone.
    """
    try:
        found = _UNIT.search((proc / str(pid) / "cgroup").read_text("utf-8", "replace"))
    except OSError as error:
        raise NotAllowedError("privileged.unit", "Who asks is gone already.") from error
    return found[1] if found else ""


def carry_out(actions: dict[str, Action], request: Any, unit: str = "") -> dict[str, Any]:
    """Check one request and run its action. Raises CallboxError."""
    if not isinstance(request, dict) or not isinstance(request.get("arguments", {}), dict):
        raise CallerError("privileged.malformed", "A request is one JSON object with action, role and arguments.")
    action = actions.get(str(request.get("action")))
    if action is None:
        raise CallerError("privileged.unknown", f"There is no action '{request.get('action')}'.")
    action.check_unit(unit)
    try:
        role = Role(str(request.get("role")))
    except ValueError as error:
        raise CallerError("privileged.role", f"There is no role '{request.get('role')}'.") from error
    arguments = {str(key): str(value) for key, value in request.get("arguments", {}).items()}
    words = action.argument_list(role, arguments)
    try:
        done = subprocess.run(
            words, capture_output=True, text=True, timeout=action.timeout_s, check=False, stdin=subprocess.DEVNULL,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"},
        )  # fmt: skip
    except FileNotFoundError as error:
        raise BoxError("privileged.missing", f"'{words[0]}' is not installed on this box.") from error
    except subprocess.TimeoutExpired as error:
        raise BoxError("privileged.timeout", f"'{action.name}' took longer than {action.timeout_s:g} s.") from error
    output = (done.stdout + done.stderr)[:_MAX_OUTPUT_CHARS]
    return {"ok": done.returncode == 0, "status": done.returncode, "output": output}


def _serve_one(connection: socket.socket, actions: dict[str, Action]) -> None:
    log = get_logger()
    with connection:
        connection.settimeout(5.0)
        pid, uid, _gid = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        try:
            unit = unit_of(pid)
            data = b""
            while b"\n" not in data and len(data) <= _MAX_REQUEST_BYTES:
                part = connection.recv(4096)
                if not part:
                    break
                data += part
            if len(data) > _MAX_REQUEST_BYTES:
                raise CallerError("privileged.malformed", "The request is too long.")
            request = json.loads(data)
            log.info(
                "request", action=request.get("action"), actor=request.get("actor_id"), unit=unit, pid=pid, uid=uid
            )
            answer = carry_out(actions, request, unit)
        except (ValueError, AttributeError, TimeoutError):
            answer = {"ok": False, "error_id": "privileged.malformed", "message": "Not one line of JSON."}
        except CallboxError as error:
            log.warning("refused", error_id=error.error_id, pid=pid, uid=uid)
            answer = {"ok": False, "error_id": error.error_id, "message": error.message}
        connection.sendall(json.dumps(answer).encode() + b"\n")


def main(home: Home, settings: Settings) -> None:
    """Serve until SIGTERM."""
    del settings  # the actions are fixed on purpose: no setting widens what root does
    actions = load_actions()
    path = home.run / "privd.sock"
    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
        server.bind(str(path))
        path.chmod(0o660)
        server.listen(8)

        def on_term(_number: int, _frame: object) -> None:
            raise SystemExit(0)

        signal.signal(signal.SIGTERM, on_term)
        try:
            while True:
                connection, _ = server.accept()
                threading.Thread(target=_serve_one, args=(connection, actions), daemon=True).start()
        finally:
            path.unlink(missing_ok=True)
