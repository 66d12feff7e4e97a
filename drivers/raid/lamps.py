"""The locate lamp of a disk's bay, where its enclosure has one (SES; the kernel's module `ses` puts it into sysfs).

A SCSI or SAS disk in such an enclosure has a link `enclosure_device:SLOT` beside it (Linux, drivers/misc/enclosure.c);
the slot's file `locate` is 0 or 1. NVMe and plain SATA ports have none.
"""

from __future__ import annotations

from pathlib import Path

from drivers.lines import ReaderError


def lamp(root: Path, disk: str) -> Path | None:
    """The file of a disk's lamp (`disk` as the kernel calls it now); None when its bay has none."""
    found = sorted((root / "sys/block" / disk / "device").glob("enclosure_device:*/locate"))
    return found[0] if found else None


def light(root: Path, by_id: str, *, on: bool) -> None:
    """Set the lamp of the disk with that name under /dev/disk/by-id and read it back; needs root.

    Raises :class:`ReaderError` ``disk.no_lamp``, ``disk.lamp_refused``.
    """
    disk = (root / "dev/disk/by-id" / by_id).resolve().name
    file = lamp(root, disk)
    if file is None:
        raise ReaderError("disk.no_lamp", f"{by_id}: its bay has no lamp that can be lit.")
    wanted = "1" if on else "0"
    try:
        file.write_text(wanted, encoding="ascii")
        is_now = file.read_text(encoding="ascii").strip()
    except OSError as error:
        raise ReaderError("disk.lamp_refused", f"{by_id}: the enclosure refuses: {error.strerror}.") from error
    if is_now != wanted:
        raise ReaderError("disk.lamp_refused", f"{by_id}: the enclosure's lamp is still {is_now!r}.")
