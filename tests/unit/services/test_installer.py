"""The installer: which disks it shows, what it asks before it writes, and what it refuses."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from appliance.services import installer
from appliance.services.installer import (
    CannotInstallError,
    Disk,
    choose,
    choose_key,
    confirm,
    contents,
    disks,
    partition,
)

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
        (("1",), [EMPTY]),
        (("1 2",), [EMPTY, EMPTY_TOO]),
        (("2, 1",), [EMPTY, EMPTY_TOO]),
        (("3", "CCC3"), [FULL]),
    ],
)
def test_takes_what_was_meant(words: tuple[str, ...], chosen: list[Disk]) -> None:
    assert choose([EMPTY, EMPTY_TOO, FULL], lambda _: None, answers(*words)) == chosen


@pytest.mark.parametrize(
    "words",
    [
        ("",), ("0",), ("5",), ("1 1",), ("1 2 3",), ("x",), ("1 x",), ("3", "CCC"), ("3", ""),
        ("3", "AAA1"), ("1 3", "BBB2"), ("4",),
    ],
)  # fmt: skip
def test_writes_nothing_without_a_clear_answer(words: tuple[str, ...]) -> None:
    with pytest.raises(CannotInstallError):
        choose([EMPTY, EMPTY_TOO, FULL, NAMELESS], lambda _: None, answers(*words))


@pytest.mark.parametrize("word", ["install", "", "yes"])
def test_the_last_question_wants_its_word(word: str) -> None:
    with pytest.raises(CannotInstallError):
        confirm([EMPTY], answers(word))


def test_the_last_question_names_the_disks() -> None:
    asked: list[str] = []
    confirm([EMPTY, EMPTY_TOO], lambda question: asked.append(question) or "INSTALL")  # type: ignore[func-returns-value]
    assert asked == ["Type INSTALL to write to AAA1 and BBB2: "]


GOOD = "correct horse 42"


@pytest.mark.parametrize("tpm", [True, False])
def test_a_passphrase_is_offered_with_its_price(tpm: bool) -> None:
    said: list[str] = []
    assert choose_key(said.append, answers(""), answers(), tpm=tpm) == ""
    assert "THE BOX WAITS FOR A PERSON AT EACH BOOT" in " ".join(said)
    assert ("has no TPM" in " ".join(said)) is not tpm
    assert choose_key(said.append, answers("PASSPHRASE"), answers(GOOD, GOOD), tpm=tpm) == GOOD


@pytest.mark.parametrize(
    ("word", "typed", "told"),
    [
        ("yes", (), "Enter or PASSPHRASE"),
        ("passphrase", (), "Enter or PASSPHRASE"),
        ("PASSPHRASE", ("short",), "12 characters"),
        ("PASSPHRASE", ("пароль из двенадцати",), "each keyboard"),
        ("PASSPHRASE", (GOOD, GOOD + " "), "not the same"),
    ],
)
def test_a_passphrase_that_would_lock_the_owner_out_is_refused(word: str, typed: tuple[str, ...], told: str) -> None:
    with pytest.raises(CannotInstallError, match=told):
        choose_key(lambda _: None, answers(word), answers(*typed), tpm=False)


def test_nothing_to_install_on() -> None:
    with pytest.raises(CannotInstallError, match="no disk"):
        choose([], lambda _: None, answers())


def test_names_of_partitions() -> None:
    assert [partition("/dev/sda", 2), partition("/dev/nvme0n1", 1), partition("/dev/md127", 3)] == [
        "/dev/sda2", "/dev/nvme0n1p1", "/dev/md127p3",
    ]  # fmt: skip
