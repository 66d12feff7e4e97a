"""Real md under real hot-plug in a Debian guest: pulled, put back, replaced by a blank disk, while recordings are
written. The product's drivers run inside and say what they see; no recording changes.

`-accel tcg` on purpose; about six minutes on two cores, the first time with 300 MB from Debian's mirror.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from drivers.raid.events import parse_md_line
from tests.soak.guest.image import Image, make_image, missing_programs
from tests.soak.guest.machine import Guest, blank

pytestmark = pytest.mark.soak

DISK_MB = 160
GOOD, PULLED, NEW, SMALL, FOREIGN = "WD-AAA0001", "WD-BBB0002", "WD-DDD0004", "WD-SML0005", "WD-FRN0006"
SUMS = "/run/sums"


@pytest.fixture(scope="session")
def image() -> Image:
    """Of the session's scope, so that it is made before this module is cut off from the network."""
    missing = missing_programs()
    if missing:
        pytest.skip(f"not installed here: {', '.join(missing)}")
    return make_image()


@pytest.fixture(scope="module")
def guest(image: Image, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guest]:
    folder = tmp_path_factory.mktemp("guest")
    ata, nvme = blank(folder / "ata.img", 72), blank(folder / "nvme.img", 72)
    arguments = [
        "-drive", f"file={ata},if=none,id=ata,format=raw", "-device", "ide-hd,drive=ata,bus=ide.1,serial=QEMUSMART1",
        "-drive", f"file={nvme},if=none,id=nvme,format=raw", "-device", "nvme,drive=nvme,serial=NVME1",
    ]  # fmt: skip
    with Guest(image, folder, arguments) as running:
        print(f"\nguest ready after {running.boot_s:.0f} s")
        yield running


def box(guest: Guest, *words: str) -> dict[str, Any]:
    """The product's drivers in the guest."""
    answer: dict[str, Any] = json.loads(guest.sh(f"python3 /opt/callbox/box.py {' '.join(words)}", 600))
    return answer


def array(guest: Guest) -> dict[str, Any]:
    found: dict[str, Any] = box(guest, "show")["arrays"][0]
    return found


def roles(guest: Guest) -> dict[str, tuple[str, str | None]]:
    """Serial -> (role, refusal) as the wizard shows it."""
    shown = box(guest, "show")["pictures"][0]["placed"]
    return {one["disk"]["serial"]: (one["role"], one["refusal"]) for one in shown}


def until(look: Callable[[], Any], good: Callable[[Any], bool], what: str, timeout_s: float = 300) -> Any:
    """Poll until it holds; fails with what was seen last."""
    begun = time.monotonic()
    while True:
        seen = look()
        if good(seen):
            print(f"{what}: {time.monotonic() - begun:.1f} s")
            return seen
        assert time.monotonic() - begun < timeout_s, f"{what}: {seen}"
        time.sleep(0.5)


def test_smart_of_emulated_disks(guest: Guest) -> None:
    found = box(guest, "smart")
    ata, nvme = found["QEMUSMART1"], found["NVME1"]
    assert (ata["protocol"], ata["passed"]) == ("ATA", True)
    assert {5, 197, 199} & {row["id"] for row in ata["attributes"]}
    assert ata["self_test"]["running"] is False
    assert (nvme["protocol"], nvme["critical_warning"], nvme["media_errors"]) == ("NVMe", 0, 0)
    assert nvme["wear"] == 0.0
    assert nvme["temperature_c"] > 0


def test_a_mirror_lives_through_pull_return_and_replacement(guest: Guest, tmp_path: Path) -> None:
    images = {serial: blank(tmp_path / f"{serial}.img", DISK_MB) for serial in (GOOD, PULLED, NEW, FOREIGN)}
    images[SMALL] = blank(tmp_path / "small.img", DISK_MB // 2)
    guest.plug(1, images[GOOD], GOOD, 0x5000C500AAAA0001)
    guest.plug(2, images[PULLED], PULLED, 0x5000C500BBBB0002)
    until(lambda: {d["serial"] for d in box_disks(guest)}, lambda s: {GOOD, PULLED} <= s, "two disks seen")
    good, pulled = by_id(guest, GOOD), by_id(guest, PULLED)

    for disk in (good, pulled):
        guest.sh(
            f"sgdisk --new=1:0:+8M --typecode=1:ef00 --new=2:0:0 --typecode=2:fd00 /dev/disk/by-id/{disk} >/dev/null"
            f" && udevadm settle && mkfs.vfat /dev/disk/by-id/{disk}-part1 >/dev/null"
        )
    guest.sh(
        "mdadm --create /dev/md0 --run --level=1 --raid-devices=2 --metadata=1.0 --bitmap=internal "
        f"/dev/disk/by-id/{good}-part2 /dev/disk/by-id/{pulled}-part2 2>&1 && udevadm settle"
    )
    seen = array(guest)
    assert (seen["raid_disks"], seen["has_bitmap"]) == (2, True)
    assert seen["uuid"]
    hook = "/opt/callbox/drivers/raid/md_event.sh"
    guest.start(f"mkdir -p /run/callbox; mdadm --monitor --scan --delay=1 --program={hook}")
    guest.start("python3 /opt/callbox/box.py listen")
    until(lambda: array(guest), lambda a: a["sync_action"] == "idle" and not a["missing"], "first resync")
    guest.sh("mkfs.ext4 -q /dev/md0 && mkdir -p /mnt/spool && mount /dev/md0 /mnt/spool")
    guest.start(f"python3 /opt/callbox/writer.py /mnt/spool {SUMS} /run/stop >/run/writer.log 2>&1")
    until(lambda: written(guest), lambda n: n >= 6, "first recordings written")
    assert roles(guest)[GOOD] == ("good", None)
    assert roles(guest)[PULLED] == ("good", None)

    # pulled: our reader sees it at once
    name = next(disk["name"] for disk in box_disks(guest) if disk["serial"] == PULLED)
    guest.pull(2)
    until(lambda: array(guest), lambda a: a["missing"] == 1, "pull seen")
    before = written(guest)
    until(lambda: written(guest), lambda n: n >= before + 12, "recordings go on without the disk")
    assert array(guest)["degraded"] == 1

    assert f"remove {name}\n" in guest.sh("cat /run/uevents")

    # put back: the same disk under whatever name, only what changed is copied
    guest.plug(3, images[PULLED], PULLED, 0x5000C500BBBB0002)
    until(lambda: roles(guest).get(PULLED), lambda r: r == ("new", None), "the returned disk may be taken")
    replaced = bring_in(guest, PULLED)
    assert "partition" not in replaced
    assert array(guest)["missing"] == 0

    # pulled again, and other disks come: a small one, a foreign one, a blank one
    guest.pull(3)
    until(lambda: array(guest), lambda a: a["missing"] == 1, "second pull seen")
    for number, serial in enumerate((SMALL, FOREIGN, NEW), start=4):
        guest.plug(number, images[serial], serial)
    until(lambda: roles(guest), lambda r: {SMALL, FOREIGN, NEW} <= set(r), "three disks seen")
    guest.sh(f"mkfs.ext4 -q /dev/disk/by-id/{by_id(guest, FOREIGN)} && udevadm settle")
    offered = roles(guest)
    assert offered[SMALL] == ("refused", "too_small")
    assert offered[FOREIGN] == ("refused", "foreign")
    assert (offered[NEW], offered[GOOD]) == (("new", None), ("good", None))
    for serial, typed, error_id in (
        (FOREIGN, "0006", "replace.refused"),
        (SMALL, "0005", "replace.refused"),
        (GOOD, "0001", "replace.refused"),
        (NEW, "0001", "replace.not_confirmed"),
    ):
        assert box(guest, "bring", serial, typed)["error_id"] == error_id
    replaced = bring_in(guest, NEW)
    assert {"partition", "add", "wait", "copy_boot"} <= set(replaced)
    assert array(guest)["missing"] == 0
    new = by_id(guest, NEW)
    guest.sh(f"cmp /dev/disk/by-id/{good}-part1 /dev/disk/by-id/{new}-part1")

    # the last good disk is never given away, a spare one is
    assert box(guest, "retire", GOOD, "9999")["error_id"] == "replace.not_confirmed"
    assert box(guest, "retire", GOOD, "0001")["serial"] == GOOD
    assert box(guest, "retire", NEW, "0004")["error_id"] == "replace.last_good"
    assert roles(guest)[NEW] == ("good", None)

    events = [parse_md_line(line) for line in guest.sh("cat /run/callbox/md-events").splitlines()]
    kinds = {event.kind for event in events if event is not None}
    print(f"mdadm told: {sorted(kinds)}")
    assert None not in events
    assert {"Fail", "SpareActive"} <= kinds

    guest.sh("touch /run/stop")
    until(lambda: guest.run("cat /run/written.json").output, bool, "writer stopped")
    report = json.loads(guest.sh("cat /run/written.json"))
    print(f"recordings: {report}")
    assert report["errors"] == []
    assert written(guest) == report["files"]
    guest.sh(f"sync && echo 3 > /proc/sys/vm/drop_caches && sha256sum --check --quiet {SUMS}")
    # the disk that was blank holds all of it alone
    guest.sh("umount /mnt/spool && mdadm --stop /dev/md0 2>&1")
    guest.sh(
        f"mdadm --assemble --run /dev/md0 /dev/disk/by-id/{new}-part2 2>&1 && mount -o ro /dev/md0 /mnt/spool "
        f"&& sha256sum --check --quiet {SUMS}"
    )


def box_disks(guest: Guest) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = box(guest, "show")["disks"]
    return found


def by_id(guest: Guest, serial: str) -> str:
    return str(next(disk["by_id"] for disk in box_disks(guest) if disk["serial"] == serial))


def written(guest: Guest) -> int:
    return int(guest.sh(f"cat {SUMS} 2>/dev/null | wc -l"))


def bring_in(guest: Guest, serial: str) -> list[str]:
    """Choose a disk, confirm it, and let the product take its steps; returns them."""
    begun = time.monotonic()
    answer = box(guest, "bring", serial, serial[-4:].lower())
    assert "steps" in answer, answer
    print(f"{serial} brought in: {time.monotonic() - begun:.1f} s, {answer}")
    return list(answer["steps"])
