"""Integration tests run in a network of their own: a fresh network namespace per test module, with only `lo`.

How to use: write `pytestmark = pytest.mark.integration` (or e2e, soak) in the test module, nothing else;
`tests/conftest.py` has `from tests.netns import private_network, pytest_configure`. Servers that a test needs
are started by module- or function-scoped fixtures (a session fixture would live in another network).
For a command: `python -m tests.netns COMMAND...`.

All of 127.0.0.0/8 is on `lo`: 127.0.1.x (exchange), 127.0.2.x (box) and 127.0.3.x (phones) can be bound at
will, every port is free, nothing can leave. The thread that runs the tests moves into the namespace; its
sockets, its later threads and its children are in it. Root unshares at once; anybody else is first started again
under `unshare -Urn`.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

CLONE_NEWNET = 0x40000000
ISOLATED_MARKERS = ("integration", "e2e", "soak")
_REENTERED = "CALLBOX_TEST_NAMESPACE"

_libc = ctypes.CDLL(None, use_errno=True)


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}; these tests need root or user namespaces")


def assert_isolated() -> None:
    """Raise AssertionError unless this thread sees no interface but `lo` and no way out."""
    names = [name for _, name in socket.if_nameindex()]
    assert names == ["lo"], f"not isolated: interfaces {names}"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # TEST-NET-1 (RFC 5737): only asks the routing table
        except OSError:
            return
    raise AssertionError("not isolated: there is a route to the outside")


@contextmanager
def network_namespace() -> Iterator[None]:
    """Move the calling thread into a new network namespace with `lo` up, and back at the end."""
    before = os.open(f"/proc/self/task/{threading.get_native_id()}/ns/net", os.O_RDONLY)
    try:
        _check(_libc.unshare(CLONE_NEWNET), "unshare")
        try:
            subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
            assert_isolated()
            yield
        finally:
            _check(_libc.setns(before, CLONE_NEWNET), "setns")
    finally:
        os.close(before)


@pytest.fixture(scope="module", autouse=True)
def private_network(request: pytest.FixtureRequest) -> Iterator[None]:
    """Give each module marked integration, e2e or soak its own network; leave the others alone."""
    if any(request.node.get_closest_marker(name) for name in ISOLATED_MARKERS):
        with network_namespace():
            yield
    else:
        yield


def pytest_configure(config: pytest.Config) -> None:
    """Not root: run the same pytest again as root of a user namespace, where networks can be made."""
    only_unit = config.option.markexpr in ("unit", "sim", "unit or sim")
    if os.geteuid() == 0 or only_unit or _REENTERED in os.environ or not _user_namespaces_work():
        return
    capture = config.pluginmanager.getplugin("capturemanager")
    if capture is not None:
        capture.stop_global_capturing()  # else the new process would write into this one's capture files
    os.environ[_REENTERED] = "1"
    again = [sys.executable, "-m", "pytest", *map(str, config.invocation_params.args)]
    os.execvp("unshare", ["unshare", "-Urn", *again])


def _user_namespaces_work() -> bool:
    unshare = shutil.which("unshare")
    if unshare is None:
        return False
    return subprocess.run([unshare, "-Urn", "true"], capture_output=True, check=False).returncode == 0


def main(command: list[str]) -> int:
    """Run a command in a fresh network namespace with `lo` up; returns its exit code."""
    if os.geteuid() != 0:
        again = ["unshare", "-Urn", sys.executable, "-m", "tests.netns", *command]
        return subprocess.run(again, cwd=Path(__file__).parent.parent, check=False).returncode
    with network_namespace():
        return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
