"""What the box is plugged into: a network of its own with DHCP and the time, and the bench's exchange on it."""

from __future__ import annotations

import contextlib
import os
import selectors
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from appliance.bench.box import provide_sounds
from appliance.bench.exchange import read_truth, truth_file
from appliance.bench.plan import DialPlan, GatewayPlan, NumberPlan, save_plan
from appliance.settings import Home, load_secrets
from tests.boot import time_service
from tests.boot.box import TAP
from tests.netns import network_namespace

HOST = "10.77.0.1"
PERSON = "+861012340001"
_AT_ONCE, _ANSWER_S = 800, 1.0


def plan() -> DialPlan:
    """One number, answered by a person at once."""
    return DialPlan(
        gateways=[GatewayPlan(address=HOST)],
        numbers={"01012340001": NumberPlan(behaviour="human", ring_s=0.5, talk_s=60.0)},
    )


@contextmanager
def world(folder: Path) -> Iterator[Home]:
    """The bench's home; network, DHCP and exchange run until the end. Needs root, `ip` and `dnsmasq`."""
    home = Home(folder / "bench")
    home.make()
    load_secrets(home)
    provide_sounds(home, lambda *_: None)
    save_plan(home, plan())
    environment = {**os.environ, "CALLBOX_HOME": str(home.root)}
    children: list[subprocess.Popen[bytes]] = []
    with network_namespace(), (folder / "outside.log").open("wb") as log:
        ip = shutil.which("ip") or "/usr/sbin/ip"
        for words in (
            f"tuntap add {TAP} mode tap", f"address add {HOST}/24 dev {TAP}", f"link set {TAP} up",
        ):  # fmt: skip
            subprocess.run([ip, *words.split()], check=True)
        dhcp = [
            shutil.which("dnsmasq") or "/usr/sbin/dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--port=0",
            f"--interface={TAP}", "--bind-interfaces", "--dhcp-range=10.77.0.50,10.77.0.99,12h", "--user=root",
            f"--dhcp-option=option:ntp-server,{HOST}", f"--dhcp-leasefile={folder / 'leases'}", "--pid-file=",
            "--log-facility=-",
        ]  # fmt: skip
        exchange = [sys.executable, "-c", (
            "from appliance.bench.exchange import main; from appliance.settings import *;"
            "home = home_from_environment(); main(home, load_settings(home))"
        )]  # fmt: skip
        try:
            children.append(subprocess.Popen(dhcp, stdout=log, stderr=log))
            children.append(subprocess.Popen(exchange, env=environment, stdout=log, stderr=log))
            with time_service.serve(HOST):
                yield home
        finally:
            for child in children:
                child.terminate()
            for child in children:
                child.wait(30)


def reachable(address: str) -> list[int]:
    """TCP ports of the box that answer to somebody on its network: all 65535 are tried."""
    found: list[int] = []
    for first in range(1, 65536, _AT_ONCE):
        with contextlib.ExitStack() as stack, selectors.DefaultSelector() as waiting:
            for port in range(first, min(first + _AT_ONCE, 65536)):
                probe = stack.enter_context(socket.socket())
                probe.setblocking(False)
                probe.connect_ex((address, port))
                waiting.register(probe, selectors.EVENT_WRITE, port)
            deadline = time.monotonic() + _ANSWER_S
            while waiting.get_map() and (left_s := deadline - time.monotonic()) > 0:
                for key, _events in waiting.select(left_s):
                    probe = key.fileobj  # type: ignore[assignment]
                    waiting.unregister(probe)
                    if probe.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0:
                        found.append(key.data)
    return sorted(found)


def calls(home: Home) -> list[dict[str, object]]:
    """What the exchange saw of the box's calls."""
    return read_truth(truth_file(home))
