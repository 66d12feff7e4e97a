"""The data partition's key in the machine's TPM (swtpm): nobody types anything, another board does not open it."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.boot.box import Box, disk, firmware, network
from tests.boot.disks import key_stick
from tests.boot.stages import Run, fresh_disk

_TYPE_S = 600.0


@contextmanager
def chip(folder: Path, board: str) -> Iterator[list[str]]:
    """QEMU arguments of the TPM 2.0 of a board, for one power-on; what it was given it keeps for the next one."""
    kept, door = folder / f"tpm-{board}", folder / "tpm.sock"
    kept.mkdir(exist_ok=True)
    door.unlink(missing_ok=True)
    words = ["swtpm", "socket", "--tpm2", "--terminate", "--tpmstate", f"dir={kept}", "--ctrl"]
    with (
        (folder / "swtpm.log").open("ab") as log,
        subprocess.Popen([*words, f"type=unixio,path={door}"], stdout=log, stderr=log) as program,
    ):
        deadline = time.monotonic() + 60
        while not door.exists():
            assert program.poll() is None, (folder / "swtpm.log").read_text()
            assert time.monotonic() < deadline, "swtpm does not come up"
            time.sleep(0.05)
        try:
            yield [
                "-chardev", f"socket,id=tpm,path={door}", "-tpmdev", "emulator,id=tpm,chardev=tpm",
                "-device", "tpm-tis,tpmdev=tpm",
            ]  # fmt: skip
        finally:
            program.terminate()  # it ends with its machine; this is for a machine that never came up


@contextmanager
def _power_on(run: Run, name: str, board: str, stick: Path | None = None) -> Iterator[Box]:
    """The box on a board with a TPM, by its own firmware: that is what measures into the TPM's registers."""
    with chip(run.folder, board) as tpm:
        plugged = disk(stick, 1, "KEYSTICK") if stick else []
        machine = [*firmware(run.folder, [f"{run.disk}@@1M"]), *disk(run.disk), *network(), *plugged, *tpm]
        with Box(run.folder, name, machine) as box:
            box.wait_agent(1500)
            yield box
            box.power_off()


def _opens(box: Box) -> str:
    """Have the data opened, see what was kept there; returns what the box says of it."""
    box.sh("systemctl start callbox-data", 300)
    assert "callbox-data" in box.sh("findmnt -no SOURCE /data")
    assert box.sh("cat /data/kept") == "kept"
    return _said(box)


def _said(box: Box) -> str:
    return box.sh("journalctl -b -u callbox-data --no-pager -o cat | grep callbox-data: || true")


def keep_data_by_tpm(run: Run) -> None:
    """Encrypted at the first boot, with a stick as the spare key; opens by itself at the next one.

    The same disk on another board stays closed and says what to do; with the stick it opens there, and from then on
    without it too.
    """
    fresh_disk(run)
    (run.folder / "vars.fd").unlink(missing_ok=True)
    for board in ("first", "other"):
        for path in (run.folder / f"tpm-{board}").glob("*"):
            path.unlink()
    stick = key_stick(run)
    with _power_on(run, "tpm-first", "first", stick) as box:
        box.sh("systemctl start callbox-data", 300)
        box.sh("echo kept >/data/kept; sync")
        assert "systemd-tpm2" in box.sh("cryptsetup luksDump $(readlink -f /dev/callbox/slot/data)")
        run.figures["tpm_first_says"] = _said(box)
    with _power_on(run, "tpm-again", "first") as box:
        _opens(box)
    with _power_on(run, "tpm-other-board", "other") as box:
        assert box.run("systemctl start callbox-prepare", 300).status != 0
        assert box.run("findmnt /data").status != 0
        run.figures["tpm_locked_says"] = box.sh("cat /run/callbox-data.fault")
        box.see("Data locked", _TYPE_S)  # by the kernel, at once
        box.see("!! Data locked", _TYPE_S)  # in the menu's head
        box.see("Put the old board back", _TYPE_S)
    with _power_on(run, "tpm-other-board-stick", "other", stick) as box:
        run.figures["tpm_stick_says"] = _opens(box)
    with _power_on(run, "tpm-other-board-again", "other") as box:
        _opens(box)
