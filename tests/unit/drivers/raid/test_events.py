"""mdadm's events and the kernel's, read line by line from whoever sends them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.raid import events
from drivers.raid.events import DeviceEvent, MdEvent, MdEventFile, parse_md_line, parse_uevent

pytestmark = pytest.mark.unit

HOOK = Path(events.__file__).with_name("md_event.sh")


@pytest.mark.parametrize(
    ("line", "event"),
    [
        ("1700000000 NewArray /dev/md0", MdEvent("NewArray", "/dev/md0")),
        ("1700000000 Fail /dev/md0 /dev/sdb", MdEvent("Fail", "/dev/md0", "/dev/sdb")),
        ("1700000000 Rebuild40 /dev/md/callbox", MdEvent("Rebuild40", "/dev/md/callbox")),
        ("Jan  1 00:00:09: RebuildStarted on /dev/md0 unknown device", MdEvent("RebuildStarted", "/dev/md0")),
        ("Nov 25 17:00:09: Fail on /dev/md0 /dev/sdb2", MdEvent("Fail", "/dev/md0", "/dev/sdb2")),
        ("mdadm: something else", None),
        ("", None),
    ],
)
def test_lines_of_mdadm(line: str, event: MdEvent | None) -> None:
    assert parse_md_line(line) == event


def test_the_hook_writes_what_the_reader_reads(tmp_path: Path) -> None:
    path = tmp_path / "md-events"

    def hook(*words: str) -> None:
        environment = {"CALLBOX_MD_EVENTS": str(path), "PATH": "/bin:/usr/bin"}
        subprocess.run(["/bin/sh", str(HOOK), *words], check=True, env=environment)

    hook("NewArray", "/dev/md0")
    reader = MdEventFile(path)
    assert reader.poll() == []  # what stood there is not news
    hook("Fail", "/dev/md0", "/dev/sdb")
    hook("SpareActive", "/dev/md0", "/dev/sdc")
    assert [event.kind for event in reader.poll()] == ["Fail", "SpareActive"]
    assert reader.poll() == []
    path.write_text("x" * 70000)
    reader.poll()
    hook("RebuildFinished", "/dev/md0")  # the file was cut and begun anew
    assert [event.kind for event in reader.poll()] == ["RebuildFinished"]
    path.unlink()
    assert reader.poll() == []


def test_half_a_line_waits_for_its_rest(tmp_path: Path) -> None:
    path = tmp_path / "md-events"
    reader = MdEventFile(path)
    path.write_text("1700000000 Fail /dev/m")
    assert reader.poll() == []
    with path.open("a") as handle:
        handle.write("d0 /dev/sdb\n")
    assert reader.poll() == [MdEvent("Fail", "/dev/md0", "/dev/sdb")]


def test_kernel_messages() -> None:
    removed = b"remove@/devices/pci0/ata1/block/sdb\0ACTION=remove\0SUBSYSTEM=block\0DEVNAME=sdb\0SEQNUM=9\0"
    assert parse_uevent(removed) == DeviceEvent("remove", "sdb")
    assert parse_uevent(removed.replace(b"block\0DEV", b"net\0DEV")) is None
    assert parse_uevent(b"libudev\0\xfe\xed\xca\xfe") is None


@given(st.binary(max_size=200), st.text(max_size=80))
def test_garbage_is_no_event(data: bytes, text: str) -> None:
    parse_uevent(data)
    parse_uevent(b"add@/x\0" + data)
    parse_md_line(text)
