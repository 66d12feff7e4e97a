"""A backup of one machine on another, blank one: the campaign that ran goes on where it was."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

from appliance.domain.campaign import ALL_DAY
from tests.boot.box import AS_CALLBOX, Box, direct, disk, network
from tests.boot.stages import Run, fresh_disk, give_list, rows, wait_dial_ready
from tests.boot.updates import PASSPHRASE

_NAME = "Demo"
_NUMBERS = [f"010{61000000 + 7 * n}" for n in range(120)]
_CONFIG = {
    "calling_hours": ALL_DAY, "rule_profile": "neutral", "attempts_total_max": 1, "retry_s": {}, "max_lines": 2,
}  # fmt: skip
_BEFORE, _AFTER = 6, 3
"""Numbers dialled before the backup, and on the other machine after it."""
_DIAL_S = 900.0


def attempts(box: Box) -> int:
    """Numbers that were dialled so far."""
    return rows(box)["attempts"]


def wait_attempts(box: Box, wanted: int) -> int:
    """Wait until so many were dialled. Raises AssertionError."""
    deadline = time.monotonic() + _DIAL_S
    while (count := attempts(box)) < wanted:
        assert time.monotonic() < deadline, f"{count} of {wanted} numbers dialled"
        time.sleep(2)
    return count


def twice(box: Box) -> list[str]:
    """Leads that were dialled more than once, which this campaign forbids."""
    query = "SELECT lead_id FROM attempts WHERE lead_id IS NOT NULL GROUP BY lead_id HAVING count(*) > 1"
    base = "sqlite3.connect('/var/lib/callbox/callbox.sqlite')"
    return box.sh(f"{AS_CALLBOX} python3 -c \"import sqlite3; [print(*r) for r in {base}.execute('{query}')]\"").split()


def restore_elsewhere(run: Run) -> None:
    """The first machine dials a campaign, is backed up and switched off; a blank one takes the backup and dials on."""
    kept = run.folder / "kept.cbb"
    with Box(run.folder, "backup", [*direct(run.image, run.folder), *disk(run.disk), *network()]) as box:
        box.wait_agent(1200)
        wait_dial_ready(box, run)
        box.sh(f"echo {PASSPHRASE} | {AS_CALLBOX} callbox backup passphrase --passphrase-stdin", 300)
        give_list(box, _NAME, _NUMBERS, _CONFIG)
        began = attempts(box)
        box.callbox(f"campaign start {_NAME}", 300)
        wait_attempts(box, began + _BEFORE)
        made: dict[str, Any] = json.loads(box.callbox("backup --json", 600).splitlines()[-1])
        kept.write_bytes(base64.b64decode(box.sh(f"base64 -w0 {made['path']}", 300)))
        run.figures["backup_bytes"], run.figures["backup_rows"] = made["bytes"], made["rows"]
        box.callbox(f"campaign stop {_NAME}", 300)  # this machine's stages after this one dial for themselves
        box.power_off()
    other = run.folder / "other.img"
    fresh_disk(run, other)
    machine = [*direct(run.image, run.folder), *disk(other), *network(), *disk(kept, 1, "KEPT")]
    with Box(run.folder, "restore", machine) as box:
        box.wait_agent(1200)
        box.sh("systemctl start callbox-prepare", 900)
        box.sh("systemctl start callbox-supervisord", 900)  # who is told to start anew must run
        copy = f"/data/{kept.name}"
        box.sh(f"head -c {kept.stat().st_size} /dev/disk/by-id/virtio-KEPT >{copy}; chmod 644 {copy}")
        began_s = time.monotonic()
        line = f"echo {PASSPHRASE} | {AS_CALLBOX} callbox restore {copy} --yes --restart --passphrase-stdin"
        box.start(f"{line} >/data/restore-said.txt 2>&1")
        box.wait_off(900)  # it reboots, which ends a directly started machine
        run.mark("restore_took_s", time.monotonic() - began_s)
    with Box(run.folder, "restored", machine) as box:
        box.wait_agent(1200)
        box.sh("systemctl start callbox-prepare", 900)
        restored = rows(box)
        assert restored["leads"] >= len(_NUMBERS), (restored, box.sh("cat /data/restore-said.txt"))
        assert restored["attempts"] >= began + _BEFORE, restored
        run.figures["restored_call"] = wait_dial_ready(box, run)
        run.mark("restored_dial_ready_s", box.up_s, box)
        run.figures["restored_attempts"] = [restored["attempts"], wait_attempts(box, restored["attempts"] + _AFTER)]
        assert not (again := twice(box)), again
        box.power_off()
