"""The installer: which disks it shows, what it asks before it writes, and what it refuses."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from appliance.services import installer
from appliance.services.installer import CannotInstallError, Disk, choose, contents, disks, partition

pytestmark = pytest.mark.unit

GB = 10**9


@pytest.fixture(autouse=True)
def _layout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installer, "SHARE", Path(__file__).resolve().parents[3] / "image_build/image")


def tree(path: str, serial: str, size: int = 8 * GB, **more: Any) -> dict[str, Any]:
    return {"path": path, "type": "disk", "ro": False, "size": size, "model": "WDC", "serial": serial, **more}


def test_shows_disks_that_could_take_the_box_by_serial() -> None:
    answer = {
        "blockdevices": [
            tree("/dev/sdb", "B"), tree("/dev/sda", "C"), tree("/dev/sdc", "STICK"), tree("/dev/sdd", "SMALL", GB),
            tree("/dev/sde", "RO", ro=True), {**tree("/dev/sr0", "CD"), "type": "rom"},
        ]
    }  # fmt: skip
    assert [disk.serial for disk in disks(answer, "/dev/sdc")] == ["B", "C"]


@pytest.mark.parametrize(
    ("found", "holds"),
    [
        ({}, ""),
        ({"fstype": "ext4"}, "ext4"),
        ({"pttype": "gpt"}, "a partition table"),
        ({"children": [{"fstype": "ntfs"}, {"fstype": None}]}, "2 partitions (ntfs)"),
        ({"children": [{"partlabel": "rootA"}, {"partlabel": "rootB"}]}, "another Callbox"),
        ({"children": [{"partlabel": "ESP0"}, {"partlabel": "md0"}]}, "another Callbox"),
    ],
)
def test_says_what_a_disk_holds(found: dict[str, Any], holds: str) -> None:
    assert contents(found) == holds


EMPTY, EMPTY_TOO = Disk("/dev/sda", "WDC", "AAA1", 8000, ""), Disk("/dev/sdb", "WDC", "BBB2", 8000, "")
FULL = Disk("/dev/sdc", "WDC", "CCC3", 8000, "3 partitions (ntfs)")
NAMELESS = Disk("/dev/sdd", "WDC", "", 8000, "ext4")


def answers(*words: str) -> Callable[[str], str]:
    waiting = iter(words)
    return lambda _question: next(waiting)


@pytest.mark.parametrize(
    ("words", "chosen"),
    [
        (("1", "INSTALL"), [EMPTY]),
        (("1 2", "INSTALL"), [EMPTY, EMPTY_TOO]),
        (("2, 1", "INSTALL"), [EMPTY, EMPTY_TOO]),
        (("3", "CCC3", "INSTALL"), [FULL]),
    ],
)
def test_takes_what_was_meant(words: tuple[str, ...], chosen: list[Disk]) -> None:
    assert choose([EMPTY, EMPTY_TOO, FULL], lambda _: None, answers(*words)) == chosen


@pytest.mark.parametrize(
    "words",
    [
        ("",), ("0",), ("5",), ("1 1",), ("1 2 3",), ("x",), ("1 x",), ("1", "install"), ("1", ""), ("3", "CCC"),
        ("3", ""), ("3", "AAA1"), ("1 3", "BBB2"), ("4",),
    ],
)  # fmt: skip
def test_writes_nothing_without_a_clear_answer(words: tuple[str, ...]) -> None:
    with pytest.raises(CannotInstallError):
        choose([EMPTY, EMPTY_TOO, FULL, NAMELESS], lambda _: None, answers(*words))


def test_nothing_to_install_on() -> None:
    with pytest.raises(CannotInstallError, match="no disk"):
        choose([], lambda _: None, answers())


def test_names_of_partitions() -> None:
    assert [partition("/dev/sda", 2), partition("/dev/nvme0n1", 1), partition("/dev/md127", 3)] == [
        "/dev/sda2", "/dev/nvme0n1p1", "/dev/md127p3",
    ]  # fmt: skip
