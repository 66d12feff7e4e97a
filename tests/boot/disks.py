"""Stages with more than one disk: a mirror from the installer's stick, either disk alone; an update and its return."""

from __future__ import annotations

import re
import subprocess
import time
from pathlib import Path

from tests.boot.box import Box, disk, firmware, network
from tests.boot.stages import Run, provide_trunk, wait_dial_ready, wait_gate
from tests.soak.guest.machine import blank

DISK_MB = 2600
SERIALS = ("WD-AAA0001", "WD-BBB0002")
_TYPE_S = 600.0


def pair(run: Run) -> tuple[Path, Path]:
    return run.folder / "mirror0.img", run.folder / "mirror1.img"


def install_mirror(run: Run) -> None:
    """The stick is started by firmware; a person at the serial line chooses both disks, one of which is not empty."""
    first, second = (blank(path, DISK_MB) for path in pair(run))
    subprocess.run(["mkfs.vfat", "-F", "32", "--invariant", str(second)], check=True, stdout=subprocess.DEVNULL)
    stick = run.folder / "stick.img"
    subprocess.run(["cp", "--sparse=always", run.image / "callbox-usb.img", stick], check=True)
    arguments = [
        *firmware(run.folder, [f"{stick}@@1M"]),
        "-device", "qemu-xhci", "-drive", f"file={stick},if=none,id=stick,format=raw",
        "-device", "usb-storage,drive=stick,removable=on,bootindex=9",
        *disk(first, 0, SERIALS[0]), *disk(second, 1, SERIALS[1]),
    ]  # fmt: skip
    with Box(run.folder, "installer", arguments) as box:
        box.see("Numbers of the disks", 900)
        run.mark("installer_asks_s", box.up_s)
        box.console.send("1 2\n")
        box.see("Type its serial number", _TYPE_S)
        box.console.send("WD-WRONG\n")
        box.see("Nothing was written", _TYPE_S)
        box.see("Numbers of the disks", _TYPE_S)
        box.console.send("1 2\n")
        box.see("Type its serial number", _TYPE_S)
        box.console.send(f"{SERIALS[1]}\n")
        box.see("Type INSTALL", _TYPE_S)
        box.console.send("INSTALL\n")
        began = box.up_s
        run.mark("installer_writes_s", box.see("Installed", 1500) - began)
        box.console.send("\n")
        box.wait_off(300)


def _esp(path: Path) -> str:
    return f"{path}@@1M"


def _start_mirror(run: Run, name: str, numbers: tuple[int, ...]) -> Box:
    paths = pair(run)
    disks = [word for number in numbers for word in disk(paths[number], number, SERIALS[number])]
    return Box(run.folder, name, [*firmware(run.folder, [_esp(paths[n]) for n in numbers]), *disks, *network()])


def boot_mirror(run: Run) -> None:
    """Both disks: first boot, trunk, dial-ready."""
    (run.folder / "vars.fd").unlink(missing_ok=True)
    with _start_mirror(run, "mirror-both", (0, 1)) as box:
        box.wait_agent(1500)
        assert "[UU]" in box.sh("cat /proc/mdstat")
        box.sh("systemctl start callbox-prepare", 900)
        provide_trunk(box)
        run.figures["mirror_call"] = wait_dial_ready(box, run)
        run.mark("mirror_first_dial_ready_s", box.up_s)
        wait_gate(box)
        box.power_off()


def boot_one_disk(run: Run) -> None:
    """Either disk alone, as after the other was pulled: boots, dials, and the data are those of before."""
    for number in (1, 0):
        (run.folder / "vars.fd").unlink(missing_ok=True)
        with _start_mirror(run, f"mirror-only-{number}", (number,)) as box:
            box.wait_agent(1500)
            state = box.sh("cat /proc/mdstat")
            assert re.search(r"\[(_U|U_)\]", state), state
            run.figures[f"mirror_only_{number}_call"] = wait_dial_ready(box, run)
            run.mark(f"mirror_only_{number}_dial_ready_s", box.up_s)
            box.power_off()


def update_and_return(run: Run) -> None:
    """One disk: a bundle with a flipped byte is refused, a good one boots on trial, a broken slot is left."""
    bundle, bad = run.image / "callbox.raucb", run.folder / "flipped.raucb"
    data = bytearray(bundle.read_bytes())
    data[len(data) // 2] ^= 1
    bad.write_bytes(data)
    sticks = []
    for name, path in (("good", bundle), ("bad", bad)):
        sticks += ["-drive", f"file={path},if=none,id={name},format=raw,readonly=on"]
        sticks += ["-device", f"virtio-blk-pci,drive={name},serial={name.upper()}"]
    arguments = [*firmware(run.folder, [_esp(run.disk)]), *disk(run.disk), *network(), *sticks]
    with Box(run.folder, "update", arguments) as box:
        box.wait_agent(1500)
        wait_gate(box)
        for name, path in (("good", bundle), ("bad", bad)):
            copy = f"head -c {path.stat().st_size} /dev/disk/by-id/virtio-{name.upper()} >/data/{name}.raucb"
            box.sh(copy, 300)
        refused = box.run("rauc install /data/bad.raucb", 900)
        assert refused.status != 0, refused
        run.figures["update_refused"] = refused.error.strip().splitlines()[-1:]
        began = time.monotonic()
        box.sh("rauc install /data/good.raucb", 1500)
        run.mark("update_install_s", time.monotonic() - began)
        assert box.sh("/usr/lib/callbox/slot get-primary") == "B"
        box.run("systemctl reboot", 60)
        box.wait_agent(1500)
        assert box.sh("/usr/lib/callbox/slot get-current") == "B"
        wait_gate(box)
        run.mark("update_new_slot_good_s", time.monotonic() - began)
        # on trial again, then spoilt under the running box: three tries by itself, then the old slot
        box.sh("/usr/lib/callbox/slot set-primary B; head -c 4M /dev/urandom >/dev/callbox/slot/rootB; sync")
        began = time.monotonic()
        box.qmp("system_reset")
        box.wait_agent(1800)
        run.mark("return_s", time.monotonic() - began)
        assert box.sh("/usr/lib/callbox/slot get-current") == "A"
        box.power_off()
