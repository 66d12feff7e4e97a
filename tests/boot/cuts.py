"""Power cuts: QEMU is killed at random instants of normal work and of an update, and start after start.

What was committed must be there, and the slot that was proven must be the one that runs.
"""

from __future__ import annotations

import json
import random
import socket
import threading
import time
from pathlib import Path

from tests.boot import outside
from tests.boot.box import AS_CALLBOX, PYTHON, Box, disk, firmware, network
from tests.boot.stages import TRUNK, Run, wait_dial_ready, wait_gate
from tests.boot.updates import PASSPHRASE, lay, newer_bundle, sticks, wait_settled

_PORT = 9100
_LEAST_S, _WORK_S, _UPDATE_STARTS = 2.0, 45.0, 3.0
"""Seconds after the work (the update) began, between which the power goes; an update's in times of a first boot, so
that a slow host is cut in the same places. It is longest in its backup and that backup's trial; then come the other
slot's writing, the reboot, the migration and the gate."""
_ARCHIVED_S, _REACHED_S = 600.0, 600.0
_FLAPS = 4
"""More starts without a health gate than a slot has tries."""
_HERE = Path(__file__).parent


class Told:
    """What the box said it has committed: the number of the last row, heard outside of it as it is said."""

    def __init__(self) -> None:
        self.last = 0
        self._listening = socket.create_server((outside.HOST, _PORT))
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                line, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._hear, args=(line,), daemon=True).start()

    def _hear(self, line: socket.socket) -> None:
        line.settimeout(600)
        pending = b""
        try:
            while more := line.recv(4096):
                *said, pending = (pending + more).split(b"\n")
                self.last = max([self.last, *(int(number) for number in said)])
        except OSError:
            return  # the power went

    def wait_beyond(self, number: int) -> None:
        """Wait until a later row was committed. Raises AssertionError."""
        deadline = time.monotonic() + 300
        while self.last <= number:
            assert time.monotonic() < deadline, "nothing is committed"
            time.sleep(0.2)

    def close(self) -> None:
        self._listening.close()


def _work(box: Box, first: int) -> None:
    """Rows committed one after the other, and recorded calls, until the power goes."""
    writer = box.put("writer.py", (_HERE / "writer.py").read_bytes())
    box.start(f"{AS_CALLBOX} {PYTHON} {writer} {first} {outside.HOST} {_PORT} >/dev/null 2>/run/writer.txt")
    dial = box.put("dial.py", (_HERE / "dial.py").read_bytes())
    call = f"{AS_CALLBOX} {PYTHON} {dial} {outside.PERSON} {TRUNK} 120 record"
    box.start(f"while true; do {call}; done >/dev/null 2>&1")


def _look(box: Box, run: Run, told: Told) -> dict[str, int]:
    """What is there after a cut. Raises AssertionError for a row that was said to be committed and is not."""
    wait_dial_ready(box, run)
    code = (
        "import sqlite3; b = sqlite3.connect('/var/lib/callbox/callbox.sqlite');"
        "print(b.execute('PRAGMA integrity_check').fetchone()[0],"
        "b.execute('SELECT count(*) FROM audit_log WHERE action = ?', ['boot.row']).fetchone()[0])"
    )
    whole, count = box.sh(f'{AS_CALLBOX} python3 -c "{code}"', 300).split()
    assert whole == "ok", whole
    assert int(count) >= told.last, f"{told.last - int(count)} committed rows are lost"
    assert box.run(f"{AS_CALLBOX} callbox audit verify", 600).status == 0
    deadline = time.monotonic() + _ARCHIVED_S
    while True:
        found = json.loads(box.run(f"{AS_CALLBOX} callbox recordings verify --json", 900).output.splitlines()[-1])
        assert not found["damaged"], found
        if not found["not_archived"]:
            return {"rows": int(count), "recordings": found["verified"]}
        assert time.monotonic() < deadline, found
        time.sleep(5)


def power_cuts(run: Run) -> None:
    """`--cuts` times: the box works, or installs an update, and the power goes; it boots, and nothing is lost.

    Every second cut is one of an update, which the box takes up again or lets be. A killed QEMU loses what the guest
    had not handed to its disk; a disk that loses what it was handed is not simulated.
    """
    rng, told = random.Random(run.seed), Told()
    bundle = newer_bundle(run.image, run.folder)
    arguments = [*firmware(run.folder, [f"{run.disk}@@1M"]), *disk(run.disk), *network(), *sticks(good=bundle)]
    seen: list[dict[str, object]] = []
    try:
        for number in range(run.cuts + 1):
            with Box(run.folder, f"cut-{number}", arguments) as box:
                box.wait_agent(1500)
                settled = wait_settled(box)["state"] if seen and seen[-1]["during"] == "update" else ""
                found = _look(box, run, told)
                if seen:
                    seen[-1] |= {**found, "update": settled, "slot": box.sh("/usr/lib/callbox/slot get-current")}
                    run.figures["cuts"] = seen
                    run.save()
                if number == run.cuts:
                    box.power_off()
                    return
                updating = number % 2 == 1
                longest_s = _UPDATE_STARTS * run.figures["first_boot_dial_ready_s"] if updating else _WORK_S
                after_s = rng.uniform(_LEAST_S, longest_s)
                if updating:
                    box.sh(f"echo {PASSPHRASE} | {AS_CALLBOX} callbox backup passphrase --passphrase-stdin", 300)
                    path = lay(box, "good", bundle)
                _work(box, found["rows"] + 1)
                told.wait_beyond(found["rows"])
                if updating:
                    box.start(f"{AS_CALLBOX} callbox update {path} >/data/update-said.txt 2>&1 </dev/null")
                time.sleep(after_s)
                box.kill()
                during = "update" if updating else "work"
                seen.append({"during": during, "after_s": round(after_s, 1), "told": told.last})
    finally:
        told.close()


def power_flaps(run: Run) -> None:
    """After `update_and_return`: the power fails start after start, before the health gate; the proven slot stays.

    Then it is left out once, as after three starts that came to nothing: the version in the other slot, which cannot
    take the data over, gives way by itself.
    """
    arguments = [*firmware(run.folder, [f"{run.disk}@@1M"]), *disk(run.disk), *network()]
    with Box(run.folder, "flaps-before", arguments) as box:
        box.wait_agent(1500)
        wait_gate(box)
        slot = box.sh("/usr/lib/callbox/slot get-current")
        other = "A" if slot == "B" else "B"
        box.sh(f"/usr/lib/callbox/esp set {other}_OK=1 {other}_TRY=0 TRIAL=")
        box.power_off()
    for number in range(_FLAPS):
        with Box(run.folder, f"flap-{number}", arguments) as box:
            box.wait_agent(1500)
            assert box.sh("/usr/lib/callbox/slot get-current") == slot, f"start {number} took the other slot"
            _wait_reached(box, slot)
            assert box.sh("systemctl show -P ActiveState callbox-gate") != "active", "the gate was quicker"
            box.kill()
    with Box(run.folder, "flaps-after", arguments) as box:
        box.wait_agent(1500)
        assert box.sh("/usr/lib/callbox/slot get-current") == slot
        run.figures["flapped_call"] = wait_dial_ready(box, run)
        wait_gate(box)
        box.sh(f"/usr/lib/callbox/esp set {slot}_TRY=3")
        began = time.monotonic()
        box.start("systemctl reboot")
        _wait_gave_way(box, slot)
        run.mark("gave_way_s", time.monotonic() - began)
        run.figures["gave_way_call"] = wait_dial_ready(box, run)
        box.power_off()


def _wait_gave_way(box: Box, slot: str) -> None:
    """Wait until this slot runs after the other has said that it gives way. Raises AssertionError."""
    deadline, found = time.monotonic() + 1500, ""
    while "once more" not in found:
        assert time.monotonic() < deadline, found
        time.sleep(2)
        try:
            box.wait_agent(1500)
            if box.sh("/usr/lib/callbox/slot get-current") == slot:
                box.sh("systemctl start callbox-prepare", 900)
                found = box.run("journalctl -u callbox-prepare --no-pager -o cat | grep 'once more'").output
        except (ConnectionResetError, AssertionError) as error:  # it goes down for a reboot
            found = str(error)


def _wait_reached(box: Box, slot: str) -> None:
    """Wait until no try is counted against the slot any more. Raises AssertionError."""
    deadline = time.monotonic() + _REACHED_S
    while f"{slot}_TRY=0" not in (said := box.run("/usr/lib/callbox/esp env").output).split():
        assert time.monotonic() < deadline, said
        time.sleep(1)
