"""Data locked with a passphrase: given to the installer, asked for at each boot, a new one at a reset."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.boot.box import SCSI, Box, firmware, network, scsi_disk
from tests.boot.disks import DISK_MB, SERIALS, started_from_stick
from tests.boot.stages import Run, provide_trunk, wait_dial_ready, wait_gate
from tests.soak.guest.machine import blank

_FIRST, _SECOND = "correct horse 42 battery", "another staple 43"
_ASK_S, _BOOT_S = 600.0, 900.0
_ASKS = r"(?s)%s.*?press TAB for no echo"  # from then on the terminal shows no letter that is typed
_LOCKED = _ASKS % "The data of this box are locked"
_FLAPS = 4
"""More starts that wait for a person than a slot has tries."""


def _install(run: Run, target: Path) -> None:
    with Box(run.folder, "phrase-installer", started_from_stick(run, target)) as box:
        box.see("Numbers of the disks", _BOOT_S)
        box.enter("1\n")
        box.see("WAITS FOR A PERSON AT EACH BOOT", _ASK_S)
        box.see("or type PASSPHRASE", _ASK_S)
        box.enter("PASSPHRASE\n")
        box.see("Passphrase:", _ASK_S)
        box.enter(f"{_FIRST}\n")
        box.see("The same once more:", _ASK_S)
        box.enter(f"{_FIRST}\n")
        box.see("Type INSTALL", _ASK_S)
        box.enter("INSTALL\n")
        box.see("Installed", 1500)
        box.enter("\n")
        box.wait_off(300)


@contextmanager
def _power_on(run: Run, name: str, target: Path) -> Iterator[Box]:
    machine = [*firmware(run.folder, [f"{target}@@1M"]), *SCSI, *scsi_disk(target, 0, SERIALS[0]), *network()]
    with Box(run.folder, name, machine) as box:
        yield box


def _unlock(box: Box, phrase: str) -> None:
    """Type it, and have the box come up."""
    box.enter(f"{phrase}\n")
    box.wait_agent(_BOOT_S)
    box.sh("systemctl start callbox-prepare", 900)
    assert box.sh("findmnt -no SOURCE /data") == "/dev/mapper/callbox-data"
    assert phrase not in box.sh("journalctl -b --no-pager -o cat; dmesg")


def _key_opens(box: Box, phrase: str) -> bool:
    path = box.put("phrase", phrase.encode())
    opens = f"cryptsetup open --test-passphrase --key-file {path} $(readlink -f /dev/callbox/slot/data); said=$?"
    return box.run(f"{opens}; rm {path}; exit $said").status == 0


def keep_data_by_passphrase(run: Run) -> None:
    """Nothing opens the data but what a person types; a box that waits counts no tries; a reset asks for a new one."""
    (run.folder / "vars.fd").unlink(missing_ok=True)
    target = blank(run.folder / "phrase.img", DISK_MB)
    _install(run, target)
    (run.folder / "vars.fd").unlink(missing_ok=True)
    with _power_on(run, "phrase-first", target) as box:
        run.mark("phrase_asked_s", box.see(_LOCKED, _BOOT_S))
        box.enter("not this one\n")
        box.see(_ASKS % "Wrong passphrase", _ASK_S)
        _unlock(box, _FIRST)
        provide_trunk(box)
        wait_gate(box)
        box.sh("echo kept >/data/kept; sync")
        box.power_off()
    for number in range(_FLAPS):
        with _power_on(run, f"phrase-flap-{number}", target) as box:
            box.see("OK=1 TRY=1", _BOOT_S)
            box.see(_LOCKED, _BOOT_S)
            # while it asks the slot's tries are forgiven: that is there before the power goes
            box.wait_agent(_BOOT_S)
            box.sh("until /usr/lib/callbox/esp env | grep -q A_TRY=0; do sleep 1; done", 300)
            box.kill()
    with _power_on(run, "phrase-again", target) as box:
        box.see(_LOCKED, _BOOT_S)
        _unlock(box, _FIRST)
        assert box.sh("cat /data/kept") == "kept"
        run.figures["phrase_call"] = wait_dial_ready(box, run)
        box.sh("/usr/lib/callbox/esp set RESET=yes")
        box.power_off()
    with _power_on(run, "phrase-reset", target) as box:
        box.see(_ASKS % "NEW passphrase", _BOOT_S)
        box.enter("short\n")
        box.see(_ASKS % "Too short. NEW passphrase", _ASK_S)
        box.enter(f"{_SECOND}\n")
        box.see(_ASKS % "The same NEW passphrase once more", _ASK_S)
        _unlock(box, _SECOND)
        assert box.run("test -e /data/kept").status != 0
        assert (_key_opens(box, _FIRST), _key_opens(box, _SECOND)) == (False, True)
        run.figures["phrase_says"] = box.sh("journalctl -b -u callbox-data --no-pager -o cat | grep encrypted")
        box.power_off()
