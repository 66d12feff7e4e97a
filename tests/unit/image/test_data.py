"""The data partition's keys: which one is made, which one opens, and what a person is told when none does."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest

from appliance.services import installer

pytestmark = pytest.mark.unit

DATA = Path(__file__).resolve().parents[3] / "image_build/image/overlay/usr/lib/callbox/data"
PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
SEAL = "systemd-cryptenroll --unlock-key-file=KEY --tpm2-device=auto --tpm2-pcrs=7"
KEYS = "Keyslots:\n  0: luks2\nTokens:\n"
PHRASE = "Label: (no label)\nSubsystem: \tpassphrase\n" + KEYS
BORN = "cryptsetup config -q --label callbox-data --subsystem {} part"
OPEN = "cryptsetup open --type luks2 --key-file KEY part callbox-data"


@dataclass(frozen=True)
class Done:
    """What the script ran, what it said, whether the data can be used, and what it asked a person."""

    ran: list[str]
    fault: list[str]
    well: bool
    asked: list[str] = field(default_factory=list)


class Machine:
    """A machine with or without TPM and stick; its programs note that they were called, and fail when told to."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        asker = folder / "systemd-ask-password"  # what is typed stands in `typed`, a line each
        asker.write_text(
            f'#!/bin/sh\ncd {folder}\nfor word; do :; done\necho "$word" >>asked\n'
            "head -n 1 typed | tr -d '\\n'\nsed -i 1d typed\n"
        )
        asker.chmod(0o755)
        for name in ("cryptsetup", "systemd-cryptenroll", "wipefs", "mkfs.ext4", "blkid", "udevadm", "unseal"):
            program = folder / name
            program.write_text(
                f'#!/bin/sh\necho "{name} $*" >>"{folder}/ran"\n'
                f'case "$*" in luksDump*) cat "{folder}/header"; [ -s "{folder}/header" ]; exit;; esac\n'
                f'[ ! -e "{folder}/fails-{name}" ]\n'
            )
            program.chmod(0o755)

    def do(
        self, work: str, *, tpm: bool = False, stick: bool = False, header: str = KEYS, fails: str = "",
        typed: tuple[str, ...] = (),
    ) -> Done:  # fmt: skip
        """Run a function of the script on `part`, whose header says so much; a person types this, a line each."""
        folder = self.folder
        (folder / "header").write_text(header)
        (folder / "typed").write_text("".join(f"{line}\n" for line in typed))
        for name in fails.split():
            (folder / f"fails-{name}").touch()
        script = (
            f'set -- true\n. "{DATA}"\nPATH="{folder}:$PATH" KEY="{folder}/KEY" UNSEAL=unseal\n'
            f'FAULT="{folder}/fault" WAITS="{folder}/waits"\n'
            f"kernel() {{ :; }}\ntpm() {{ {str(tpm).lower()}; }}\nstick_key() {{ {str(stick).lower()}; }}\n"
            f"new_key() {{ :; }}\n{work} part\n"
        )
        done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, timeout=30, check=False)
        fault, ran = folder / "fault", (folder / "ran").read_text().splitlines()
        ran = [line.replace(f"{folder}/", "") for line in ran]
        quiet = ("udevadm", "blkid", "wipefs", "cryptsetup luksDump")
        return Done(
            [line for line in ran if not line.startswith(quiet)],
            fault.read_text().splitlines() if fault.exists() else [], done.returncode == 0,
            asked.read_text().splitlines() if (asked := folder / "asked").exists() else [],
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
    assert "--label callbox-unborn" in done.ran[0]
    assert done.ran[1:-2] == [OPEN, *sealed]
    assert done.ran[-2].endswith("/dev/mapper/callbox-data")
    assert done.ran[-1] == BORN.format("")


def test_without_both_it_is_plain(machine: Machine) -> None:
    done = machine.do("make", tpm=False, stick=False)
    assert [line.split()[0] for line in done.ran] == ["mkfs.ext4"]
    assert done.ran[0].endswith(" part")


def test_its_own_tpm_opens_it_and_nothing_else_is_done(machine: Machine) -> None:
    done = machine.do("unlock", tpm=True, stick=False, header=KEYS + "systemd-tpm2")
    assert (done.ran, done.well) == (["unseal attach callbox-data part - tpm2-device=auto,headless=true"], True)


def test_another_board_says_what_to_do(machine: Machine) -> None:
    done = machine.do("unlock", tpm=True, stick=False, header=KEYS + "systemd-tpm2", fails="unseal")
    assert not done.well
    assert done.fault == [
        "Data locked: the TPM gives no key, it is another one",
        "Put the old board back, or plug CALLBOXKEY in and reboot",
    ]


def test_with_the_spare_stick_another_board_takes_the_key_over(machine: Machine) -> None:
    done = machine.do("unlock", tpm=True, stick=True, header=KEYS + "systemd-tpm2", fails="unseal")
    assert done.well
    # a register that is enrolled already would not be enrolled again: the old one goes first
    assert done.ran[1:] == [OPEN, "systemd-cryptenroll --wipe-slot=tpm2 part", f"{SEAL} part"]
    assert not done.fault


def test_a_tpm_that_takes_no_key_keeps_nobody_out(machine: Machine) -> None:
    done = machine.do("unlock", tpm=True, stick=True, header=KEYS + "systemd-tpm2", fails="unseal systemd-cryptenroll")
    assert done.well


def test_a_board_without_a_tpm_is_opened_by_the_stick(machine: Machine) -> None:
    done = machine.do("unlock", tpm=False, stick=True, header=KEYS + "systemd-tpm2")
    assert (done.ran, done.well) == ([OPEN], True)


@pytest.mark.parametrize("fails", ["", "cryptsetup"])
def test_no_stick_or_another_ones(machine: Machine, fails: str) -> None:
    done = machine.do("unlock", tpm=False, stick=bool(fails), fails=fails)
    assert (done.fault, done.well) == (["Data locked: plug the stick CALLBOXKEY in and reboot"], False)


def test_a_passphrase_is_asked_until_it_opens(machine: Machine) -> None:
    program = machine.folder / "cryptsetup"
    wrong = '[ "$1" != open ] || [ "$(cat KEY)" = right ]\n'
    program.write_text(program.read_text().replace("[ ! -e", f"cd {machine.folder}; {wrong.strip()} || exit 2\n[ ! -e"))
    done = machine.do("unlock", header=PHRASE, typed=("wrong", "", "right"))
    assert (done.well, done.fault) == (True, [])
    assert [line.startswith("Wrong passphrase. ") for line in done.asked] == [False, True, True]
    # nothing typed is nothing tried; neither stick nor TPM is looked for: nobody waits a minute for what was never made
    assert done.ran == [OPEN] * 2


def test_a_passphrase_is_not_blamed_for_a_disk_that_fails(machine: Machine) -> None:
    done = machine.do("unlock", header=PHRASE, fails="cryptsetup", typed=("right",))
    assert (done.well, done.fault) == (False, ["Data locked: opening them fails (cryptsetup: 1)"])
    assert len(done.asked) == 1


def test_a_reset_asks_for_a_new_passphrase_before_it_forgets_that_there_was_one(machine: Machine) -> None:
    (machine.folder / "blkid").write_text("#!/bin/sh\necho crypto_LUKS\n")
    typed = ("short", "long enough 1", "long enough 2", "long enough 3", "long enough 3")
    done = machine.do("make", tpm=True, stick=True, header=PHRASE, typed=typed)
    assert done.well
    asked = ["", "Too short. ", "The same ", "Not the same. ", "The same "]
    assert [line.split("NEW")[0] for line in done.asked] == asked
    erase, form, opened, made, born = done.ran
    assert erase == "cryptsetup luksErase -q part"
    assert form.startswith("cryptsetup luksFormat")
    assert "--subsystem passphrase --pbkdf argon2id" in form
    assert (opened, born) == (OPEN, BORN.format("passphrase"))
    assert made.endswith("/dev/mapper/callbox-data")
    order = (machine.folder / "ran").read_text()
    assert order.index("luksErase") < order.index("wipefs")


@pytest.mark.parametrize("header", [PHRASE, KEYS + "systemd-tpm2", KEYS])
def test_destroyed_data_are_not_waited_for(machine: Machine, header: str) -> None:
    done = machine.do("unlock", tpm=True, stick=True, header=header.replace("luks2", ""))
    assert (done.well, done.ran, done.asked) == (False, [], [])
    assert done.fault[0].startswith("Data destroyed")
    assert all(len(line) <= 57 for line in done.fault)  # as wide as the menu's head


def test_a_header_that_cannot_be_read_is_not_called_destroyed(machine: Machine) -> None:
    done = machine.do("unlock", tpm=True, stick=True, header="")
    assert (done.well, done.ran) == (False, [])
    assert done.fault == ["Data locked: their header cannot be read"]


def test_a_real_header_says_how_it_is_locked_all_its_life(tmp_path: Path) -> None:
    """In a file: cryptsetup writes and reads headers there without root. The installer's words are tried too."""
    run = partial(subprocess.run, check=True, capture_output=True, text=True, timeout=120, env={"PATH": PATH})
    part, key = tmp_path / "part", tmp_path / "key"
    key.write_text("correct horse 42")

    def ask(work: str) -> str:
        script = f'set -- true\n. "{DATA}"\nKEY="{key}" P="{part}"\n{work}\n'
        return str(run(["sh", "-c", script]).stdout)

    how = 'unborn "$P" && echo unborn; by_phrase "$P" && echo phrase; has_keys "$P" && echo keys; true'
    for form, told in (("luks_format", ""), ("phrase_format", "phrase\n"), (installer, "phrase\n")):
        part.unlink(missing_ok=True)
        with part.open("wb") as file:
            file.truncate(20 << 20)
        if isinstance(form, str):
            ask(f'{form} "$P"')
        else:
            form.lock(str(part), key.read_text())
        assert ask(how) == f"unborn\n{told}keys\n"
        ask('cryptsetup open --test-passphrase --key-file "$KEY" "$P"; born "$P"')
        assert ask(how) == f"{told}keys\n"
        ask('cryptsetup luksErase -q "$P"')
        assert ask(how) == told
