"""An exchange that answers OPTIONS until it goes dark, and a real edge that asks it: what OPTIONS alone can tell."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import cast

from appliance.bench.box import prepare
from appliance.bench.sip.message import SipParseError, parse, response_to
from appliance.settings import Home, Settings
from appliance.store.models import Trunk

TRUNK, CHANNELS = "dark", 30


class DarkExchange(asyncio.DatagramProtocol):
    """Says 200 to every OPTIONS; with `dark` it takes everything and says nothing, as behind a pulled cable."""

    def __init__(self) -> None:
        self.dark = False
        self._transport: asyncio.DatagramTransport | None = None

    async def listen(self, address: tuple[str, int]) -> None:
        """Begin."""
        await asyncio.get_running_loop().create_datagram_endpoint(lambda: self, local_addr=address)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if self.dark or self._transport is None:
            return
        with contextlib.suppress(SipParseError):
            self._transport.sendto(response_to(parse(data), 200, "OK").to_bytes(), addr)

    def close(self) -> None:
        """End."""
        if self._transport is not None:
            self._transport.close()


@contextlib.contextmanager
def running_edge(home: Home, settings: Settings, exchange: tuple[str, int]) -> Iterator[None]:
    """The edge as a process of its own, with one trunk that leads to `exchange`."""
    store = prepare(home, settings)
    with store.write() as session:
        config = {"gateways": [{"address": exchange[0], "port": exchange[1]}], "channels": CHANNELS}
        session.add(Trunk(id=TRUNK, config=config))
    store.close()
    with (home.logs / "edge.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "appliance.services", "edge"], stdout=log, stderr=log, start_new_session=True,
            env={**os.environ, "CALLBOX_HOME": str(home.root)},
        )  # fmt: skip
    try:
        yield
    finally:
        process.terminate()
        process.wait(20)
