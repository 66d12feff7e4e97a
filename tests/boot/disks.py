"""Stages about disks: a mirror from the installer's stick, either disk alone; the data partition's key on a stick."""

from __future__ import annotations

import json
import re
import subprocess
import time
from pathlib import Path

from tests.boot.box import AS_CALLBOX, SCSI, Box, direct, disk, firmware, network, scsi_disk
from tests.boot.stages import Run, fresh_disk, keep_screen, provide_trunk, rows, wait_dial_ready, wait_gate, wait_well
from tests.soak.guest.machine import blank

DISK_MB = 2600
SERIALS = ("WD-AAA0001", "WD-BBB0002")
_TYPE_S = 600.0
_RECORDED_MIN = 3 * 8000 * 2 // 8  # three seconds, even when they are archived compressed


def pair(run: Run) -> tuple[Path, Path]:
    return run.folder / "mirror0.img", run.folder / "mirror1.img"


def started_from_stick(run: Run, *disks: Path) -> list[str]:
    """QEMU arguments of a machine with these disks that starts from the installer's stick."""
    stick = run.folder / "stick.img"
    subprocess.run(["cp", "--sparse=always", run.image / "callbox-usb.img", stick], check=True)
    plugged = [word for n, path in enumerate(disks) for word in scsi_disk(path, n, SERIALS[n])]
    return [
        *firmware(run.folder, [f"{stick}@@1M"]),
        "-device", "qemu-xhci", "-drive", f"file={stick},if=none,id=stick,format=raw",
        "-device", "usb-storage,drive=stick,removable=on,bootindex=9", *SCSI, *plugged,
    ]  # fmt: skip


def install_mirror(run: Run) -> None:
    """The stick is started by firmware; a person at the serial line chooses both disks, one of which is not empty."""
    first, second = (blank(path, DISK_MB) for path in pair(run))
    subprocess.run(["mkfs.vfat", "-F", "32", "--invariant", str(second)], check=True, stdout=subprocess.DEVNULL)
    with Box(run.folder, "installer", started_from_stick(run, first, second)) as box:
        box.see("Numbers of the disks", 900)
        run.mark("installer_asks_s", box.up_s)
        box.enter("1 2\n")
        box.see("Type its serial number", _TYPE_S)
        box.enter("WD-WRONG\n")
        box.see("Nothing was written", _TYPE_S)
        box.see("Numbers of the disks", _TYPE_S)
        box.enter("1 2\n")
        box.see("Type its serial number", _TYPE_S)
        box.enter(f"{SERIALS[1]}\n")
        box.see("Enter for without, or type PASSPHRASE", _TYPE_S)
        box.enter("\n")
        box.see("Type INSTALL", _TYPE_S)
        box.enter("INSTALL\n")
        began = box.up_s
        run.mark("installer_writes_s", box.see("Installed", 1500) - began)
        box.enter("\n")
        box.wait_off(300)


def _esp(path: Path) -> str:
    return f"{path}@@1M"


def _start_mirror(run: Run, name: str, numbers: tuple[int, ...]) -> Box:
    paths = pair(run)
    disks = [word for number in numbers for word in scsi_disk(paths[number], number, SERIALS[number])]
    return Box(run.folder, name, [*firmware(run.folder, [_esp(paths[n]) for n in numbers]), *SCSI, *disks, *network()])


def boot_mirror(run: Run) -> None:
    """Both disks: first boot with the trunk, a later one; then a disk is pulled while the box runs, it records on."""
    (run.folder / "vars.fd").unlink(missing_ok=True)
    with _start_mirror(run, "mirror-both", (0, 1)) as box:
        box.wait_agent(1500)
        assert "[UU]" in box.sh("cat /proc/mdstat")
        box.sh("systemctl start callbox-prepare", 900)
        provide_trunk(box)
        run.figures["mirror_call"] = wait_dial_ready(box, run)
        run.mark("mirror_first_dial_ready_s", box.up_s, box)
        wait_gate(box)
        run.mark("mirror_gate_s", box.up_s)
        box.power_off()
    with _start_mirror(run, "mirror-later", (0, 1)) as box:
        box.wait_agent(1500)
        run.figures["mirror_later_call"] = wait_dial_ready(box, run)
        run.mark("mirror_later_dial_ready_s", box.up_s, box)
        box.pull(1)
        # the kernel notices a disk that went only when it writes
        box.sh("until ! grep -q '\\[UU\\]' /proc/mdstat; do sync; echo $$ >/data/probe; sleep 1; done", 300)
        heard = wait_dial_ready(box, run, record=True)
        assert heard["recorded_bytes"] > _RECORDED_MIN, heard
        run.figures["mirror_pulled_call"] = heard
        # what dials is up first; who looks at the disks comes later
        for name, words, wanted in (("disk-gone", "disks", "DEGRADED"), ("disk-gone-alarms", "alarms", "[raid.")):
            keep_screen(box, run, name, words, wanted)
        box.power_off()


def boot_one_disk(run: Run) -> None:
    """Either disk alone: boots, dials and records. The second has not seen the trunk's last calls, but the trunk."""
    for number in (0, 1):
        (run.folder / "vars.fd").unlink(missing_ok=True)
        with _start_mirror(run, f"mirror-only-{number}", (number,)) as box:
            box.wait_agent(1500)
            state = box.sh("cat /proc/mdstat")
            assert re.search(r"\[(_U|U_)\]", state), state
            box.sh("systemctl start callbox-prepare", 900)
            if not rows(box)["trunks"]:  # no other boot before this one
                provide_trunk(box)
            heard = wait_dial_ready(box, run, record=True)
            assert heard["recorded_bytes"] > _RECORDED_MIN, heard
            run.figures[f"mirror_only_{number}_call"] = heard
            run.mark(f"mirror_only_{number}_dial_ready_s", box.up_s, box)
            box.power_off()


def key_stick(run: Run) -> Path:
    """An empty stick of the name that makes it a key stick."""
    stick = blank(run.folder / "key.img", 40)
    subprocess.run(["mkfs.vfat", "-n", "CALLBOXKEY", str(stick)], check=True, stdout=subprocess.DEVNULL)
    return stick


def _decommission(box: Box) -> str:
    """What `callbox decommission` says, once the service that does it hears: it runs some time before that."""
    deadline = time.monotonic() + _TYPE_S
    while True:
        answer = box.run(f"{AS_CALLBOX} callbox decommission --confirm $(hostname) --json", 300)
        if answer.status == 0:
            return answer.output
        assert "bus.no_service" in answer.output, answer
        assert time.monotonic() < deadline, answer
        time.sleep(2)


def keep_data_locked(run: Run) -> None:
    """A key stick at the first boot: the data are encrypted, opened with the stick and not without it; then the box is
    decommissioned, and the stick opens nothing any more."""
    fresh_disk(run)
    stick = key_stick(run)
    box_itself = [*direct(run.image, run.folder), *disk(run.disk), *network()]
    with_stick = [*box_itself, *disk(stick, 1, "KEYSTICK")]
    with Box(run.folder, "locked-first", with_stick) as box:
        box.wait_agent(1200)
        box.sh("systemctl start callbox-data", 300)
        assert "callbox-data" in box.sh("findmnt -no SOURCE /data")
        box.sh("echo kept >/data/kept; sync")
        box.power_off()
    with Box(run.folder, "locked-without-key", box_itself) as box:
        box.wait_agent(1200)
        assert box.run("systemctl start callbox-prepare", 300).status != 0
        assert box.run("findmnt /data").status != 0
        run.figures["locked_says"] = box.sh("journalctl -b -u callbox-data --no-pager -o cat | grep locked")
        box.see("!! Data locked", _TYPE_S)  # in the menu's head
        box.power_off()
    with Box(run.folder, "locked-again", with_stick) as box:
        box.wait_agent(1200)
        box.sh("systemctl start callbox-supervisord callbox-privd", 900)
        assert box.sh("cat /data/kept") == "kept"
        partition = box.sh("readlink -f /dev/callbox/slot/data")
        opens = "mcopy -n -i /dev/disk/by-label/CALLBOXKEY ::/callbox.key /run/k && cryptsetup open --test-passphrase"
        assert box.run(f"export MTOOLS_SKIP_CHECK=1; {opens} --key-file /run/k {partition}").status == 0
        wait_well(box)
        said = _decommission(box)
        run.figures["decommissioned"] = json.loads(said.splitlines()[-1])
        assert run.figures["decommissioned"]["disk"] == "erased", said
        assert box.run(f"cryptsetup open --test-passphrase --key-file /run/k {partition}").status != 0
        assert "luks2" not in box.sh(f"cryptsetup luksDump {partition} | sed -n '/^Keyslots:/,/^Tokens:/p'")
