"""From each earlier release to this version: a box that really ran the old one takes today's bundle and dials on.

The disk of the first release is `image_build/image/predecessor.sh v0.1.0`: its product under today's units and boot
tools, since it had none. What it cannot do itself stands here: its worker group has no `run --device` (first_box.py), a
progressive campaign needs agents at phones to dial, so the recorded call is one that the switch is asked for
(first_call.py), and it has no `callbox update`: its technician installs with `rauc` and reboots.
"""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from appliance.domain.campaign import ALL_DAY
from tests.boot import outside
from tests.boot.box import AS_CALLBOX, PYTHON, Box, disk, firmware, network
from tests.boot.stages import TRUNK, Run, fresh_disk, give_list, provide_trunk, rows, wait_dial_ready, wait_gate
from tests.boot.updates import KEPT, lay, lost, running_slot, running_version, standing, sticks

FIRST = "v0.1.0"
_HERE = Path(__file__).parent
_CAMPAIGN, _LOGIN, _PASSWORD = "Spring", "boss", "a password of the boot test"
_NUMBERS = [f"010{63000000 + n}" for n in range(200)]
_WORKERS = "callbox-supervisord.service"
_DIAL_S, _LONG_S, _PAUSE_S = 1500.0, 2400.0, 3.0


def first_image(image: Path) -> Path:
    """Where the image of the first release is, beside that of this version, when it was made."""
    return image.with_name(f"image-{FIRST}")


def _fit_workers(box: Box) -> None:
    """Give the worker group's unit the old product's services; it is started when the office is set up."""
    path = box.put("first_box.py", (_HERE / "first_box.py").read_bytes())
    unit = f"[Service]\nType=simple\nExecStart=\nExecStart={PYTHON} {path}\nWatchdogSec=0\n"
    written = box.put("first-box.conf", unit.encode())
    more = f"/run/systemd/system/{_WORKERS}.d"
    box.sh(f"mkdir -p {more} && cp {written} {more}/ && systemctl daemon-reload && systemctl stop {_WORKERS}", 300)


def _recorded_call(box: Box, run: Run) -> dict[str, Any]:
    """One call of the old box that a person answers outside, archived; what it was, and its recording's digest."""
    path = box.put("first_call.py", (_HERE / "first_call.py").read_bytes())
    said = box.sh(f"{AS_CALLBOX} {PYTHON} {path} {outside.PERSON} {TRUNK} {_DIAL_S:.0f}", _DIAL_S + 300)
    call: dict[str, Any] = json.loads(said.splitlines()[-1])
    assert "error" not in call, call
    assert outside.calls(run.home), "the exchange outside has seen no call"
    deadline = time.monotonic() + _DIAL_S
    # tries that failed may have been recorded too: all of them lie in the archive when the box is updated
    while {one["state"] for one in _listed(box, "recordings")} != {"archived"}:
        assert time.monotonic() < deadline, _listed(box, "recordings")
        time.sleep(_PAUSE_S)
    found = {one["conversation_id"]: one["id"] for one in _listed(box, "recordings")}
    recording_id = found[call["conversation_id"]]
    return {**call, "recording_id": recording_id, **_exported(box, recording_id)}


def _listed(box: Box, of: str) -> list[dict[str, Any]]:
    """What `callbox OF list` shows."""
    return [json.loads(line) for line in box.callbox(f"{of} list --json").splitlines()]


def _exported(box: Box, recording_id: str) -> dict[str, Any]:
    """Size and digest of a recording as this version opens it."""
    path = "/var/lib/callbox/uploads/exported.ogg"
    box.callbox(f"recordings export {recording_id} --out {path}")
    size, digest = box.sh(f"stat -c %s {path}; sha256sum {path}; rm {path}").split()[:2]
    return {"bytes": int(size), "sha256": digest}


def _leads(box: Box) -> int:
    """People of the campaign, as the list of campaigns counts them by their states."""
    found = {one["name"]: one for one in _listed(box, "campaign")}
    return sum(found[_CAMPAIGN]["leads"].values())


def _work_in(box: Box, run: Run) -> dict[str, Any]:
    """An office on the first release, by its own commands; returns its recorded call."""
    box.sh("systemctl start callbox-prepare", 900)
    run.mark("first_release_prepared_s", box.up_s)
    box.sh(f"echo '{_PASSWORD}' | {AS_CALLBOX} callbox user add {_LOGIN} --role administrator --password-stdin", 300)
    provide_trunk(box, unknown=("caller_ids", "calls_per_s"))
    give_list(box, _CAMPAIGN, _NUMBERS, {"calling_hours": ALL_DAY, "rule_profile": "neutral"}, mode="progressive")
    box.sh(f"systemctl start {_WORKERS}", 600)
    call = _recorded_call(box, run)
    run.mark("first_release_call_s", box.up_s)
    return call


def from_first_release(run: Run) -> None:
    """One disk with the first release: it works, gets today's bundle, and today's version goes on with all of it."""
    image, path = first_image(run.image), run.folder / "first-release.img"
    assert (image / "callbox.img").exists(), f"no {image}: image_build/image/predecessor.sh {FIRST} makes it"
    fresh_disk(replace(run, image=image), path)
    bundle = run.image / "callbox.raucb"
    arguments = [*firmware(run.folder, [f"{path}@@1M"]), *disk(path), *network(), *sticks(today=bundle)]
    with Box(run.folder, "first-release", arguments) as box:
        box.wait_agent(1500)
        _fit_workers(box)
        run.figures["first_release_call"] = call = _work_in(box, run)
        before, slot, version = rows(box), running_slot(box), running_version(box)
        assert _leads(box) == len(_NUMBERS)

        began = time.monotonic()
        box.sh(f"rauc install {lay(box, 'today', bundle)}", _LONG_S)
        run.mark("skew_installed_s", time.monotonic() - began)
        box.start("systemctl reboot")
        box.wait_agent(_LONG_S)
        box.sh("systemctl start callbox-data", 900)  # the agent speaks before the data are there
        assert running_slot(box) != slot
        box.sh("systemctl start callbox-prepare", 900)
        run.mark("skew_migrated_s", time.monotonic() - began)
        run.figures["skew_from"], run.figures["skew_to"] = version, running_version(box)
        run.figures["skew_call"] = wait_dial_ready(box, run)  # by the trunk that the old version was given
        run.mark("skew_dial_ready_s", time.monotonic() - began)
        wait_gate(box)
        run.mark("skew_good_s", time.monotonic() - began)

        assert not (gone := lost(before, rows(box), (*KEPT, "users"))), gone
        run.figures["skew_rows"] = {name: before[name] for name in (*KEPT, "users") if before.get(name)}
        assert _leads(box) == len(_NUMBERS)
        assert {one["login"]: one["role"] for one in _listed(box, "user")} == {_LOGIN: "administrator"}
        opened = _exported(box, call["recording_id"])
        assert opened == {"bytes": call["bytes"], "sha256": call["sha256"]}, (opened, call)
        verified = json.loads(box.callbox("recordings verify --json", 600).splitlines()[-1])
        assert not verified["damaged"], verified
        assert verified["verified"] >= before["recordings"], (verified, before)
        run.figures["skew_recording"] = opened
        run.figures["skew_update"] = standing(box)
        box.power_off()
