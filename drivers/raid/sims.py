"""Disks and arrays that are not there: a tree of files as sysfs, udev and /dev show them, and the programs that act on
them. Written from what a real guest showed; can be told to fail.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from drivers.lines import ReaderError
from drivers.programs import Ran
from drivers.raid.disks import SECTOR_BYTES
from drivers.raid.look import ESP_TYPE

BITMAP_PART, WHOLE = 8, 100
"""Sectors that a rebuild copies, by bitmap and in full: the simulation's disks are small."""


@dataclass
class SimDisk:
    """One simulated disk. `signatures`: (device suffix, kind, uuid) as wipefs would list them."""

    serial: str
    bay: int
    size_bytes: int = 4096 * SECTOR_BYTES
    model: str = "SIM DISK"
    table: tuple[tuple[int, int, int], ...] = ()
    signatures: list[tuple[str, str, str]] = field(default_factory=list)
    boot: str = ""
    smart: str = "{}"
    smart_status: int = 0

    @property
    def by_id(self) -> str:
        return f"ata-{self.model.replace(' ', '_')}_{self.serial}"


@dataclass
class SimMember:
    """One member of the simulated array, by its disk's serial number."""

    serial: str
    device: str
    slot: int | None
    state: str = "in_sync"
    errors: int = 0
    copied: int = WHOLE
    to_copy: int = WHOLE


class SimBox:
    """A box of disks and one mirror `md0` under `root`. Names are given as the kernel does: the first that is free.

    `fails`: actions that fail (`{"disk-table-copy": "no room"}`); `hangs`: actions that never answer.
    """

    uuid = "5d3b2a1c:00112233:44556677:8899aabb"

    def __init__(self, root: Path, *, partitioned: bool = True) -> None:
        self.root, self.partitioned = root, partitioned
        self.disks: dict[str, SimDisk] = {}  # by name
        self.members: list[SimMember] = []
        self.checking = False
        self.mismatches = 0
        self.fails: dict[str, str] = {}
        self.hangs: set[str] = set()
        self.done: list[tuple[str, dict[str, str]]] = []
        self._written: dict[Path, str | Path] = {}
        self._left: set[str] = set()  # members whose superblock a bitmap can bring up to date
        self.write()

    # ---- hands -----------------------------------------------------------------------------------------------

    def plug(self, disk: SimDisk) -> str:
        """Put a disk in; returns the name that it got. A name that md still holds is not free."""
        held = {member.device.rstrip("0123456789") for member in self.members}
        name = next(n for n in (f"sd{letter}" for letter in "abcdefgh") if n not in self.disks and n not in held)
        self.disks[name] = disk
        self.write()
        return name

    def pull(self, serial: str) -> SimDisk:
        """Take a disk out: its name is free, md has not noticed."""
        disk = self.disks.pop(self._name(serial))
        self.write()
        return disk

    def md_notices(self) -> None:
        """The first write that fails: members without a disk are faulty."""
        living = {disk.serial for disk in self.disks.values()}
        for member in self.members:
            if member.serial not in living:
                member.state = "faulty"
        self.write()

    def create(self, *serials: str) -> None:
        """Make the mirror, whole."""
        for slot, serial in enumerate(serials):
            disk = self.disks[self._name(serial)]
            if self.partitioned:
                disk.table = ((1, 34, 100), (2, 134, 3800))
                disk.boot = "boot"
            self.members.append(SimMember(serial, self._device(disk), slot))
            disk.signatures = [(self._suffix, "linux_raid_member", self.uuid)]
        self.write()

    def copy(self, sectors: int) -> None:
        """A rebuild goes on."""
        for member in self.members:
            if member.state == "spare" and member.slot is not None:
                member.copied = min(member.to_copy, member.copied + sectors)
                if member.copied >= member.to_copy:
                    member.state = "in_sync"
        self.write()

    # ---- root's actions ----------------------------------------------------------------------------------------

    def do(self, action: str, **arguments: str) -> Ran:
        """See `look.Actions`."""
        self.done.append((action, arguments))
        if action in self.hangs:
            raise ReaderError("program.timeout", f"'{action}' gave no answer.")
        if action in self.fails:
            return Ran(1, self.fails[action])
        handler = getattr(self, "_" + action.replace("-", "_"))
        ran: Ran = handler(**arguments)
        self.write()
        return ran

    def _disk_smart(self, device: str) -> Ran:
        disk = self._by_id(device)
        return Ran(disk.smart_status, disk.smart)

    def _disk_self_test(self, kind: str, device: str) -> Ran:
        self._by_id(device)
        return Ran(0, f"{kind} test begun")

    def _disk_signatures(self, device: str) -> Ran:
        disk, suffix = self._by_id(device), device.partition("-part")[2]
        rows = [
            {"device": device, "type": kind, "uuid": uuid.replace(":", ""), "label": None}
            for where, kind, uuid in disk.signatures if where == suffix
        ]  # fmt: skip
        if disk.table and not suffix:
            rows.append({"device": device, "type": "gpt", "uuid": "", "label": None})
        return Ran(0, json.dumps({"signatures": rows}) if rows else "")

    def _disk_table_copy(self, source: str, target: str) -> Ran:
        self._by_id(target).table = self._by_id(source).table
        return Ran(0, "")

    def _disk_table_finish(self, device: str) -> Ran:
        self._by_id(device)
        return Ran(0, "")

    def _disk_settle(self) -> Ran:
        return Ran(0, "")

    def _disk_boot_copy(self, source: str, target: str) -> Ran:
        self._by_id(target).boot = self._by_id(source).boot
        return Ran(0, "")

    def _disk_boot_compare(self, source: str, target: str) -> Ran:
        return Ran(int(self._by_id(source).boot != self._by_id(target).boot), "")

    def _raid_fail_detached(self, array: str) -> Ran:
        self.md_notices()
        return Ran(0, array)

    def _raid_fail(self, array: str, device: str) -> Ran:
        disk = self._by_id(device)
        next(m for m in self.members if m.serial == disk.serial).state = "faulty"
        return Ran(0, array)

    def _raid_remove(self, array: str, what: str) -> Ran:
        if what == "failed":
            self._left |= {m.serial for m in self.members if m.state == "faulty"}
            self.members = [m for m in self.members if m.state != "faulty"]
            return Ran(0, array)
        return Ran(1, "mdadm: stat failed for detached: No such file or directory")

    def _raid_re_add(self, array: str, device: str) -> Ran:
        if self._by_id(device).serial not in self._left:
            return Ran(1, f"mdadm: --re-add for {device} to /dev/{array} is not possible")
        return self._join(device, BITMAP_PART)

    def _raid_add(self, array: str, device: str) -> Ran:
        del array
        return self._join(device, WHOLE)

    def _raid_check(self, array: str) -> Ran:
        self.checking = True
        return Ran(0, array)

    def _join(self, device: str, to_copy: int) -> Ran:
        disk = self._by_id(device)
        if self.partitioned and not disk.table:
            return Ran(1, f"mdadm: cannot find {device}: No such file or directory")
        slot = min({0, 1} - {m.slot for m in self.members})
        self.members.append(SimMember(disk.serial, self._device(disk), slot, "spare", copied=0, to_copy=to_copy))
        disk.signatures = [(self._suffix, "linux_raid_member", self.uuid)]
        self._left.discard(disk.serial)
        return Ran(0, "")

    # ---- names -------------------------------------------------------------------------------------------------

    @property
    def _suffix(self) -> str:
        return "2" if self.partitioned else ""

    def _name(self, serial: str) -> str:
        return next(name for name, disk in self.disks.items() if disk.serial == serial)

    def _device(self, disk: SimDisk) -> str:
        return self._name(disk.serial) + self._suffix

    def _by_id(self, device: str) -> SimDisk:
        plain = device.partition("-part")[0]
        found = next((disk for disk in self.disks.values() if disk.by_id == plain), None)
        if found is None:
            raise ReaderError("program.missing", f"There is no disk {device}.")
        return found

    # ---- the tree ------------------------------------------------------------------------------------------------

    def write(self) -> None:
        """Bring the files up to date; only what changed is touched."""
        self._wanted: dict[Path, str | Path] = {}
        for number, (name, disk) in enumerate(self.disks.items()):
            self._plan_disk(number, name, disk)
        if self.members:
            self._plan_array()
        for path in [path for path in self._written if path not in self._wanted]:
            path.unlink()
            for folder in path.parents:
                if folder == self.root or any(folder.iterdir()):
                    break
                folder.rmdir()
        for path, content in self._wanted.items():
            if self._written.get(path) != content:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.unlink(missing_ok=True)
                if isinstance(content, Path):
                    path.symlink_to(content)
                else:
                    path.write_text(content, "utf-8")
        self._written = self._wanted

    def _plan_disk(self, number: int, name: str, disk: SimDisk) -> None:
        host = f"devices/pci0000:00/0000:00:1f.2/ata{disk.bay}/host{disk.bay}/target{disk.bay}:0:0/{disk.bay}:0:0:0"
        folder = self.root / "sys" / host / "block" / name
        self._put(folder, {"size": str(disk.size_bytes // SECTOR_BYTES), "dev": f"8:{16 * number}", "removable": "0"})
        self._put(folder / "queue", {"rotational": "1"})
        self._wanted[self.root / "sys/block" / name] = folder
        self._wanted[self.root / "sys/class/block" / name] = folder
        self._udev(f"8:{16 * number}", {"ID_SERIAL_SHORT": disk.serial, "ID_MODEL": disk.model.replace(" ", "_")})
        self._wanted[self.root / "dev/disk/by-id" / disk.by_id] = self.root / "dev" / name
        for part, start, size in disk.table:
            device, at = f"{name}{part}", f"8:{16 * number + part}"
            values = {"partition": str(part), "start": str(start), "size": str(size), "dev": at}
            self._put(folder / device, values)
            self._wanted[self.root / "sys/class/block" / device] = folder / device
            self._udev(at, {"ID_PART_ENTRY_TYPE": ESP_TYPE} if part == 1 else {})

    def _plan_array(self) -> None:
        folder, md = self.root / "sys/block/md0", self.root / "sys/block/md0/md"
        good = sum(m.state == "in_sync" for m in self.members)
        copying = next((m for m in self.members if m.state == "spare" and m.slot is not None), None)
        action = "recover" if copying else "check" if self.checking else "idle"
        self._put(folder, {"size": "3800", "dev": "9:0"})
        values = {
            "array_state": "clean", "level": "raid1", "raid_disks": "2", "degraded": str(2 - good),
            "sync_action": action, "mismatch_cnt": str(self.mismatches), "component_size": str(3800 // 2),
            "sync_completed": f"{copying.copied} / {copying.to_copy}" if copying else "none",
            "sync_speed": "10" if copying else "none",
        }  # fmt: skip
        self._put(md, values)
        self._put(md / "bitmap", {"location": "+8"})
        self._udev("9:0", {"MD_UUID": self.uuid, "MD_DEVNAME": "callbox"})
        for member in self.members:
            at = md / f"dev-{member.device}"
            slot = "none" if member.slot is None else str(member.slot)
            self._put(at, {"slot": slot, "state": member.state, "errors": str(member.errors)})
            disk = self.root / "sys/block" / member.device.rstrip("0123456789")
            # a pulled disk leaves a link that leads nowhere
            self._wanted[at / "block"] = disk / member.device if self.partitioned else disk

    def _udev(self, number: str, values: dict[str, str]) -> None:
        text = "".join(f"E:{name}={value}\n" for name, value in values.items())
        self._put(self.root / "run/udev/data", {f"b{number}": text})

    def _put(self, folder: Path, values: dict[str, str]) -> None:
        for name, value in values.items():
            self._wanted[folder / name] = value + "\n"
