"""Turns this process into a daemon of someone else (Kamailio, nginx, ...), in the foreground under supervisor.

A daemon whose main process was killed (`kill -9`) may leave children that still hold its ports. Its process group is
noted in `home.run/<service>.group`; what is left of it is ended before the next start.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import psutil

from appliance.errors import BoxError
from appliance.logs import get_logger
from appliance.settings import Home

_END_WAIT_S = 3.0


def become(home: Home, service: str, command: Sequence[str]) -> NoReturn:
    """Replace this process by `command`. Raises BoxError `service.not_installed` when the program is missing."""
    program = shutil.which(command[0], path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/bin:/sbin:/bin")
    if program is None:
        raise BoxError(
            "service.not_installed", f"'{command[0]}' is not installed. Run 'make setup'.", program=command[0]
        )
    if os.getpgrp() != os.getpid():
        os.setpgid(0, 0)
    noted = home.run / f"{service}.group"
    _end_leftovers(noted, Path(program).name, service)
    noted.write_text(str(os.getpid()), "utf-8")
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(program, [program, *command[1:]])  # noqa: S606 - no shell is wanted


def _end_leftovers(noted: Path, name: str, service: str) -> None:
    try:
        group = int(noted.read_text("utf-8"))
    except (FileNotFoundError, ValueError):
        return
    left = [process for process in psutil.process_iter(["name"]) if _is_left(process, group, name)]
    if not left:
        return
    get_logger(service=service).warning("ending children of a killed start", group=group, processes=len(left))
    for process in left:
        process.send_signal(signal.SIGKILL)
    _, alive = psutil.wait_procs(left, timeout=_END_WAIT_S)
    if alive:
        raise BoxError("service.leftovers", f"Old processes of '{service}' do not end: {[p.pid for p in alive]}.")


def _is_left(process: psutil.Process, group: int, name: str) -> bool:
    try:
        return process.info["name"] == name and process.pid != os.getpid() and os.getpgid(process.pid) == group
    except (ProcessLookupError, psutil.NoSuchProcess):
        return False
