"""The data partition's keys: which one is made, which one opens, and what a person is told when none does."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit

DATA = Path(__file__).resolve().parents[3] / "image_build/image/overlay/usr/lib/callbox/data"
SEAL = "systemd-cryptenroll --unlock-key-file=KEY --tpm2-device=auto --tpm2-pcrs=7"
OPEN = "cryptsetup open --type luks2 --key-file KEY part callbox-data"


@dataclass(frozen=True)
class Done:
    """What the script ran, what it said, and whether the data can be used."""

    ran: list[str]
    fault: list[str]
    well: bool


class Machine:
    """A machine with or without TPM and stick; its programs note that they were called, and fail when told to."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        for name in ("cryptsetup", "systemd-cryptenroll", "wipefs", "mkfs.ext4", "blkid", "udevadm", "unseal"):
            program = folder / name
            program.write_text(
                f'#!/bin/sh\necho "{name} $*" >>"{folder}/ran"\n'
                f'case "$*" in luksDump*) cat "{folder}/header";; esac\n[ ! -e "{folder}/fails-{name}" ]\n'
            )
            program.chmod(0o755)

    def do(self, work: str, *, tpm: bool, stick: bool, header: str = "", fails: str = "") -> Done:
        """Run a function of the script on `part`, whose header says so much."""
        folder = self._folder
        (folder / "header").write_text(header)
        for name in fails.split():
            (folder / f"fails-{name}").touch()
        script = (
            f'set -- true\n. "{DATA}"\nPATH="{folder}:$PATH" KEY=KEY FAULT="{folder}/fault" UNSEAL=unseal\n'
            f"kernel() {{ :; }}\ntpm() {{ {str(tpm).lower()}; }}\nstick_key() {{ {str(stick).lower()}; }}\n"
            f"new_key() {{ :; }}\n{work} part\n"
        )
        done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, timeout=30, check=False)
        fault, ran = folder / "fault", (folder / "ran").read_text().splitlines()
        quiet = ("udevadm", "blkid", "wipefs", "cryptsetup luksDump")
        return Done(
            [line for line in ran if not line.startswith(quiet)],
            fault.read_text().splitlines() if fault.exists() else [], done.returncode == 0,
        )  # fmt: skip


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@pytest.mark.parametrize(
    ("tpm", "stick", "sealed"),
    [(True, False, [f"{SEAL} --wipe-slot=password part"]), (True, True, [f"{SEAL} part"]), (False, True, [])],
)
def test_a_new_partition_is_locked_by_what_the_machine_has(
    machine: Machine, tpm: bool, stick: bool, sealed: list[str]
) -> None:
    done = machine.do("make", tpm=tpm, stick=stick)
    assert done.well
    assert done.ran[0].startswith("cryptsetup luksFormat")
    assert done.ran[1:-1] == [OPEN, *sealed]
    assert done.ran[-1].endswith("/dev/mapper/callbox-data")


def test_without_both_it_is_plain(machine: Machine) -> None:
    done = machine.do("make", tpm=False, stick=False)
    assert [line.split()[0] for line in done.ran] == ["mkfs.ext4"]
    assert done.ran[0].endswith(" part")


def test_its_own_tpm_opens_it_and_nothing_else_is_done(machine: Machine) -> None:
    done = machine.do("unlock", tpm=True, stick=False, header="systemd-tpm2")
    assert (done.ran, done.well) == (["unseal attach callbox-data part - tpm2-device=auto,headless=true"], True)


def test_another_board_says_what_to_do(machine: Machine) -> None:
    done = machine.do("unlock", tpm=True, stick=False, header="systemd-tpm2", fails="unseal")
    assert not done.well
    assert done.fault == [
        "Data locked: the TPM gives no key, it is another one",
        "Put the old board back, or plug CALLBOXKEY in and reboot",
    ]


def test_with_the_spare_stick_another_board_takes_the_key_over(machine: Machine) -> None:
    done = machine.do("unlock", tpm=True, stick=True, header="systemd-tpm2", fails="unseal")
    assert done.well
    # a register that is enrolled already would not be enrolled again: the old one goes first
    assert done.ran[1:] == [OPEN, "systemd-cryptenroll --wipe-slot=tpm2 part", f"{SEAL} part"]
    assert not done.fault


def test_a_tpm_that_takes_no_key_keeps_nobody_out(machine: Machine) -> None:
    done = machine.do("unlock", tpm=True, stick=True, header="systemd-tpm2", fails="unseal systemd-cryptenroll")
    assert done.well


def test_a_board_without_a_tpm_is_opened_by_the_stick(machine: Machine) -> None:
    done = machine.do("unlock", tpm=False, stick=True, header="systemd-tpm2")
    assert (done.ran, done.well) == ([OPEN], True)


@pytest.mark.parametrize("fails", ["", "cryptsetup"])
def test_no_stick_or_another_ones(machine: Machine, fails: str) -> None:
    done = machine.do("unlock", tpm=False, stick=bool(fails), fails=fails)
    assert (done.fault, done.well) == (["Data locked: plug the stick CALLBOXKEY in and reboot"], False)
