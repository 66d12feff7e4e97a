"""Lamps of disk bays: lit and read back, out by themselves, and not offered where there are none."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from appliance.clock import ManualClock
from appliance.errors import CallerError, NotFoundError
from appliance.watch.disk_lamps import LAMP_S, Lamps
from drivers.lines import ReaderError
from drivers.raid.disks import Disk, read_disks
from drivers.raid.lamps import light

pytestmark = pytest.mark.unit


def box(root: Path, *, lamp: bool) -> Path:
    """One disk; with `lamp` in an enclosure, as the kernel's `ses` shows it."""
    folder = root / "sys/block/sda"
    (folder / "device").mkdir(parents=True)
    (folder / "size").write_text("1000000")
    slot = root / "sys/class/enclosure/0:0:8:0/Slot 01"
    slot.mkdir(parents=True)
    (slot / "locate").write_text("0\n")
    if lamp:
        (folder / "device/enclosure_device:Slot 01").symlink_to(slot)
    by_id = root / "dev/disk/by-id"
    by_id.mkdir(parents=True)
    (root / "dev/sda").write_text("")
    (by_id / "wwn-0x5000c500aaaa0001").symlink_to(root / "dev/sda")
    return slot / "locate"


def test_a_lamp_is_lit_and_put_out(tmp_path: Path) -> None:
    file = box(tmp_path, lamp=True)
    (disk,) = read_disks(tmp_path)
    assert disk.has_lamp
    light(tmp_path, disk.by_id, on=True)
    assert file.read_text() == "1"
    light(tmp_path, disk.by_id, on=False)
    assert file.read_text() == "0"


def test_a_bay_without_a_lamp_says_so(tmp_path: Path) -> None:
    box(tmp_path, lamp=False)
    (disk,) = read_disks(tmp_path)
    assert not disk.has_lamp
    with pytest.raises(ReaderError) as caught:
        light(tmp_path, disk.by_id, on=True)
    assert caught.value.error_id == "disk.no_lamp"


def test_a_lamp_goes_out_by_itself() -> None:
    done: list[dict[str, Any]] = []
    disks = {
        serial: Disk("sda", serial, "", "M", 1, "scsi", True, "scsi-1", f"scsi-{serial}", has_lamp=serial == "A")
        for serial in ("A", "B")
    }
    clock = ManualClock(datetime(2026, 1, 5, tzinfo=UTC))
    lamps = Lamps(disks.get, lambda _action, **arguments: done.append(arguments), clock)
    with pytest.raises(CallerError) as caught:
        lamps.set("B", on=True)
    assert caught.value.error_id == "disk.no_lamp"
    with pytest.raises(NotFoundError):
        lamps.set("C", on=True)
    lamps.set("A", on=True)
    lamps.step()
    assert [one["state"] for one in done] == ["on"]
    clock.advance(LAMP_S)
    lamps.step()
    lamps.step()
    assert [one["state"] for one in done] == ["on", "off"]
    assert not lamps.lit
