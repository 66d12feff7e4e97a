"""One look at all disks and arrays of the box, and what stands on the disks that are in no array."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from drivers import sysfs
from drivers.lines import ReaderError
from drivers.programs import Ran
from drivers.raid.arrays import ArrayStatus, read_arrays
from drivers.raid.disks import Disk, read_disks
from drivers.raid.replace import Layout, Seen
from drivers.raid.signatures import Signature, parse_wipefs
from drivers.raid.smart import SmartReport, parse_smart

ESP_TYPE = "c12a7328-f81f-11d2-ba4b-00a0c93ec93b"
"""GPT type of an EFI system partition (UEFI specification, 5.3.3)."""


class Actions(Protocol):
    """What needs root, by name; see the root helper's table of actions."""

    def do(self, action: str, **arguments: str) -> Ran:
        """Do one action and wait. Raises ReaderError when it cannot be asked for."""
        ...


@dataclass(frozen=True, slots=True)
class Box:
    """All disks and arrays at one moment."""

    disks: tuple[Disk, ...]
    arrays: tuple[ArrayStatus, ...]

    def disk(self, key: str) -> Disk | None:
        """The disk with this serial number (or WWN); None when it is not there."""
        return next((disk for disk in self.disks if disk.key == key), None)

    def members_of(self, array: ArrayStatus) -> tuple[Disk, ...]:
        names = {member.disk for member in array.members if member.present}
        return tuple(disk for disk in self.disks if disk.name in names)


def look(root: Path = Path("/")) -> Box:
    """Read sysfs; needs no root and never raises."""
    return Box(disks=read_disks(root), arrays=read_arrays(root))


def partitions(root: Path, disk: str) -> tuple[tuple[int, int, int], ...]:
    """(number, first sector, sectors) of each partition."""
    found = []
    for folder in sysfs.folders(root / "sys/block" / disk):
        number = sysfs.number(folder / "partition")
        if number is not None:
            found.append((number, sysfs.number(folder / "start") or 0, sysfs.number(folder / "size") or 0))
    return tuple(sorted(found))


def _partition_folders(root: Path, disk: str) -> list[Path]:
    return [f for f in sysfs.folders(root / "sys/block" / disk) if (f / "partition").exists()]


def layout(root: Path, disk: str, array: ArrayStatus) -> Layout:
    """How a disk is divided, as seen from this array."""
    member = next((m.partition for m in array.members if m.disk == disk and m.present), None)
    boot = next(
        (
            sysfs.number(folder / "partition")
            for folder in _partition_folders(root, disk)
            if sysfs.udev_properties(root, folder).get("ID_PART_ENTRY_TYPE", "").lower() == ESP_TYPE
        ),
        None,
    )
    return Layout(member=member, boot=boot if member is not None else None, table=partitions(root, disk))


def in_use(root: Path, disk: str) -> bool:
    """Mounted, swapped to, or held by another device (array, encryption, volume group)."""
    folders = [root / "sys/block" / disk, *_partition_folders(root, disk)]
    if any(sysfs.folders(folder / "holders") for folder in folders):
        return True
    names = {f"/dev/{folder.name}" for folder in folders}
    lines = sysfs.text(root / "proc/self/mounts").splitlines() + sysfs.text(root / "proc/swaps").splitlines()
    return any(line.split(" ", 1)[0].split("\t", 1)[0] in names for line in lines)


def signatures(root: Path, disk: Disk, actions: Actions) -> tuple[Signature, ...] | None:
    """What stands on the disk and on each of its partitions; None when that cannot be read (then it is not taken)."""
    if not disk.by_id:
        return None
    names = [disk.by_id, *(f"{disk.by_id}-part{number}" for number, _, _ in partitions(root, disk.name))]
    try:
        found: list[Signature] = []
        for name in names:
            ran = actions.do("disk-signatures", device=name)
            found += parse_wipefs(ran.output, ran.status)
    except ReaderError:
        return None
    return tuple(found)


def see(root: Path, box: Box, array: ArrayStatus, actions: Actions) -> Sequence[Seen]:
    """All disks with what must be known before one is taken into the array. Members are not asked."""
    members = box.members_of(array)
    table = next((partitions(root, d.name) for d in members if partitions(root, d.name)), ())
    seen = []
    for disk in box.disks:
        if disk in members:
            seen.append(Seen(disk, ()))
            continue
        used = in_use(root, disk.name)
        marks = None if used else signatures(root, disk, actions)
        seen.append(Seen(disk, marks, used, same_table=bool(table) and partitions(root, disk.name) == table))
    return seen


def smart(disk: Disk, actions: Actions) -> SmartReport:
    """Ask a disk for its health. Raises ReaderError; `smart.wrong_disk` when another disk answered."""
    if not disk.by_id:
        raise ReaderError("smart.no_name", f"Disk {disk.name} has no name that stays with it; it cannot be asked.")
    ran = actions.do("disk-smart", device=disk.by_id)
    report = parse_smart(ran.output, ran.status)
    if report.serial and disk.serial and "".join(report.serial.split()) != "".join(disk.serial.split()):
        raise ReaderError("smart.wrong_disk", f"Disk {report.serial} answered for {disk.serial}; it is asked again.")
    return report
