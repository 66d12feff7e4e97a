"""Our lines under Debian's snmpd: read by net-snmp's own tools, refused to writers, back after snmpd was killed."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from appliance.bench.switch_rig import free_port
from appliance.outside.agentx import Subagent
from appliance.outside.line_mib import CONFIG, LINES, ROOTS, line_objects

pytestmark = pytest.mark.soak

ROWS: list[dict[str, Any]] = [
    {"line_id": "gw:3", "kind": "e1", "up": True, "alarms": [], "stale": False, "in_use": 4,
     "counters": {"es": 1, "ses": 0, "uas": 0, "css": 2, "pcv": 9, "lcv": None, "age_s": 120.0}},
    {"line_id": "gw:4", "kind": "e1", "up": False, "alarms": ["los", "rai"], "cause": "los", "stale": False},
]  # fmt: skip
_DEADLINE_S = 60.0
_SNMPD = shutil.which("snmpd", path="/usr/sbin:/usr/bin:/sbin")


class Snmpd:
    """Debian's snmpd as AgentX master, private to the test."""

    def __init__(self, folder: Path) -> None:
        self.socket, self._folder, self.port = folder / "master", folder, free_port("127.0.0.1")
        (folder / "snmpd.conf").write_text(
            f"agentAddress udp:127.0.0.1:{self.port}\nrocommunity public 127.0.0.1\nrwcommunity private 127.0.0.1\n"
            f"master agentx\nagentXSocket {self.socket}\n"
        )
        self.start()

    def start(self) -> None:
        self._process = subprocess.Popen(
            [_SNMPD or "snmpd", "-f", "-Lf", str(self._folder / "log"), "-C", "-c",
             str(self._folder / "snmpd.conf"), "-I", "-smux", "-p", str(self._folder / "pid")],
        )  # fmt: skip

    def kill(self) -> None:
        self._process.kill()
        self._process.wait(20)

    def ask(self, tool: str, *words: str, community: str = "public") -> subprocess.CompletedProcess[str]:
        where = f"127.0.0.1:{self.port}"
        return subprocess.run(
            [tool, "-v2c", "-c", community, "-On", where, *words], capture_output=True, text=True, check=False,
            timeout=60,
        )  # fmt: skip


@pytest.fixture
def snmpd(tmp_path: Path) -> Iterator[Snmpd]:
    if _SNMPD is None or shutil.which("snmpwalk") is None:
        pytest.skip("snmpd and snmp are not installed here")
    one = Snmpd(tmp_path)
    yield one
    one.kill()


def until(condition: Callable[[], bool], what: str) -> None:
    deadline_s = time.monotonic() + _DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline_s, what
        time.sleep(0.2)


def dotted(*numbers: int) -> str:
    return "." + ".".join(map(str, numbers))


def test_lines_are_served_read_only_and_again_after_a_restart(snmpd: Snmpd) -> None:
    status = dotted(*CONFIG, 1, 10)
    agent = Subagent(str(snmpd.socket), ROOTS, lambda: line_objects(ROWS))
    agent.start()
    try:
        until(lambda: f"{status}.1 = INTEGER: 1" in snmpd.ask("snmpwalk", status).stdout, "the first answer")
        assert f"{status}.2 = INTEGER: 66" in snmpd.ask("snmpbulkwalk", status).stdout  # LOS and RAI
        names = snmpd.ask("snmpget", dotted(*LINES, 1, 1, 1, 2)).stdout
        assert 'STRING: "gw:4"' in names
        refused = snmpd.ask("snmpset", f"{status}.1", "i", "64", community="private")
        assert refused.returncode != 0
        assert "notWritable" in refused.stderr
        snmpd.kill()
        assert snmpd.ask("snmpget", f"{status}.1").returncode != 0
        snmpd.start()
        until(lambda: f"{status}.1 = INTEGER: 1" in snmpd.ask("snmpwalk", status).stdout, "the answer after a restart")
    finally:
        agent.stop()
