"""A private box in a temporary home, on addresses and ports of its own, so that it runs beside a running one."""

from __future__ import annotations

import shutil
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from appliance.bench.sounds import VERSION, Progress, SoundLibrary, made_version, make_sounds
from appliance.bench.switch_rig import free_block, free_port
from appliance.errors import BoxError
from appliance.settings import Home, Settings, home_from_environment, save_settings
from appliance.store.db import Store, migrate, open_store
from appliance.telephony.edge import subscribers
from appliance.telephony.edge.certificates import ensure_certificates
from appliance.watch.start import missing_parts, start_box
from appliance.watch.supervision import RunningBox

_NETWORKS = range(16, 240)
_READY_TIMEOUT_S, _REGISTER_TIMEOUT_S = 300.0, 120.0  # a loaded machine takes its time
OnWait = Callable[[str], None]


def choose_network() -> int:
    """A number n for which nobody listens at the SIP port of 127.n.1.1, 127.n.2.1 and 127.n.2.2."""
    start = time.time_ns() // 1_000_000 % len(_NETWORKS)
    for step in range(len(_NETWORKS)):
        network = _NETWORKS[(start + step) % len(_NETWORKS)]
        if all(_free(f"127.{network}.{host}") for host in ("1.1", "2.1", "2.2")):
            return network
    raise BoxError("bench.no_network", "No free loopback network for a private box; too many run at once.")


def _free(address: str) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((address, 5060))
        except OSError:
            return False
    return True


def private_settings(home: Home, network: int, **sections: dict[str, object]) -> Settings:
    """Write settings of a private box: phones, trunk and exchange on 127.<network>.x.y, free ports for the rest."""
    udp = socket.SOCK_DGRAM
    sip: dict[str, object] = {
        "trunk_address": f"127.{network}.2.1", "seat_address": f"127.{network}.2.2",
        "edge_worker_port": free_port("127.0.0.1", udp), "websocket_port": free_port("127.0.0.1"),
        "worker_port_base": free_block("127.0.0.1", 140, 21000 + 140 * (network % 40)),
        "rtpengine_port": free_port("127.0.0.1", udp), "self_test_port": free_port("127.0.0.1", udp),
    }  # fmt: skip
    changes: dict[str, dict[str, object]] = {
        "bus": {"port": free_port("127.0.0.1")},
        "sip": sip,
        "web": {"address": "127.0.0.1", "port": free_port("127.0.0.1"), "app_port": free_port("127.0.0.1")},
        "recording": {"reserve_mb": 64},
        "hardware": {"clock_policy": "trusted"},  # what is simulated may run where no time service does
    }
    for name, values in sections.items():
        changes.setdefault(name, {}).update(values)
    return save_settings(home, changes)


def prepare(home: Home, settings: Settings) -> Store:
    """Database and certificates of a private home; returns its open store."""
    store = open_store(home, settings)
    migrate(store)
    ensure_certificates(home, settings)
    return store


def provide_sounds(home: Home, progress: Progress) -> SoundLibrary:
    """The sounds that set-up has made for the checkout's or device's own home; made here when there are none."""
    made = home_from_environment().bench / "sounds"
    target = home.bench / "sounds"
    if made_version(made) == VERSION and not target.exists():
        target.symlink_to(made)
        return SoundLibrary(target)
    return make_sounds(target, packages=home.bench / "voice-packages", progress=progress)


@contextmanager
def temporary_home(*, keep: bool = False) -> Iterator[Home]:
    """A home that is deleted at the end unless it is to be kept."""
    folder = Path(tempfile.mkdtemp(prefix="callbox-"))
    home = Home(folder)
    home.make()
    try:
        yield home
    finally:
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def running_box(home: Home, settings: Settings, *, on_wait: OnWait | None = None) -> Iterator[RunningBox]:
    """Start the prepared home with its bench, wait until it is ready, stop it at the end. Raises BoxError."""
    box = start_box(home, settings, bench=True)
    try:
        box.wait_ready(
            lambda: missing_parts(home, settings, bench=True),
            timeout_s=_READY_TIMEOUT_S,
            on_wait=(lambda missing: on_wait(f"waiting for {', '.join(missing)}")) if on_wait else None,
        )
        yield box
    finally:
        box.stop()


def wait_registered(home: Home, seats: int, *, on_wait: OnWait | None = None) -> None:
    """Wait until that many phones stand registered at the edge. Raises BoxError `bench.phones_missing`."""
    deadline = time.monotonic() + _REGISTER_TIMEOUT_S
    while True:
        registered = {registration.seat_id for registration in subscribers.registrations(home)}
        if len(registered) >= seats:
            return
        if time.monotonic() > deadline:
            raise BoxError(
                "bench.phones_missing", f"Only {len(registered)} of {seats} phones registered; see edge.log and "
                f"phones.log in {home.logs}.",
            )  # fmt: skip
        if on_wait is not None:
            on_wait(f"{len(registered)} of {seats} phones registered")
        time.sleep(0.1)
