"""Which disks are in the box: model, serial number, WWN, size, and the port that each is plugged into."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from drivers import sysfs
from drivers.raid.lamps import lamp

SECTOR_BYTES = 512
"""The kernel counts `size` in these whatever the disk's own sector is."""

_NOT_DISKS = ("loop", "ram", "zram", "md", "dm-", "sr", "fd", "nbd", "mtdblock")
_ATA_PORT = re.compile(r"/(ata\d+)/")
_PCI = re.compile(r"([0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7])")
_SCSI_ADDRESS = re.compile(r"/(\d+):(\d+):(\d+):(\d+)/")
_BY_ID = re.compile(r"(wwn-0x[0-9a-f]{16,32}|(ata|nvme|scsi|virtio|usb)-[A-Za-z0-9_.+-]{1,120})")


@dataclass(frozen=True, slots=True)
class Disk:
    """One whole disk. Empty strings are unknown."""

    name: str
    """The kernel's name now (`sda`); never to be kept."""
    serial: str
    wwn: str
    model: str
    size_bytes: int
    kind: str
    """`ata`, `nvme`, `scsi`, `virtio`, `usb` or `other`."""
    rotational: bool
    port: str
    """Where it is plugged in: `ata1`, `nvme-0000:01:00.0`, `scsi-0000:00:04.0-0:1:0`."""
    by_id: str
    """Its name under /dev/disk/by-id, which goes with the disk; empty when it has none that names only this disk."""
    removable: bool = False
    has_lamp: bool = False
    """Whether its bay has a lamp that can be lit."""

    @property
    def key(self) -> str:
        """By what it is remembered: serial number, else WWN, else empty (then it cannot be told from another)."""
        return self.serial or self.wwn

    @property
    def last_four(self) -> str:
        """What a person is asked for before the disk is touched; empty when the serial is too short to tell."""
        return self.serial[-4:].upper() if len(self.serial) >= 4 else ""


def read_disks(root: Path = Path("/")) -> tuple[Disk, ...]:
    """All whole disks that are there now. `root`: where `sys`, `run` and `dev` are. Never raises: a disk may go."""
    links = _by_id_links(root)
    found = []
    for folder in sysfs.folders(root / "sys/block"):
        if folder.name.startswith(_NOT_DISKS):
            continue
        sectors = sysfs.number(folder / "size")
        if sectors:  # an empty card reader is no disk
            found.append(_disk(root, folder, sectors, links.get(folder.name, [])))
    return tuple(found)


def _disk(root: Path, folder: Path, sectors: int, links: list[str]) -> Disk:
    place = str(folder.resolve()) + "/"
    known = sysfs.udev_properties(root, folder)
    kind = _kind(folder.name, place, known)
    serial = (
        known.get("ID_SCSI_SERIAL")
        or (_vpd_serial(folder / "device/vpd_pg80") if kind == "scsi" else "")
        or known.get("ID_SERIAL_SHORT")  # of a SCSI disk this is its WWN
        or sysfs.text(folder / "device/serial")
        or sysfs.text(folder / "serial")
        or _vpd_serial(folder / "device/vpd_pg80")
    )
    wwn = known.get("ID_WWN") or sysfs.text(folder / "wwid") or sysfs.text(folder / "device/wwid")
    model = known.get("ID_MODEL", "").replace("_", " ") or sysfs.text(folder / "device/model")
    serial = " ".join(serial.split())
    return Disk(
        name=folder.name, serial=serial, wwn=_plain_wwn(wwn), model=" ".join(model.split()),
        size_bytes=sectors * SECTOR_BYTES, kind=kind, rotational=sysfs.text(folder / "queue/rotational") == "1",
        port=_port(kind, place), by_id=_best_link(links, serial), removable=sysfs.text(folder / "removable") == "1",
        has_lamp=lamp(root, folder.name) is not None,
    )  # fmt: skip


def _kind(name: str, place: str, known: dict[str, str]) -> str:
    if name.startswith("nvme"):
        return "nvme"
    if "/usb" in place:
        return "usb"
    if _ATA_PORT.search(place) or known.get("ID_BUS") == "ata":
        return "ata"
    if name.startswith("vd"):
        return "virtio"
    return "scsi" if name.startswith("sd") else "other"


def _port(kind: str, place: str) -> str:
    ata = _ATA_PORT.search(place)
    if ata:
        return ata[1]
    pci = _PCI.findall(place)
    where = pci[-1] if pci else ""
    scsi = _SCSI_ADDRESS.search(place)
    if scsi:  # the host's number changes from boot to boot, the rest does not
        return f"scsi-{where}-{scsi[2]}:{scsi[3]}:{scsi[4]}"
    return f"{kind}-{where}" if where else ""


def _plain_wwn(text: str) -> str:
    """`naa.5000c500aaaa0001`, `eui.0025...` and `0x5000c500aaaa0001` are one and the same way to say it."""
    found = re.fullmatch(r"(?:naa\.|eui\.|0x)([0-9a-fA-F]{16,32})", text.strip())
    return f"0x{found[1].lower()}" if found else ""


def _vpd_serial(path: Path) -> str:
    """Unit serial number page of SCSI (SPC, page 0x80): four bytes of header, then the text."""
    try:
        data = path.read_bytes()[:256]
    except OSError:
        return ""
    if len(data) < 4 or data[1] != 0x80:
        return ""
    return data[4 : 4 + data[3]].decode("ascii", "replace").strip("\0 ")


def _by_id_links(root: Path) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for link in sysfs.folders(root / "dev/disk/by-id"):
        try:
            target = link.readlink().name
        except OSError:
            continue
        found.setdefault(target, []).append(link.name)
    return found


def _best_link(links: list[str], serial: str) -> str:
    """A name that holds the serial number before a WWN (copied flash disks share theirs)."""
    usable = [link for link in links if _BY_ID.fullmatch(link)]
    with_serial = [link for link in usable if serial and "".join(serial.split()) in link.replace("_", "")]
    wwn = [link for link in usable if link.startswith("wwn-")]
    return next(iter([*with_serial, *wwn]), "")


def whole_disk(root: Path, device: str) -> tuple[str, int | None]:
    """`sda2` -> (`sda`, 2); `sdb` -> (`sdb`, None). A device that has gone is taken for a whole disk."""
    folder = root / "sys/class/block" / device
    part = sysfs.number(folder / "partition")
    if part is None:
        return device, None
    return folder.resolve().parent.name, part
