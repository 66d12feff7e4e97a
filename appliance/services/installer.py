"""The installer of the USB stick: puts the box onto one disk or, mirrored, onto two. Runs as root from the stick.

`python -m appliance.services.installer`. Disks are shown by model and serial number, never by a name that the kernel
may give to another one tomorrow. A disk that holds anything is destroyed only after its serial number was typed.
Plain Python: nothing of the box runs here.
"""

from __future__ import annotations

import contextlib
import fcntl
import getpass
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SHARE = Path("/usr/lib/callbox")
STICK = Path("/dev/disk/by-partlabel")
SOURCES = {"kernel": "installkernel", "root": "installroot", "verity": "installverity"}
"""Part of a slot -> partition of the stick that holds it."""
ARRAY = Path("/dev/md/callbox")
_MD_SPARE_MB = 8  # a replacement disk is rarely the same to the megabyte
_DATA_MIN_MB = 512
_DATA_OFFSET = 6  # the data partition stands behind the six of the slots
_TPM = Path("/sys/class/tpm/tpm0")
_PHRASE_LETTERS = 12
_UNBORN = ("--label", "callbox-unborn", "--subsystem", "passphrase")
"""By these the box sees, at its first boot, that it is to ask and that it has to make the file system (`data`)."""


class CannotInstallError(Exception):
    """Said to the person in front of it; nothing was written, or what failed while writing."""


@dataclass(frozen=True)
class Disk:
    """A disk as a person sees it. `holds`: what stands on it, "" for nothing."""

    path: str
    model: str
    serial: str
    size_mb: int
    holds: str

    def line(self, number: int) -> str:
        size = f"{self.size_mb * 2**20 / 1e9:7.1f} GB"
        return f"{number:2}  {self.model[:24]:24}  {self.serial[:24]:24}  {size}  {self.holds or 'empty'}"


def run(*words: str, text: str | None = None) -> str:
    """Run a program; its output. Raises CannotInstallError with what it said."""
    done = subprocess.run(words, input=text, capture_output=True, text=True, check=False, timeout=3600)
    if done.returncode != 0:
        raise CannotInstallError(f"{' '.join(words)}: {(done.stderr or done.stdout).strip()}")
    return done.stdout


def sizes() -> dict[str, int]:
    """ESP_MB, KERNEL_MB, ROOT_MB, VERITY_MB of layout.sh."""
    text = (SHARE / "layout.sh").read_text("utf-8")
    return {name: int(size) for name, size in re.findall(r"^(\w+_MB)=(?:\$\{\w+:-)?(\d+)\}?$", text, re.M)}


def needed_mb() -> int:
    """The smallest disk that takes a box."""
    mb = sizes()
    return mb["ESP_MB"] + 2 * (mb["KERNEL_MB"] + mb["ROOT_MB"] + mb["VERITY_MB"]) + _MD_SPARE_MB + _DATA_MIN_MB


def contents(tree: dict[str, Any]) -> str:
    """What stands on a disk, in a few words: from one disk of lsblk's answer."""
    children = tree.get("children") or []
    if not children:
        return str(tree.get("fstype") or "") or ("a partition table" if tree.get("pttype") else "")
    labels = {str(child.get("partlabel")) for child in children}
    if {"rootA", "rootB"} <= labels or {"md0", "md1"} & labels:
        return "another Callbox"
    kinds = sorted({str(child["fstype"]) for child in children if child.get("fstype")})
    return f"{len(children)} partitions" + (f" ({', '.join(kinds)})" if kinds else "")


def disks(answer: dict[str, Any], stick: str) -> list[Disk]:
    """Disks that could take the box: not the stick, not read-only, not too small, by serial number."""
    least = needed_mb() * 2**20
    found = [
        Disk(
            str(tree["path"]), str(tree.get("model") or "unnamed").strip(), str(tree.get("serial") or "").strip(),
            int(tree["size"]) // 2**20, contents(tree),
        )
        for tree in answer["blockdevices"]
        if tree["type"] == "disk" and not tree["ro"] and tree["path"] != stick and int(tree["size"]) >= least
    ]  # fmt: skip
    return sorted(found, key=lambda disk: disk.serial)


def look() -> list[Disk]:
    """The machine's disks now."""
    stick = Path(STICK / SOURCES["root"]).resolve()
    parent = run("lsblk", "-ndo", "PKNAME", str(stick)).strip()
    columns = "PATH,TYPE,RO,SIZE,MODEL,SERIAL,FSTYPE,PTTYPE,PARTLABEL"
    return disks(json.loads(run("lsblk", "--json", "--bytes", "--tree", "-o", columns)), f"/dev/{parent}")


def choose(found: list[Disk], say: Callable[[str], None], ask: Callable[[str], str]) -> list[Disk]:
    """Ask which disks, and for the serial number of each that is not empty. Raises CannotInstallError."""
    if not found:
        raise CannotInstallError(f"There is no disk of {needed_mb() * 2**20 / 1e9:.1f} GB or more besides the stick.")
    say("    model                     serial                        size     holds")
    for number, disk in enumerate(found, 1):
        say(disk.line(number))
    answer = ask("Numbers of the disks, two for a mirror (e.g. 1 2): ").replace(",", " ").split()
    numbers = {int(word) for word in answer if word.isdigit()}
    if len(numbers) not in (1, 2) or len(answer) != len(numbers) or not numbers <= set(range(1, len(found) + 1)):
        raise CannotInstallError("One number or two different numbers of the list, please. Nothing was written.")
    chosen = [found[number - 1] for number in sorted(numbers)]
    for disk in chosen:
        if not disk.holds:
            continue
        if not disk.serial:
            raise CannotInstallError(
                f"{disk.model} holds {disk.holds} and has no serial number. Empty it elsewhere first."
            )
        typed = ask(f"{disk.model} holds {disk.holds}. All of it is lost. Type its serial number to go on: ")
        if typed.strip() != disk.serial:
            raise CannotInstallError("That is not its serial number. Nothing was written.")
    return chosen


def choose_key(
    say: Callable[[str], None], ask: Callable[[str], str], ask_hidden: Callable[[str], str], *, tpm: bool
) -> str:
    """How the data are to be locked: a passphrase, or "" for what needs nobody. Raises CannotInstallError."""
    if tpm:
        say("\nThe data will be encrypted by this machine's TPM; nobody types anything at a boot.")
    else:
        say(
            "\nThis machine has no TPM: the data will be encrypted if a stick called CALLBOXKEY is plugged in at the\n"
            "first boot, which then stays in it, and else not; nobody types anything at a boot."
        )
    say(
        "Instead they can be locked with a passphrase. Then THE BOX WAITS FOR A PERSON AT EACH BOOT, also after a\n"
        "power cut and after an update, and dials nobody until then. A forgotten passphrase loses the data."
    )
    answer = ask("Enter for without, or type PASSPHRASE: ").strip()
    if not answer:
        return ""
    if answer != "PASSPHRASE":
        raise CannotInstallError("Enter or PASSPHRASE, please. Nothing was written.")
    phrase = ask_hidden("Passphrase: ")
    if len(phrase) < _PHRASE_LETTERS:
        raise CannotInstallError(f"It needs {_PHRASE_LETTERS} characters or more. Nothing was written.")
    if not phrase.isascii() or not phrase.isprintable():
        raise CannotInstallError(
            "Letters without accents, digits and signs, please: each keyboard must be able to type it at a boot. "
            "Nothing was written."
        )
    if ask_hidden("The same once more: ") != phrase:
        raise CannotInstallError("That is not the same. Nothing was written.")
    return phrase


def confirm(chosen: list[Disk], ask: Callable[[str], str]) -> None:
    """The last question. Raises CannotInstallError."""
    names = " and ".join(disk.serial or disk.model for disk in chosen)
    if ask(f"Type INSTALL to write to {names}: ").strip() != "INSTALL":
        raise CannotInstallError("Nothing was written.")


def slots_table(data_size: str = "") -> str:
    """sfdisk's lines of the slots and the data partition, out of layout.sh."""
    return run("bash", "-c", f". {SHARE}/layout.sh; slots_table {data_size}")


def partition(device: str, number: int) -> str:
    """/dev/sda, 2 -> /dev/sda2; /dev/nvme0n1, 2 -> /dev/nvme0n1p2."""
    return f"{device}{'p' if device[-1].isdigit() else ''}{number}"


def let_go(disk: Disk) -> None:
    """Stop arrays that the kernel has put together of what the disk holds."""
    for line in run("lsblk", "-nro", "PATH,TYPE", disk.path).splitlines():
        path, _, kind = line.partition(" ")
        if kind.startswith("raid"):
            run("mdadm", "--stop", path)


def write_table(device: str, table: str) -> None:
    """A new partition table; what the old partitions held is forgotten."""
    run("wipefs", "--all", "--quiet", "--force", device)
    run("sfdisk", "--quiet", "--wipe", "always", "--wipe-partitions", "always", device, text=table)
    run("udevadm", "settle", "--timeout=30")


def write_esp(device: str, kind: str) -> None:
    """A boot partition of its own for each disk, by mtools: nothing is mounted."""
    run("mkfs.vfat", "-F", "32", "-n", "ESP", device)
    run("mmd", "-i", device, "::/EFI", "::/EFI/BOOT")
    files = [str(SHARE / "boot" / kind / name) for name in ("BOOTX64.EFI", "grub.cfg", "grubenv")]
    run("mcopy", "-i", device, *files, "::/EFI/BOOT/")


def write_slot(device: str, first: int, phrase: str, say: Callable[[str], None]) -> None:
    """Slot A from the stick; the data's file system is made by the box itself at its first boot."""
    for offset, part in enumerate(("kernel", "root", "verity")):
        say(f"  {part} ...")
        target = partition(device, first + offset)
        run("dd", f"if={STICK / SOURCES[part]}", f"of={target}", "bs=1M", "conv=fsync", "status=none")
    data = partition(device, first + _DATA_OFFSET)
    run("wipefs", "--all", "--quiet", "--force", data)
    if phrase:
        say("  lock of the data ...")
        lock(data, phrase)


def lock(partition_path: str, phrase: str) -> None:
    """Encrypt a partition (LUKS2), to be opened by a passphrase; there is no file system in it yet."""
    # what a person can remember is guessed unless each guess is slow; 256 MB are free on each box at its start
    slow = ("--pbkdf", "argon2id", "--pbkdf-memory", "262144")
    words = ("cryptsetup", "luksFormat", "-q", "--type", "luks2", *_UNBORN, *slow, "--key-file", "-", partition_path)
    run(*words, text=phrase)


def install(chosen: list[Disk], phrase: str, say: Callable[[str], None]) -> None:
    """Write the box to one disk or to a mirror of two. Raises CannotInstallError."""
    esp_mb = sizes()["ESP_MB"]
    for disk in chosen:
        let_go(disk)
    if len(chosen) == 1:
        device = chosen[0].path
        write_table(device, f"label: gpt\nsize={esp_mb}M, type=uefi, name=ESP\n{slots_table()}")
        write_slot(device, 2, phrase, say)
        write_esp(partition(device, 1), "disk")
        return
    member_mb = min(disk.size_mb for disk in chosen) - esp_mb - _MD_SPARE_MB
    for number, disk in enumerate(chosen):
        member = f"size={member_mb}M, type=raid, name=md{number}"
        write_table(disk.path, f"label: gpt\nsize={esp_mb}M, type=uefi, name=ESP{number}\n{member}\n")
    members = [partition(disk.path, 2) for disk in chosen]
    # metadata 1.0 stands at the end: GRUB reads the array through either disk alone
    run(
        "mdadm", "--create", str(ARRAY), "--run", "--metadata=1.0", "--level=1", "--raid-devices=2",
        "--bitmap=internal", "--name=callbox", "--homehost=any", *members,
    )  # fmt: skip
    array = str(ARRAY.resolve())
    write_table(array, f"label: gpt\n{slots_table()}")
    write_slot(array, 1, phrase, say)
    for disk in chosen:
        write_esp(partition(disk.path, 1), "mirror")
    run("sync")


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """The stick offers itself on the screen and on the serial line; only one of them may write."""
    with Path("/run/callbox-install.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise CannotInstallError("The other console installs already.") from error
        yield


def main() -> int:
    """Until it is installed; then the machine is switched off at a key."""
    print("\nCallbox installer. Ctrl-C begins anew; without an answer nothing is written.\n")
    try:
        chosen = choose(look(), print, input)
        phrase = choose_key(print, input, getpass.getpass, tpm=_TPM.exists())
        confirm(chosen, input)
        with alone():
            install(chosen, phrase, print)
    except (CannotInstallError, OSError) as error:
        print(f"\n{error}\n")
        return 1
    print("\nInstalled. Take the stick out; Enter switches the machine off.")
    with contextlib.suppress(EOFError):
        input()
    run("systemctl", "poweroff")
    return 0


if __name__ == "__main__":
    sys.exit(main())
