"""`callbox prepare` and `callbox run`: make a home ready, start the whole box in the foreground, say where it is.

`start_box` is also what demo, benchmarks and tests start their private boxes with.
"""

from __future__ import annotations

import signal
import socket
import sys
import time
from types import FrameType

from rich.console import Console

from appliance.errors import BoxError
from appliance.services import provision
from appliance.services.supervisor import BENCH, BOX, RunningBox, ServiceStatus, start_supervisor, status
from appliance.settings import Home, Settings, load_secrets, load_settings
from appliance.store.db import migrate, open_store
from appliance.telephony.edge.certificates import ensure_certificates


def prepare(home: Home) -> Settings:
    """Folders, secrets, database schema, certificates, first-run token. Safe to run again; starts nothing."""
    home.make()
    load_secrets(home)
    settings = load_settings(home)
    store = open_store(home, settings)
    try:
        migrate(store)
        provision.ensure_set_up_token(home, store)
    finally:
        store.close()
    ensure_certificates(home, settings)
    return settings


def _port_open(address: str, port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.settimeout(0.2)
        return probe.connect_ex((address, port)) == 0


def _ports_taken(settings: Settings) -> list[str]:
    wanted = {
        "web": ("127.0.0.1", settings.web.port), "bus": (settings.bus.host, settings.bus.port),
        "seats": (settings.sip.seat_address, settings.sip.seat_port),
    }  # fmt: skip
    return [f"{name} ({address}:{port})" for name, (address, port) in wanted.items() if _port_open(address, port)]


def missing_parts(home: Home, settings: Settings, *, bench: bool) -> list[str]:
    """What is not up yet: services that do not run, doors that do not open. Empty when the box is ready."""
    try:
        services: list[ServiceStatus] = status(home)
    except BoxError:
        return ["supervisor"]
    wanted = {program.name for program in (BOX + BENCH if bench else BOX)}
    missing = [s.name for s in services if s.name in wanted and s.state != "RUNNING"]
    if not _port_open("127.0.0.1", settings.web.port):
        missing.append("web port")
    if not _port_open("127.0.0.1", settings.web.app_port):
        missing.append("web application")
    if not _port_open(settings.sip.seat_address, settings.sip.seat_port):
        missing.append("SIP edge")
    return missing


def start_box(home: Home, settings: Settings, *, bench: bool) -> RunningBox:
    """Start all services of a prepared home and return at once. Raises BoxError for a taken port."""
    taken = _ports_taken(settings)
    if taken:
        raise BoxError(
            "box.port_taken",
            f"Taken by another program: {', '.join(taken)}. Stop it, or change the port in {home.settings_file}.",
        )
    return start_supervisor(home, BOX + BENCH if bench else BOX)


def run(home: Home, *, bench: bool) -> int:
    """Run the box in the foreground until Ctrl-C or SIGTERM; returns the exit status."""
    console = Console(stderr=True)
    started = time.monotonic()
    settings = prepare(home)
    if bench:
        provision.provide_bench(home, settings)
    box = start_box(home, settings, bench=bench)
    stop_asked: list[int] = []

    def on_signal(number: int, _frame: FrameType | None) -> None:
        stop_asked.append(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, on_signal)
    try:
        with console.status("starting…") as line:
            box.wait_ready(
                lambda: [] if stop_asked else missing_parts(home, settings, bench=bench),
                on_wait=lambda missing: line.update(f"starting: waiting for {', '.join(missing)}"),
            )
        if not stop_asked:
            _say_where(console, home, settings, bench=bench, seconds=time.monotonic() - started)
        while not stop_asked:
            if box.process.poll() is not None:
                raise BoxError("box.died", f"supervisord ended; see {home.logs / 'supervisord.log'}.")
            signal.sigtimedwait([signal.SIGCHLD], 1.0)
    finally:
        with console.status("stopping: calls in progress are drained…"):
            box.stop()
    return 0


def _say_where(console: Console, home: Home, settings: Settings, *, bench: bool, seconds: float) -> None:
    host = settings.web.host_name or socket.gethostname()
    console.print(f"[green]Callbox is up[/] ({seconds:.1f} s). Ctrl-C stops it. Logs: {home.logs}")
    addresses = ["localhost"] if host == "localhost" else ["localhost", host]
    for name in addresses:
        console.print(f"  Web UI: https://{name}:{settings.web.port}/")
    token = provision.set_up_token(home)
    if token is not None:
        console.print("  First log-in: open this link once and set the administrator's password:")
        console.print(f"    https://localhost:{settings.web.port}/setup/{token}", soft_wrap=True)
    else:
        console.print("  Log in with the user that was set up; 'callbox user passwd' sets a new password.")
    if bench:
        console.print("  Bench: trunk 'bench' leads to the simulated exchange; desk phones stand at the seats.")
    sys.stderr.flush()
