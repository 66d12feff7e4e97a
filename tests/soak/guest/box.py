"""Runs inside the guest: the product's disk drivers on real devices, root's actions from the product's own table.

`python3 box.py show | bring KEY TYPED | retire KEY TYPED | smart`: one JSON object on stdout; `listen` goes on for ever
and writes what the kernel says of disks to /run/uevents.
"""

from __future__ import annotations

import dataclasses
import json
import select
import sys
import time
from pathlib import Path
from typing import Any, NoReturn

from appliance.errors import CallboxError
from appliance.services.privileged.actions import load_actions
from appliance.types import Role
from drivers.lines import ReaderError
from drivers.programs import LocalPrograms, Ran
from drivers.raid import work
from drivers.raid.events import DeviceEvents
from drivers.raid.look import look, smart

ROOT = Path("/")


class TableActions:
    """privd without its socket: the same table, the same check of arguments, the same programs."""

    def __init__(self) -> None:
        self._actions, self._programs = load_actions(), LocalPrograms()

    def do(self, action: str, **arguments: str) -> Ran:
        found = self._actions[action]
        try:
            words = found.argument_list(Role.ADMINISTRATOR, arguments)
        except CallboxError as error:
            raise ReaderError(error.error_id, error.message) from error
        return self._programs.run(words, found.timeout_s)


def main(verb: str, *words: str) -> dict[str, Any]:
    actions = TableActions()
    box = look(ROOT)
    if verb == "show":
        arrays = [
            {**dataclasses.asdict(a), "missing": a.missing, "progress": a.progress, "eta_s": a.eta_s}
            for a in box.arrays
        ]
        pictures = [dataclasses.asdict(work.show(ROOT, actions, a.name)) for a in box.arrays]
        return {"disks": [dataclasses.asdict(d) for d in box.disks], "arrays": arrays, "pictures": pictures}
    if verb == "listen":
        listen()
    if verb == "bring":
        return bring(work.choose(ROOT, actions, "md0", *words))
    if verb == "retire":
        return dataclasses.asdict(work.retire(ROOT, actions, "md0", *words))
    found: dict[str, Any] = {}
    for disk in box.disks:
        try:
            found[disk.key] = dataclasses.asdict(smart(disk, actions))
        except ReaderError as error:
            found[disk.key or disk.name] = {"error_id": error.error_id, "message": error.message}
    return found


def listen() -> NoReturn:
    events = DeviceEvents()
    with Path("/run/uevents").open("a") as heard:
        while True:
            select.select([events], [], [])
            for event in events.poll():
                heard.write(f"{event.action} {event.device}\n")
            heard.flush()


def bring(replacement: work.Replacement) -> dict[str, Any]:
    """Take steps until it is done; returns the steps and what the rebuild said of itself on the way."""
    steps: list[str] = []
    rebuild = []
    while not steps or steps[-1] != "done":
        progress = replacement.advance()
        if not steps or steps[-1] != progress.step:
            steps.append(str(progress.step))
        if progress.fraction is not None:
            rebuild.append([round(progress.fraction, 2), None if progress.eta_s is None else round(progress.eta_s, 1)])
        if progress.step == "wait":
            time.sleep(0.3)
    return {"steps": steps, "rebuild": rebuild}


def plain(value: Any) -> Any:
    return sorted(value) if isinstance(value, frozenset) else str(value)


if __name__ == "__main__":
    try:
        print(json.dumps(main(*sys.argv[1:]), default=plain))
    except ReaderError as refused:
        print(json.dumps({"error_id": refused.error_id, "message": refused.message}))
