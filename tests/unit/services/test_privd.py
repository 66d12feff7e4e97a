"""privd does what is named, with checked arguments, and nothing else."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.errors import CallerError, NotAllowedError
from appliance.services import privd
from appliance.services.privileged.actions import Action, load_actions
from appliance.types import Role

pytestmark = pytest.mark.unit

ECHO = Action(
    name="echo", description="", command=("echo", "[{word}]"), arguments={"word": "[a-z ;$()]+"},
    roles=frozenset({Role.ADMINISTRATOR}), timeout_s=5,
)  # fmt: skip


def test_every_shipped_action_is_well_formed() -> None:
    actions = load_actions()
    assert "time-zone-set" in actions
    assert all(action.roles and action.timeout_s > 0 for action in actions.values())


def test_arguments_are_matched_whole_and_never_reach_a_shell() -> None:
    zone = load_actions()["time-zone-set"]
    assert zone.argument_list(Role.ADMINISTRATOR, {"zone": "Asia/Shanghai"})[-1] == "Asia/Shanghai"
    for bad in ("Asia/Shanghai; reboot", "../../etc", "", "-h"):
        with pytest.raises(CallerError):
            zone.argument_list(Role.ADMINISTRATOR, {"zone": bad})
    request = {"action": "echo", "role": "administrator", "arguments": {"word": "a; $(b)"}}
    answer = privd.carry_out({"echo": ECHO}, request)
    assert answer == {"ok": True, "status": 0, "output": "[a; $(b)]\n"}


def test_a_role_without_the_right_is_refused() -> None:
    with pytest.raises(NotAllowedError):
        load_actions()["time-zone-set"].argument_list(Role.AGENT, {"zone": "UTC"})


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[socket.socket]:
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    server.bind(str(tmp_path / "s"))
    server.listen(1)
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    client.connect(str(tmp_path / "s"))
    connection, _ = server.accept()
    worker = threading.Thread(target=privd._serve_one, args=(connection, {"echo": ECHO}))
    worker.start()
    client.settimeout(10)
    yield client
    worker.join(10)
    client.close()
    server.close()


@pytest.mark.parametrize(
    ("sent", "error_id"),
    [
        (b"garbage\n", "privileged.malformed"),
        (b"[1, 2]\n", "privileged.malformed"),
        (b'{"action": "rm"}\n', "privileged.unknown"),
        (b'{"action": "echo", "role": "root"}\n', "privileged.role"),
        (b'{"action": "echo", "role": "agent", "arguments": {"word": "x"}}\n', "privileged.role"),
        (b"x" * 20_000, "privileged.malformed"),
    ],
)
def test_bad_requests_get_an_answer_not_a_crash(pair: socket.socket, sent: bytes, error_id: str) -> None:
    pair.sendall(sent)
    answer = json.loads(pair.makefile().readline())
    assert answer["ok"] is False
    assert answer["error_id"] == error_id
