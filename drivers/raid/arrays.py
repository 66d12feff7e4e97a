"""md arrays as the kernel shows them in sysfs; needs no root.

A pulled disk is seen here at once, while md itself notes it only with the first write that fails: a member whose
block device has gone is `present=False`, whatever md still says of it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from drivers import sysfs
from drivers.raid.disks import SECTOR_BYTES, whole_disk

_COMPLETED = re.compile(r"(\d+) / (\d+)")
STOPPED_STATES = frozenset({"clear", "inactive", "broken", "suspended"})
REBUILDING = frozenset({"recover", "resync", "reshape"})


@dataclass(frozen=True, slots=True)
class Member:
    """One block device in an array. `slot` None: a spare, or no longer part of it."""

    device: str
    disk: str
    partition: int | None
    slot: int | None
    state: frozenset[str]
    """`in_sync`, `spare`, `faulty`, `write_mostly`, `blocked`, `want_replacement` ..."""
    errors: int
    present: bool

    @property
    def good(self) -> bool:
        """Holds the data, all of it."""
        return self.present and "in_sync" in self.state and "faulty" not in self.state


@dataclass(frozen=True, slots=True)
class ArrayStatus:
    """One array at one moment."""

    name: str
    uuid: str
    label: str
    level: str
    state: str
    raid_disks: int
    degraded: int
    sync_action: str
    sync_done_sectors: int
    sync_total_sectors: int
    sync_speed_kb_s: int
    mismatch_count: int
    has_bitmap: bool
    size_bytes: int
    member_bytes: int
    """What each member must offer."""
    members: tuple[Member, ...]

    @property
    def missing(self) -> int:
        """Members that do not hold the data now: md's own count, or the disks that have gone, if that is more."""
        return max(self.degraded, self.raid_disks - sum(m.good for m in self.members if m.slot is not None))

    @property
    def rebuilding(self) -> bool:
        return self.sync_action in REBUILDING

    @property
    def stopped(self) -> bool:
        return self.state in STOPPED_STATES

    @property
    def progress(self) -> float | None:
        """Fraction of the running rebuild or check; None when none runs."""
        return self.sync_done_sectors / self.sync_total_sectors if self.sync_total_sectors else None

    @property
    def eta_s(self) -> float | None:
        """Seconds until the running rebuild or check ends at its present speed."""
        if not self.sync_total_sectors or self.sync_speed_kb_s <= 0:
            return None
        left = (self.sync_total_sectors - self.sync_done_sectors) * SECTOR_BYTES / 1024
        return left / self.sync_speed_kb_s


def read_arrays(root: Path = Path("/")) -> tuple[ArrayStatus, ...]:
    """All md arrays. Never raises: what goes while it is read is left out or said as missing."""
    return tuple(
        _array(root, folder)
        for folder in sysfs.folders(root / "sys/block")
        if folder.name.startswith("md") and (folder / "md").is_dir()
    )


def _array(root: Path, folder: Path) -> ArrayStatus:
    md = folder / "md"
    known = sysfs.udev_properties(root, folder)
    done, total = parse_completed(sysfs.text(md / "sync_completed"))
    return ArrayStatus(
        name=folder.name, uuid=known.get("MD_UUID", ""),
        label=known.get("MD_DEVNAME", "") or known.get("MD_NAME", "").rpartition(":")[2],
        level=sysfs.text(md / "level"), state=sysfs.text(md / "array_state", "clear"),
        raid_disks=_leading_number(sysfs.text(md / "raid_disks")), degraded=sysfs.number(md / "degraded") or 0,
        sync_action=sysfs.text(md / "sync_action", "idle"), sync_done_sectors=done, sync_total_sectors=total,
        sync_speed_kb_s=_leading_number(sysfs.text(md / "sync_speed")),
        mismatch_count=sysfs.number(md / "mismatch_cnt") or 0,
        has_bitmap=sysfs.text(md / "bitmap/location", "none") != "none",
        size_bytes=(sysfs.number(folder / "size") or 0) * SECTOR_BYTES,
        member_bytes=(sysfs.number(md / "component_size") or 0) * 1024,
        members=tuple(_member(root, path) for path in sysfs.folders(md) if path.name.startswith("dev-")),
    )  # fmt: skip


def _member(root: Path, folder: Path) -> Member:
    device = folder.name.removeprefix("dev-").replace("!", "/")
    disk, partition = whole_disk(root, device)
    link = folder / "block"
    # the name may belong to another disk by now: the member's own link says whether its device lives
    present = link.exists() and (link / "size").exists()
    return Member(
        device=device, disk=disk, partition=partition, slot=_slot(sysfs.text(folder / "slot")),
        state=frozenset(word for word in sysfs.text(folder / "state").split(",") if word),
        errors=sysfs.number(folder / "errors") or 0, present=present,
    )  # fmt: skip


def _slot(text: str) -> int | None:
    return int(text) if text.isdecimal() else None


def _leading_number(text: str) -> int:
    """`2`, `2 (3)` while reshaping, `none` when idle."""
    found = re.match(r"\d+", text)
    return int(found[0]) if found else 0


def parse_completed(text: str) -> tuple[int, int]:
    """`sync_completed`: (sectors done, sectors in all); (0, 0) for `none`, `delayed` or anything else."""
    found = _COMPLETED.fullmatch(text)
    if not found:
        return 0, 0
    done, total = int(found[1]), int(found[2])
    return min(done, total), total


def parse_export(text: str) -> dict[str, str]:
    """`mdadm --detail --export` as a dictionary (`MD_LEVEL`, `MD_UUID`, `MD_DEVICE_..._ROLE`); odd lines are left."""
    found = {}
    for line in text.splitlines():
        name, equals, value = line.partition("=")
        if equals and re.fullmatch(r"MD_[A-Za-z0-9_!.-]+", name):
            found[name] = value
    return found
