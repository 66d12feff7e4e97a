"""`callbox bench console`: the technician's console in figures: first paint, and his tasks at 9600 baud."""

from __future__ import annotations

import json
import os
import pty
import resource
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from appliance.bench import box as boxes
from appliance.bench import technician
from appliance.bench.plan import DialPlan, GatewayPlan
from appliance.bench.provide import provide
from appliance.errors import BoxError
from appliance.ids import new_id
from appliance.jobs.passwords import Hasher
from appliance.settings import Home, Settings
from appliance.store.models import User
from appliance.telephony.edge import control
from appliance.types import Role
from appliance.watch.supervision import BENCH, BOX, start_supervisor, status

_LOGIN, _PASSWORD = "technician", "a-serial-line-at-night"
_PAINTS = 9
_WITHOUT = {"watch", "web", "front", "phones"}
"""The console is shown without them: it reads what `watch` left, and nobody's browser is there at night."""


def register(app: typer.Typer) -> None:
    """Add the command to `callbox bench`."""
    app.command("console")(console_command)


def console_command(as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False) -> None:
    """First paint of the technician's console, and his tasks: bytes, and seconds at 9600 baud."""
    screen = Console(stderr=True)
    network = boxes.choose_network()
    with boxes.temporary_home() as home, screen.status("starting a box"):
        settings = boxes.private_settings(home, network)
        _prepare(home, settings, network)
        running = start_supervisor(home, [program for program in BOX + BENCH if program.name not in _WITHOUT])
        try:
            running.wait_ready(lambda: _missing(home), timeout_s=120.0)
            found = measure(home)
        finally:
            running.stop()
    if as_json:
        print(json.dumps(found))
    else:
        _show(found)


def _prepare(home: Home, settings: Settings, network: int) -> None:
    store = boxes.prepare(home, settings)
    try:
        boxes.provide_sounds(home, lambda _done, _total, _name: None)
        plan = DialPlan(gateways=[GatewayPlan(address=f"127.{network}.1.1")])
        provide(home, settings, store, plan=plan, seats=1, network=network)
        with store.write() as session:
            session.add(
                User(id=new_id(), login=_LOGIN, display_name="Technician", role=Role.ADMINISTRATOR,
                     password_hash=Hasher().hash(_PASSWORD), created_at=datetime.now(UTC))
            )  # fmt: skip
    finally:
        store.close()
    technician.write_log(home)


def _missing(home: Home) -> list[str]:
    """What is not up; the switch is the last: workers that the edge knows to be idle."""
    try:
        down = [service.name for service in status(home) if service.state != "RUNNING"]
        return down or ([] if control.idle_workers(home) else ["idle workers"])
    except BoxError as error:
        return [error.error_id]


def measure(home: Home) -> dict[str, Any]:
    """First paint of several starts (the least: what the machine itself costs), then the tasks."""
    technician.write_hardware(home)
    paints = [_first_paint_s(home) for _ in range(_PAINTS)]
    scene = technician.Scene(login=_LOGIN, password=_PASSWORD, number="+8613800138000", stick=home.root / "stick",
                             restart="jobs")  # fmt: skip
    tasks = []
    for name, (script, sign) in technician.TASKS.items():
        technician.write_hardware(home)
        session = technician.Session(home)
        started = time.monotonic()
        shown = script(session, scene)
        count = session.received + session.sent
        tasks.append(
            {
                "task": name, "done": sign in shown, "screen": "" if sign in shown else shown, "bytes": count,
                "wire_s_9600": round(technician.wire_s(count), 2), "work_s": round(time.monotonic() - started, 2),
            }
        )  # fmt: skip
        session.close()
    return {
        "first_paint_ms": round(min(paints) * 1000),
        "first_paint_ms_median": round(sorted(paints)[_PAINTS // 2] * 1000),
        "first_paint_cpu_ms": _start_cpu_ms(home), "first_paint_bytes": session.first_paint_bytes,
        "load": round(os.getloadavg()[0], 1), "baud": technician.BAUD, "tasks": tasks,
        "all_done": all(task["done"] for task in tasks),
    }  # fmt: skip


def _first_paint_s(home: Home) -> float:
    """From the start of the program to the prompt, on a pty of its own (a fork of this big process would cost more)."""
    master, slave = pty.openpty()
    started = time.monotonic()
    with subprocess.Popen(
        [sys.executable, "-P", "-m", "appliance.services.console"], stdin=slave, stdout=slave, stderr=slave,
        env={**os.environ, "CALLBOX_HOME": str(home.root)}, start_new_session=True,
    ) as process:  # fmt: skip
        os.close(slave)
        seen = b""
        while not seen.endswith(technician.PROMPT.encode("ascii")):
            seen += os.read(master, 4096)
        took_s = time.monotonic() - started
        os.close(master)  # a hang-up: it ends
        process.wait(30)
    return took_s


def _start_cpu_ms(home: Home) -> float:
    """Processor time of one start to the menu: what is left of the first paint on an idle machine."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [sys.executable, "-P", "-m", "appliance.services.console"], stdin=subprocess.DEVNULL, check=False,
        stdout=subprocess.DEVNULL, env={**os.environ, "CALLBOX_HOME": str(home.root)}, cwd=Path.cwd(),
    )  # fmt: skip
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return round((after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime) * 1000)


def _show(found: dict[str, Any]) -> None:
    console = Console()
    console.print(
        f"first paint {found['first_paint_ms']} ms (median {found['first_paint_ms_median']}, processor "
        f"{found['first_paint_cpu_ms']}), {found['first_paint_bytes']} bytes; load {found['load']}"
    )
    table = Table("task", "done", "bytes", "s at 9600 baud", "s of work")
    for task in found["tasks"]:
        table.add_row(*(str(task[column]) for column in ("task", "done", "bytes", "wire_s_9600", "work_s")))
    console.print(table)
