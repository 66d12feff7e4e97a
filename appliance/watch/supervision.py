"""supervisor as the box uses it: its config rendered from a table of services, its state asked over XML-RPC.

The same table starts the checkout's box (`callbox run`), the private boxes of demo, benchmarks and tests, and the
device's five services.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import time
import xmlrpc.client
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from supervisor.xmlrpc import Faults, SupervisorTransport

from appliance.errors import BoxError
from appliance.settings import Home


@dataclass(frozen=True, kw_only=True)
class Program:
    """One service under supervisor. `stop_wait_s`: how long it may drain; `kill_group`: its children end with it."""

    name: str
    priority: int
    stop_wait_s: int = 8
    kill_group: bool = True
    nice: int = 0


BOX = (
    Program(name="bus", priority=10),
    Program(name="rtpengine", priority=20),
    Program(name="edge", priority=30),
    # a worker outlives its parent: its conversation goes on while the parent is restarted
    Program(name="switch", priority=40, stop_wait_s=20, kill_group=False),
    Program(name="jobs", priority=50, nice=10),
    Program(name="engine", priority=60),
    Program(name="watch", priority=70, nice=5),
    Program(name="web", priority=80),
    Program(name="front", priority=90),
)
WORKERS = frozenset({"bus", "rtpengine", "edge", "switch", "jobs", "engine"})
"""What supervisor keeps on the device; the rest of `BOX` are systemd's own units there."""

# the far ends of the calls: they outlive the switch, so that a stop is seen as the outside world sees it
BENCH = (Program(name="exchange", priority=25), Program(name="phones", priority=26))


def socket_path(home: Home) -> Path:
    return home.run / "supervisor.sock"


def render(home: Home, programs: Iterable[Program]) -> Path:
    """Write `home.run/supervisord.conf` and return its path."""
    lines = [
        "[supervisord]",
        f"logfile={home.logs / 'supervisord.log'}",
        f"pidfile={home.run / 'supervisord.pid'}",
        f"childlogdir={home.logs}",
        "nodaemon=true",
        "silent=true",
        "minfds=8192",
        f"directory={home.root}",
        f'environment=CALLBOX_HOME="{home.root}",OPENBLAS_NUM_THREADS="1",OMP_NUM_THREADS="1"',
        "[unix_http_server]",
        f"file={socket_path(home)}",
        "chmod=0600",
        "[rpcinterface:supervisor]",
        "supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface",
    ]
    for program in programs:
        group = str(program.kill_group).lower()
        nice = f"nice -n {program.nice} " if program.nice else ""
        lines += [
            f"[program:{program.name}]",
            f"command={nice}{sys.executable} -P -m appliance.services {program.name}",
            f"priority={program.priority}",
            "autorestart=true",
            "startsecs=1",
            "startretries=1000000",  # a box never gives up; supervisor's back-off grows to a second a try
            f"stopwaitsecs={program.stop_wait_s}",
            f"stopasgroup={group}",
            f"killasgroup={group}",
            "redirect_stderr=true",
            f"stdout_logfile={home.logs / (program.name + '.log')}",
            "stdout_logfile_maxbytes=20MB",
            "stdout_logfile_backups=3",
        ]
    path = home.run / "supervisord.conf"
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


@dataclass(frozen=True)
class ServiceStatus:
    """One line of `callbox health`: state as supervisor names it (RUNNING, BACKOFF, FATAL, STOPPED...)."""

    name: str
    state: str
    pid: int
    since_s: int
    description: str


def _proxy(home: Home) -> xmlrpc.client.ServerProxy:
    if not socket_path(home).exists():  # the transport would leave its socket open
        raise BoxError("box.not_running", f"No box runs in {home.root}. Start it with 'callbox run'.", retryable=True)
    return xmlrpc.client.ServerProxy(
        "http://127.0.0.1", transport=SupervisorTransport(None, None, f"unix://{socket_path(home)}")
    )


def status(home: Home) -> list[ServiceStatus]:
    """Ask supervisor for all services. Raises BoxError `box.not_running` when no supervisor answers."""
    try:
        with _proxy(home) as proxy:
            answer = proxy.supervisor.getAllProcessInfo()
    except (OSError, xmlrpc.client.Error) as error:
        raise BoxError(
            "box.not_running", f"No box runs in {home.root}. Start it with 'callbox run'.", retryable=True
        ) from error
    if not isinstance(answer, list):
        raise BoxError("box.not_running", f"The supervisor in {home.root} gave a strange answer.", retryable=True)
    return [
        ServiceStatus(
            name=str(info["name"]), state=str(info["statename"]), pid=int(info["pid"]),
            since_s=int(info["now"]) - int(info["start"]) if info["pid"] else 0, description=str(info["description"]),
        )
        for info in answer
    ]  # fmt: skip


def is_stopping(home: Home) -> bool:
    """Whether supervisor is ending all services (and not only the one that asks); False when none answers."""
    try:
        with _proxy(home) as proxy:
            proxy.supervisor.getState()
    except xmlrpc.client.Fault as fault:
        return bool(fault.faultCode == Faults.SHUTDOWN_STATE)
    except (OSError, BoxError, xmlrpc.client.Error):
        return False
    return False


def restart_service(home: Home, name: str) -> None:
    """Stop and start one service. Raises BoxError when supervisor refuses."""
    with _proxy(home) as proxy:
        try:
            proxy.supervisor.stopProcess(name)
        except xmlrpc.client.Fault:
            pass  # it was not running: starting it is what is wanted
        except OSError as error:
            raise BoxError("box.not_running", f"No box runs in {home.root}.", retryable=True) from error
        try:
            proxy.supervisor.startProcess(name)
        except xmlrpc.client.Fault as error:
            raise BoxError("service.not_started", f"'{name}' does not start: {error.faultString}") from error


class RunningBox:
    """A supervisor that we started: wait for it, watch it, stop it."""

    def __init__(self, home: Home, process: subprocess.Popen[bytes]) -> None:
        self.home = home
        self.process = process

    def wait_ready(
        self,
        ready: Callable[[], list[str]],
        *,
        timeout_s: float = 60.0,
        on_wait: Callable[[list[str]], None] | None = None,
    ) -> None:
        """Poll `ready` (what is still missing) until it is empty. Raises BoxError with what is missing."""
        deadline = time.monotonic() + timeout_s
        while True:
            if self.process.poll() is not None:
                raise BoxError("box.died", f"supervisord ended; see {self.home.logs / 'supervisord.log'}.")
            missing = ready()
            if not missing:
                return
            if on_wait is not None:
                on_wait(missing)
            if time.monotonic() > deadline:
                raise BoxError(
                    "box.not_ready", f"Not ready after {timeout_s:g} s: {', '.join(missing)}. Logs: {self.home.logs}"
                )
            time.sleep(0.1)

    def stop(self, *, timeout_s: float = 40.0) -> None:
        """Ask supervisor to stop everything in order; kill it when it does not."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(timeout_s)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(5)


def start_supervisor(home: Home, programs: Iterable[Program]) -> RunningBox:
    """Render the config and start supervisord as our child. Raises BoxError when a box already runs in this home."""
    try:
        status(home)
    except BoxError:
        pass
    else:
        raise BoxError("box.running", f"A box already runs in {home.root}. Stop it first, or set CALLBOX_HOME.")
    config = render(home, programs)
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "supervisor.supervisord", "-c", str(config)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    return RunningBox(home, process)
