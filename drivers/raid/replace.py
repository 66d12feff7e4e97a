"""Replacing a disk of a mirror: which one is good, which one goes, which one may come, and what is to be done next.

Pure: facts in, decision out. There is no stored state of a replacement: each look at the disks says which step comes
next, so it goes on after a restart, a power cut or another person at another screen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from drivers.raid.arrays import ArrayStatus, Member
from drivers.raid.disks import Disk
from drivers.raid.signatures import TABLES, Signature


class Refusal(StrEnum):
    """Why a disk cannot be taken into the array."""

    IN_ARRAY = "in_array"
    IN_USE = "in_use"
    NO_SERIAL = "no_serial"
    NO_NAME = "no_name"
    REMOVABLE = "removable"
    TOO_SMALL = "too_small"
    FOREIGN = "foreign"
    UNKNOWN_CONTENT = "unknown_content"


class Role(StrEnum):
    """What a disk is in the picture that the technician sees."""

    GOOD = "good"
    """Holds the data: do not touch."""
    GOING = "going"
    """Failed, or to be pulled."""
    JOINING = "joining"
    """Being filled from the good one."""
    NEW = "new"
    """May be taken."""
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Seen:
    """One disk and what is to be known of it before anything is written to it."""

    disk: Disk
    signatures: tuple[Signature, ...] | None
    """None: could not be read."""
    in_use: bool = False
    """Mounted, swap, or held by something other than an array of ours."""
    same_table: bool = False
    """Its partition table is the good disk's: a replacement was cut off after that step."""


@dataclass(frozen=True, slots=True)
class Placed:
    """One disk in the picture."""

    disk: Disk
    role: Role
    refusal: Refusal | None = None
    found: str = ""
    """What stands on a refused disk (`ext4`, `ntfs` ...)."""
    was_member: bool = False
    """It was in this array before: only what changed meanwhile is copied, if the array has a bitmap."""


@dataclass(frozen=True, slots=True)
class Picture:
    """What the wizard shows for one array."""

    array: str
    placed: tuple[Placed, ...]
    missing: int
    ready: bool
    """Whether a new disk may be chosen now."""

    def of(self, role: Role) -> tuple[Disk, ...]:
        return tuple(p.disk for p in self.placed if p.role is role)


def picture(array: ArrayStatus, seen: Sequence[Seen]) -> Picture:
    """Say what each disk of the box is for this array."""
    members = {m.disk: m for m in array.members if m.present}
    good_disks = [s.disk for s in seen if s.disk.name in members and members[s.disk.name].good]
    need_bytes = max([array.member_bytes, *(d.size_bytes for d in good_disks if _partitioned(members, d))], default=0)
    placed = []
    for one in seen:
        member = members.get(one.disk.name)
        if member is not None:
            placed.append(Placed(one.disk, _role_of(member)))
            continue
        refusal, found = refuse(one, array, need_bytes)
        ours = any(s.array_uuid and s.array_uuid == array.uuid for s in one.signatures or ())
        placed.append(Placed(one.disk, Role.REFUSED if refusal else Role.NEW, refusal, found, ours))
    return Picture(
        array=array.name, placed=tuple(placed), missing=array.missing,
        ready=array.missing > 0 and not array.rebuilding and bool(good_disks),
    )  # fmt: skip


def _partitioned(members: Mapping[str, Member], disk: Disk) -> bool:
    return members[disk.name].partition is not None


def _role_of(member: Member) -> Role:
    if member.good:
        return Role.GOOD
    return Role.GOING if "faulty" in member.state else Role.JOINING


def refuse(one: Seen, array: ArrayStatus, need_bytes: int) -> tuple[Refusal | None, str]:
    """Why a disk may not be taken (and what stands on it), or (None, ""). In doubt it is refused."""
    checks = [
        (one.in_use, Refusal.IN_USE),
        (not one.disk.last_four, Refusal.NO_SERIAL),
        (not one.disk.by_id, Refusal.NO_NAME),
        (one.disk.removable or one.disk.kind == "usb", Refusal.REMOVABLE),
        (one.disk.size_bytes < need_bytes, Refusal.TOO_SMALL),
        (one.signatures is None, Refusal.UNKNOWN_CONTENT),
    ]
    for holds, refusal in checks:
        if holds:
            return refusal, ""
    signatures = one.signatures or ()
    if array.uuid and any(s.array_uuid == array.uuid for s in signatures):
        # it was a member of this very array; what else stands on it (its boot partition) is ours as well
        return None, ""
    for signature in signatures:
        if signature.array_uuid:
            return Refusal.FOREIGN, f"member of array {signature.label or signature.uuid}"
    tables = [] if one.same_table else [s.kind for s in signatures]
    found = [s.kind for s in signatures if s.kind not in TABLES] or tables
    return (Refusal.FOREIGN, ", ".join(dict.fromkeys(found))) if found else (None, "")


def confirmed(disk: Disk, typed: str) -> bool:
    """Whether somebody typed the last four characters of this disk's serial number."""
    return bool(disk.last_four) and typed.strip().upper() == disk.last_four


class Step(StrEnum):
    """What is to be done next; each may be done again when it was cut off."""

    REMOVE_FAILED = "remove_failed"
    """Tell md to forget members that are gone or faulty."""
    PARTITION = "partition"
    """Copy the table of the good disk, with new identifiers."""
    ADD = "add"
    WAIT = "wait"
    """The array is being rebuilt."""
    COPY_BOOT = "copy_boot"
    VERIFY = "verify"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Layout:
    """How our disks are divided. `member` None: the whole disk is the member, and there is nothing to boot from."""

    member: int | None
    boot: int | None
    table: tuple[tuple[int, int, int], ...] = ()
    """(number, first sector, sectors) of each partition."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What one look at the box shows of a running replacement."""

    array: ArrayStatus
    new: Disk
    good_layout: Layout
    new_layout: Layout
    boot_equal: bool | None = None
    """Whether both boot partitions hold the same; None: not compared since the rebuild ended."""


def next_step(facts: Facts) -> Step:
    """The next step of bringing `facts.new` into the array."""
    mine = next((m for m in facts.array.members if m.disk == facts.new.name and m.present), None)
    if mine is not None and "faulty" in mine.state:
        return Step.REMOVE_FAILED
    if mine is None:
        if any(not m.present or "faulty" in m.state for m in facts.array.members):
            return Step.REMOVE_FAILED
        if facts.good_layout.member is not None and not _same_table(facts.good_layout, facts.new_layout):
            return Step.PARTITION
        return Step.ADD
    if not mine.good or facts.array.rebuilding:
        return Step.WAIT
    if facts.good_layout.boot is None:
        return Step.DONE
    if facts.boot_equal is None:
        return Step.VERIFY
    return Step.DONE if facts.boot_equal else Step.COPY_BOOT


def _same_table(good: Layout, new: Layout) -> bool:
    return bool(good.table) and good.table == new.table
