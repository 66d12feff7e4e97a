"""`callbox prepare` and `callbox run`: make a home ready, start the whole box in the foreground, say where it is."""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
from types import FrameType

from rich.console import Console

from appliance.bench.plan import DialPlan
from appliance.bench.provide import provide, teach_announcements
from appliance.bench.sounds import ensure_sounds
from appliance.clock import SystemClock
from appliance.errors import BoxError
from appliance.jobs.accounts import ensure_set_up_token
from appliance.jobs.backup import restore, shelf
from appliance.jobs.upgrade import bring_up
from appliance.settings import Home, Settings, load_secrets, load_settings
from appliance.store.db import open_store
from appliance.telephony.edge.certificates import ensure_certificates
from appliance.telephony.parent import end_conversations
from appliance.watch.start import missing_parts, start_box
from appliance.watch.supervision import RunningBox


def prepare(home: Home) -> Settings:
    """Folders, secrets, database schema, certificates, first-run token. Safe to run again; starts nothing.

    A restore that is ready, or that was cut off, is put in place first.
    """
    home.make()
    put_in_place(home)
    load_secrets(home)
    settings = load_settings(home)
    bring_up(home, settings)
    store = open_store(home, settings)
    try:
        ensure_set_up_token(home, store)
    finally:
        store.close()
    ensure_certificates(home, settings)
    return settings


def put_in_place(home: Home) -> None:
    """Finish a restore that waits; what does not open was taken back, and is said on the page of backups."""
    try:
        restore.finish(home, SystemClock().now())
    except BoxError as error:
        if error.error_id != "backup.not_opened":
            raise
        print(f"callbox: {error.message}", file=sys.stderr)
        shelf.note_state(home, error=error.message, error_at=SystemClock().now())


def provide_bench(home: Home, settings: Settings) -> None:
    """Sounds, trunk, seats and phones of the bench; what is there stays as it is."""
    sounds = ensure_sounds(home)
    teach_announcements(home, sounds)
    store = open_store(home, settings)
    try:
        provide(home, settings, store, plan=DialPlan())
    finally:
        store.close()


def run(home: Home, *, bench: bool) -> int:
    """Run the box in the foreground until Ctrl-C or SIGTERM; returns the exit status."""
    console = Console(stderr=True)
    started = time.monotonic()
    settings = prepare(home)
    watcher = home.run / "run.pid"  # who starts the box anew after a restore (jobs.backup.service)
    watcher.write_text(f"{os.getpid()}\n", "ascii")
    if bench:
        provide_bench(home, settings)
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
            if restore.is_ready(home):
                box = _start_anew(home, box, bench=bench)
            signal.sigtimedwait([signal.SIGCHLD], 1.0)
    finally:
        watcher.unlink(missing_ok=True)
        with console.status("stopping: calls in progress are drained…"):
            box.stop()
            end_conversations(home)  # they outlive their parent on purpose; a box that is stopped ends them
    return 0


def _start_anew(home: Home, box: RunningBox, *, bench: bool) -> RunningBox:
    """Stop the box, put the restored one in place, start that."""
    box.stop()
    end_conversations(home)
    return start_box(home, prepare(home), bench=bench)


def _say_where(console: Console, home: Home, settings: Settings, *, bench: bool, seconds: float) -> None:
    host = settings.web.host_name or socket.gethostname()
    console.print(f"[green]Callbox is up[/] ({seconds:.1f} s). Ctrl-C stops it. Logs: {home.logs}")
    addresses = ["localhost"] if host == "localhost" else ["localhost", host]
    for name in addresses:
        console.print(f"  Web UI: https://{name}:{settings.web.port}/")
    if home.set_up_token.exists():
        token = home.set_up_token.read_text("ascii").strip()
        console.print("  First log-in: open this link once and set the administrator's password:")
        console.print(f"    https://localhost:{settings.web.port}/setup/?token={token}", soft_wrap=True)
    else:
        console.print("  Log in with the user that was set up; 'callbox user passwd' sets a new password.")
    if bench:
        console.print("  Bench: trunk 'bench' leads to the simulated exchange; desk phones stand at the seats.")
    sys.stderr.flush()
