"""privd does what is named, with checked arguments, and nothing else."""

from __future__ import annotations

import json
import socket
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from appliance.errors import BoxError, CallerError, NotAllowedError
from appliance.services import doors, privd
from appliance.services.doors import make_doors
from appliance.services.privileged.actions import Action, load_actions
from appliance.services.privileged.dahdi import config, same_but_spans
from appliance.settings import Home, Settings
from appliance.types import Role
from appliance.watch.line_cards import DahdiByRoot
from appliance.watch.root import RootActions
from drivers.lines import ReaderError
from drivers.programs import Ran

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


_SLICE = "/system.slice/system-callbox\\x2dconsole.slice"


@pytest.mark.parametrize(
    ("group", "unit"),
    [
        ("0::/system.slice/callbox-watch.service\n", "watch"),
        ("12:cpu:/\n0::/system.slice/callbox-supervisord.service\n", "supervisord"),
        (f"0::{_SLICE}/callbox-console@ttyS0.service\n", "console"),
        ("0::/user.slice/user-0.slice/session-1.scope\n", ""), ("0::/\n", ""),
        ("0::/system.slice/other.service/callbox-watch.service.d\n", ""),
    ],
)  # fmt: skip
def test_the_control_group_says_which_unit_asks(tmp_path: Path, group: str, unit: str) -> None:
    (tmp_path / "7").mkdir()
    (tmp_path / "7/cgroup").write_text(group)
    assert privd.unit_of(7, tmp_path) == unit
    with pytest.raises(NotAllowedError):
        privd.unit_of(8, tmp_path)


def test_a_unit_has_only_its_own_task_done_whatever_role_it_names() -> None:
    actions = load_actions()
    units = {unit for action in actions.values() for unit in action.units}
    systemd = Path(__file__).resolve().parents[3] / "systemd"
    for unit in units:
        assert list(systemd.glob(f"callbox-{unit}.service")) or list(systemd.glob(f"callbox-{unit}@.service"))
    request = {"action": "data-erase", "role": "administrator"}
    for unit in ("web", "watch", "console", "front", "gate"):
        with pytest.raises(NotAllowedError) as refused:
            privd.carry_out(actions, request, unit)
        assert refused.value.error_id == "privileged.unit"
    actions["data-erase"].check_unit("supervisord")
    assert not any("web" in action.units for action in actions.values())
    echo = {"action": "echo", "role": "administrator", "arguments": {"word": "x"}}
    assert privd.carry_out({"echo": ECHO}, echo)["ok"], "root's own shell is no unit of the box"


def test_every_action_that_a_service_asks_for_is_its_own() -> None:
    """Where an action's name stands in the code, there its unit is named in the table."""
    top = Path(__file__).resolve().parents[3]
    asked_in = {
        "watch": ("appliance/watch", "drivers/raid"), "supervisord": ("appliance/jobs",),
        "console": ("appliance/console",),
    }  # fmt: skip
    actions = load_actions()
    for unit, folders in asked_in.items():
        code = "".join(path.read_text("utf-8") for folder in folders for path in (top / folder).rglob("*.py"))
        asked = {name for name in actions if f'"{name}"' in code}
        assert asked
        assert {name for name in asked if unit not in actions[name].units} == set(), unit


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


def test_dahdi_arguments_are_checked() -> None:
    actions = load_actions()
    maint = actions["dahdi-maint"]
    words = maint.argument_list(Role.ADMINISTRATOR, {"span": "2", "command": "13"})
    assert words[0] == sys.executable
    assert words[-3:] == ["maint", "2", "13"]
    for bad in ({"span": "0", "command": "1"}, {"span": "1", "command": "9"}, {"span": "1;", "command": "1"}):
        with pytest.raises(CallerError):
            maint.argument_list(Role.ADMINISTRATOR, bad)
    with pytest.raises(CallerError):
        actions["dahdi-config"].argument_list(Role.ADMINISTRATOR, {"text": "span=1\0"})
    with pytest.raises(NotAllowedError):
        maint.argument_list(Role.SUPERVISOR, {"span": "1", "command": "1"})


CONF = """# 机房 span file
span=1,1,0,ccs,hdb3,crc4
span => 2,2,0,ccs,hdb3
bchan=1-15,17-31
dchan=16
loadzone=cn
"""


@pytest.mark.parametrize(
    ("before", "after", "allowed"),
    [
        ("hdb3,crc4", "ami", True), ("2,2,0,ccs,hdb3", "2,2,0,cas,ami,crc4", True), ("hdb3,crc4", "b8zs", False),
        ("span=1,1", "span=1,0", False), ("span=1,", "span=3,", False), ("dchan=16", "dchan=15", False),
        ("loadzone=cn", "dynamic=eth,eth0/00:00:00:00:00:00,31,1", False), ("loadzone=cn\n", "", False),
    ],
)  # fmt: skip
def test_of_a_dahdi_file_only_the_spans_settings_change(before: str, after: str, allowed: bool) -> None:
    assert before in CONF
    assert same_but_spans(CONF, CONF.replace(before, after)) is allowed


class _Cfg:
    """`dahdi_cfg` that takes all."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []

    def run(self, words: Sequence[str], timeout_s: float) -> Ran:
        assert timeout_s > 0
        self.asked.append(list(words))
        return Ran(0, "2 channels to configure.")


def test_a_dahdi_file_is_written_or_left_alone(tmp_path: Path) -> None:
    file, programs = tmp_path / "system.conf", _Cfg()
    with pytest.raises(ReaderError, match="dahdi_genconf"):
        config(CONF, programs, file)
    file.write_text(CONF, encoding="utf-8")
    with pytest.raises(ReaderError, match="Only framing"):
        config(CONF + "bchan=40\n", programs, file)
    assert file.read_text(encoding="utf-8") == CONF
    assert not programs.asked
    assert config(CONF.replace(",crc4", ""), programs, file) == (0, "2 channels to configure.")
    assert "crc4" not in file.read_text(encoding="utf-8")
    assert programs.asked == [["dahdi_cfg", "-c", str(file)]]


class _Root(RootActions):
    """privd that answers as it is told."""

    def __init__(self, answer: Ran) -> None:
        super().__init__(Path("/nowhere"))
        self.answer = answer
        self.asked: list[tuple[str, dict[str, str]]] = []

    def do(self, action: str, **arguments: str) -> Ran:
        self.asked.append((action, arguments))
        return self.answer


def test_a_dahdi_card_has_root_do_it_and_hears_why_not() -> None:
    root = _Root(Ran(0, ""))
    DahdiByRoot(root).maint(1, 13)
    DahdiByRoot(root).config("x")
    assert root.asked == [("dahdi-maint", {"span": "1", "command": "13"}), ("dahdi-config", {"text": "x"})]
    with pytest.raises(ReaderError, match="no such loop-back") as told:
        DahdiByRoot(_Root(Ran(2, "line.verb_unknown: dahdi:1: its driver has no such loop-back.\n"))).maint(1, 13)
    assert told.value.error_id == "line.verb_unknown"
    with pytest.raises(ReaderError) as told:
        DahdiByRoot(_Root(Ran(1, "Traceback: it broke"))).maint(1, 13)
    assert told.value.error_id == "dahdi.refused"


def test_the_device_waits_for_its_root_helper_and_says_when_there_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Home(tmp_path)
    home.make()
    root = make_doors(home, Settings()).root
    with pytest.raises(CallerError) as refused:
        root("reboot", "me", {})
    assert refused.value.error_id == "box.not_a_device"

    monkeypatch.setattr(doors, "is_device", lambda _home: True)
    asked: list[tuple[str, bool]] = []
    monkeypatch.setattr(RootActions, "wait", lambda self, _timeout_s: asked.append(("waited", self.available)))
    with pytest.raises(BoxError) as away:
        root("data-erase", "me", {})
    assert (away.value.error_id, asked) == ("privd.away", [("waited", False)])


def test_who_waits_for_the_root_helper_goes_on_when_it_comes(tmp_path: Path) -> None:
    helper = RootActions(tmp_path / "privd.sock")
    comes = threading.Thread(target=(tmp_path / "privd.sock").touch)
    helper.wait(0.0)
    assert not helper.available
    comes.start()
    helper.wait(60.0)
    assert helper.available
    comes.join()
