"""How `watch` has root's named actions done: one request to `privd` on its socket. See services/privd."""

from __future__ import annotations

import json
import socket
import time
from pathlib import Path

from appliance.types import Role
from drivers.lines import ReaderError
from drivers.programs import Ran

_CONNECT_S, _ANSWER_S = 2.0, 3630.0  # an update is written in one action
_LONGEST_ANSWER = 1_000_000


class RootActions:
    """The `Actions` of the disk drivers. `actor_id` stands in privd's log: a person, or `watch` itself."""

    def __init__(self, socket_path: Path, actor_id: str = "watch") -> None:
        self._path, self._actor_id = socket_path, actor_id

    @property
    def available(self) -> bool:
        """Whether privd is there at all (in a checkout it is not)."""
        return self._path.exists()

    def wait(self, timeout_s: float) -> None:
        """Wait until privd is there: it starts with the box, after what dials. Ends without a word at the time-out."""
        deadline_s = time.monotonic() + timeout_s
        while not self.available and time.monotonic() < deadline_s:
            time.sleep(0.2)

    def do(self, action: str, **arguments: str) -> Ran:
        """Do one action. Raises ReaderError `privd.away`, or what privd refused it with."""
        request = {
            "action": action, "role": Role.ADMINISTRATOR.value, "actor_id": self._actor_id, "arguments": arguments,
        }  # fmt: skip
        try:
            answer = self._ask(json.dumps(request).encode() + b"\n")
        except (OSError, ValueError) as error:
            raise ReaderError(
                "privd.away", f"The root helper does not answer ({error}). On the device: systemctl restart "
                "callbox-privd.",
            ) from error  # fmt: skip
        if "status" not in answer:
            raise ReaderError(str(answer.get("error_id", "privd.away")), str(answer.get("message", "No answer.")))
        return Ran(int(str(answer["status"])), str(answer.get("output", "")))

    def _ask(self, request: bytes) -> dict[str, object]:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(_CONNECT_S)
            connection.connect(str(self._path))
            connection.settimeout(_ANSWER_S)
            connection.sendall(request)
            data = b""
            while not data.endswith(b"\n") and len(data) < _LONGEST_ANSWER:
                part = connection.recv(65536)
                if not part:
                    break
                data += part
        answer = json.loads(data)
        if not isinstance(answer, dict):
            raise ValueError("not an object")
        return answer
