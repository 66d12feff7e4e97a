"""A private switch with its own bus in a home of its own, for benches and tests: start, dial, watch events, stop.

With `gateway` the calls go through a real edge to that gateway; without, the far end stands where the edge would.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from appliance.commands import Command, Done, Hangup, ListenPolicy, Originate, RecordPolicy
from appliance.errors import BoxError, CallboxError
from appliance.events import ConversationEvent
from appliance.ids import new_id
from appliance.settings import Home, Settings, SipSettings, load_settings, save_settings
from appliance.store.db import migrate, open_store
from appliance.store.models import Trunk
from appliance.telephony.edge import control
from appliance.thread_bus import ThreadBus

_START_TIMEOUT_S = 20.0


def free_port(address: str, kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """Return a port that is free now."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind((address, 0))
        return int(probe.getsockname()[1])


def free_block(address: str, count: int, start: int) -> int:
    """Return the first of `count` UDP ports in a row that are free now, looking upwards from `start`."""
    for base in range(start, 64000 - count, count):
        try:
            for port in range(base, base + count):
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
                    probe.bind((address, port))
        except OSError:
            continue
        return base
    raise BoxError("bench.no_ports", f"No {count} free UDP ports in a row on {address}.")


def _edge_ports() -> dict[str, int]:
    """Free ports for the outer doors of a private edge."""
    defaults = SipSettings()
    return {
        "trunk_port": free_port(defaults.trunk_address, socket.SOCK_DGRAM),
        "seat_port": free_port(defaults.seat_address),
        "seat_tls_port": free_port(defaults.seat_address),
        "websocket_port": free_port("127.0.0.1"),
    }


class SwitchRig:
    """nats-server, switch and (with `gateway`, an address and port) edge as processes of their own."""

    def __init__(
        self, root: Path, *, edge_port: int, slots: int = 20, idle_workers: int = 3,
        gateway: tuple[str, int] | None = None, **sip: Any,
    ) -> None:  # fmt: skip
        if gateway is not None:
            sip = {**_edge_ports(), **sip}
        self.home = Home(root)
        self.home.make()
        save_settings(
            self.home,
            {
                "log_level": os.environ.get("CALLBOX_RIG_LOG", "WARNING"),
                "bus": {"port": free_port("127.0.0.1")},
                "sip": {
                    "edge_worker_port": edge_port, "slots": max(4, slots), "idle_workers": idle_workers,
                    "worker_port_base": free_block("127.0.0.1", slots, 20000), "rtp_port_base": 22000, **sip,
                },
                "dialling": {"unattended_s": 3600},
            },
        )  # fmt: skip
        self.settings: Settings = load_settings(self.home)
        self._gateway = gateway
        self._nats: subprocess.Popen[bytes] | None = None
        self._edge: subprocess.Popen[bytes] | None = None
        self.switch: subprocess.Popen[bytes] | None = None
        self.bus = ThreadBus(self.settings.bus, name="rig")
        self._events: list[ConversationEvent] = []

    # ---- processes ----------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start bus and switch and wait until the switch serves."""
        self.start_bus()
        self.bus.connect()
        self.bus.consume_events("rig", self._events.append)
        if self._gateway is not None:
            self._start_edge(*self._gateway)
        self.start_switch()

    def start_bus(self) -> None:
        """Start nats-server (again, with what it had stored)."""
        bus = self.settings.bus
        self._nats = subprocess.Popen(
            [
                "nats-server", "-a", bus.host, "-p", str(bus.port), "-js", "-sd", str(self.home.bus),
                "--user", bus.user, "--pass", bus.password.get_secret_value(), "-l", str(self.home.logs / "nats.log"),
            ]
        )  # fmt: skip

    def _start_edge(self, address: str, port: int) -> None:
        store = open_store(self.home, self.settings)
        migrate(store)
        with store.write() as session:
            session.add(Trunk(id="bench", config={"gateways": [{"address": address, "port": port}], "channels": 480}))
        store.close()
        with (self.home.logs / "edge.log").open("ab") as log:
            self._edge = subprocess.Popen(
                [sys.executable, "-m", "appliance.services", "edge"], stdout=log, stderr=log, start_new_session=True,
                env={**os.environ, "CALLBOX_HOME": str(self.home.root)},
            )  # fmt: skip
        if not self.until(self._edge_answers, _START_TIMEOUT_S):
            said = (self.home.logs / "edge.log").read_text("utf-8", "replace")
            raise BoxError("bench.edge", f"The edge did not start: {said[-500:]}")

    def _edge_answers(self) -> bool:
        try:
            return bool(control.gateways(self.home))
        except BoxError:
            return False

    def put_seat(self, seat_id: str, contact: str) -> None:
        """Let the edge find a seat at a contact, as if it had registered there."""
        control.call(self.home, "ul.add", "location", seat_id, contact, 3600, "1.0", "0", 0, 0, 0)

    def bus_log(self) -> str:
        """What nats-server wrote."""
        return (self.home.logs / "nats.log").read_text("utf-8", "replace")

    def stop_bus(self) -> None:
        """End nats-server."""
        if self._nats is not None:
            self._nats.terminate()
            self._nats.wait(10)
            self._nats = None

    def start_switch(self) -> None:
        """Start the parent (again) and wait until it answers."""
        self.switch = subprocess.Popen(
            [sys.executable, "-m", "appliance.services", "switch"],
            env={**os.environ, "CALLBOX_HOME": str(self.home.root), "OPENBLAS_NUM_THREADS": "1"},
            start_new_session=True,
        )  # fmt: skip
        deadline_s = time.monotonic() + _START_TIMEOUT_S
        while True:
            try:
                self.bus.request(_probe(), timeout_s=1.0)
            except CallboxError as error:
                if error.error_id == "switch.expired":
                    return
                if self.switch.poll() is not None or time.monotonic() > deadline_s:
                    raise BoxError("bench.switch", f"The switch did not start: {error.message}") from error
            time.sleep(0.05)

    def stop(self) -> None:
        """Stop everything that was started, living conversations included."""
        for life in self.home.run.glob("conversation-*.json"):
            with contextlib.suppress(CallboxError):  # it may end by itself meanwhile
                self.bus.request(Hangup(conversation_id=life.stem.removeprefix("conversation-"), reason="rig"))
        self.until(lambda: not list(self.home.run.glob("conversation-*.json")), 10)
        if self.switch is not None:
            self.switch.terminate()
            self.switch.wait(20)
        if self._edge is not None:
            self._edge.terminate()
            self._edge.wait(20)
        self.bus.close()
        self.stop_bus()

    def __enter__(self) -> SwitchRig:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    # ---- calls --------------------------------------------------------------------------------------------

    def dial(self, number: str, **fields: Any) -> str:
        """Originate; returns the conversation id. Raises what the switch answers."""
        self.bus.request(originate(number, conversation_id := new_id(), **fields))
        return conversation_id

    def command(self, command: Command) -> Done:
        return self.bus.request(command)

    def events(self, conversation_id: str | None = None, kind: type | None = None) -> list[Any]:
        """Events so far, of one conversation or kind if asked."""
        return [
            event for event in list(self._events)
            if (conversation_id is None or event.conversation_id == conversation_id)
            and (kind is None or isinstance(event, kind))
        ]  # fmt: skip

    def wait_for(
        self, conversation_id: str, kind: type, *, timeout_s: float = 10.0, where: Callable[[Any], bool] | None = None
    ) -> Any:
        """Wait for an event; raises BoxError `bench.no_event` with what came instead."""
        found: list[Any] = []

        def come() -> bool:
            found[:] = [e for e in self.events(conversation_id, kind) if where is None or where(e)]
            return bool(found)

        if not self.until(come, timeout_s):
            came = [f"{type(e).__name__}({e.seq})" for e in self.events(conversation_id)]
            raise BoxError("bench.no_event", f"No {kind.__name__} within {timeout_s} s; came: {came}")
        return found[0]

    @staticmethod
    def until(condition: Callable[[], bool], timeout_s: float) -> bool:
        """Poll a condition; False when it did not come true in time."""
        deadline_s = time.monotonic() + timeout_s
        while not condition():
            if time.monotonic() > deadline_s:
                return False
            time.sleep(0.02)
        return True


def originate(number: str, conversation_id: str, **fields: Any) -> Originate:
    """An order to dial through the only trunk there is, issued now."""
    values: dict[str, Any] = {
        "trunk_id": "bench", "ring_timeout_s": 30.0, "issued_at_unix_s": time.time(), "record": RecordPolicy(),
        "listen": ListenPolicy(country="CN"), **fields,
    }  # fmt: skip
    return Originate(attempt_id=conversation_id, conversation_id=conversation_id, number=number, **values)


def _probe() -> Originate:
    """An order too old to be carried out: its refusal shows that the switch serves."""
    return originate("+0000", new_id(), issued_at_unix_s=0.0)
