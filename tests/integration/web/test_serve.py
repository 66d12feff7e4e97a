"""The process `web` as it runs: gunicorn without a bus, open streams, and a clean end."""

from __future__ import annotations

import http.client
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest

from appliance import commands as cmd
from appliance.settings import Home, load_settings
from tests.sim.web.fakes import PASSWORD, FakeBus

pytestmark = pytest.mark.integration

START_S = 20.0
END_S = 8.0
PROGRAM = """
from appliance.settings import home_from_environment, load_settings
from webui.serve import main
home = home_from_environment()
main(home, load_settings(home))
"""


@contextmanager
def _get(port: int, path: str, **headers: str) -> Iterator[http.client.HTTPResponse]:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=5)) as connection:
        connection.request("GET", path, headers=headers)
        with closing(connection.getresponse()) as response:
            yield response


def _status(port: int, path: str, **headers: str) -> int:
    with _get(port, path, **headers) as response:
        response.read()
        return response.status


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], int, str]]:
    """(process, port, session token): a set-up box served by gunicorn; no bus runs."""
    home = Home(tmp_path)
    home.make()
    bus = FakeBus(home)
    bus.request(cmd.SetUpAdministrator(token=bus.set_up_token, login="boss", password=PASSWORD))
    token = str(bus.request(cmd.LogIn(login="boss", password=PASSWORD)).data["session_token"])
    bus.close()
    port = load_settings(home).web.app_port
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM], env={"CALLBOX_HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
        cwd=Path(__file__).resolve().parents[3],
    )  # fmt: skip
    try:
        deadline = time.monotonic() + START_S
        while True:
            try:
                _status(port, "/api/v1/health")
                break
            except OSError:
                assert process.poll() is None, "web ended while it started"
                assert time.monotonic() < deadline, "web does not answer"
                time.sleep(0.05)
        yield process, port, token
    finally:
        process.kill()
        process.wait()


def test_without_bus_pages_work_and_the_end_is_clean(served: tuple[subprocess.Popen[bytes], int, str]) -> None:
    process, port, token = served
    with _get(port, "/api/v1/health") as health:
        assert health.status == 503
        assert b"degraded" in health.read()
    assert _status(port, "/login") == 200
    cookie = f"__Host-callbox={token}"
    with ExitStack() as stack:
        streams = [stack.enter_context(_get(port, "/live", Cookie=cookie)) for _ in range(60)]
        assert all(stream.status == 200 and stream.readline() == b"retry: 1000\n" for stream in streams)
        assert _status(port, "/home", Cookie=cookie) == 200, "60 open streams leave room for pages"
        process.send_signal(signal.SIGTERM)
        assert process.wait(END_S) == 0
