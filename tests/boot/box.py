"""A running Callbox under QEMU: started directly or by its own boot loader, with its serial console and its agent."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.boot.inject import FOLDER, make_initrd
from tests.boot.serial_line import SerialLine
from tests.soak.guest.machine import Machine

TAP = "box0"
AS_CALLBOX = "runuser -u callbox -- env CALLBOX_HOME=/var/lib/callbox PYTHONDONTWRITEBYTECODE=1"
PYTHON = "/opt/callbox/venv/bin/python -P"
CPU = "max,avx=off,avx2=off,fma=off,f16c=off"
"""QEMU 7.2 emulates AVX2 wrongly. Seen with numpy 2.4: `np.argsort`, and `np.sqrt` of a strided array (both gather with
AVX2), end in a segmentation fault with `max`; with NPY_DISABLE_CPU_FEATURES=X86_V3 they work there, and real processors
run them well. So this machine says that it has none: SSE 4.2 is all that the box needs."""
EMULATED = "no_timer_check mitigations=off"
"""Kernel's words for an emulated machine: its clock may stand still on a busy host and then fails the timer's test;
what guards against real processors' leaks only costs time here."""
MENU = "\r\n> "
_FIRMWARE = Path("/usr/share/OVMF")


def disk(path: Path, number: int = 0, serial: str = "") -> list[str]:
    """QEMU arguments of one disk."""
    return [
        "-drive", f"file={path},if=none,id=disk{number},format=raw,cache=unsafe",
        "-device", f"virtio-blk-pci,drive=disk{number},serial={serial or f'DISK{number:04d}'},bootindex={number + 1}",
    ]  # fmt: skip


def scsi_disk(path: Path, number: int, serial: str) -> list[str]:
    """QEMU arguments of one disk that can be pulled and plugged while the machine runs (`Machine.pull`, `plug`)."""
    return [
        "-drive", f"file={path},if=none,id=n{number},format=raw,cache=unsafe",
        "-device", f"scsi-hd,drive=n{number},id=d{number},bus=scsi0.0,serial={serial},bootindex={number + 1}",
    ]  # fmt: skip


SCSI = ["-device", "virtio-scsi-pci,id=scsi0"]
"""QEMU arguments of the controller that `scsi_disk` hangs on."""


def network() -> list[str]:
    """QEMU arguments of the card that is plugged into the bench's network."""
    return ["-netdev", f"tap,id=n0,ifname={TAP},script=no,downscript=no", "-device", "virtio-net-pci,netdev=n0"]


def kernel_line(image: Path, slot: str = "A") -> str:
    """What GRUB would give the kernel for a slot, for a direct boot: read out of the image's own grub.cfg."""
    config = (image / "esp-disk/grub.cfg").read_text()
    common = re.search(r'^set common="(.*)"$', config, re.M)
    line = re.search(rf"^  linux \S+ (.*rauc\.slot={slot})$", config, re.M)
    assert common is not None
    assert line is not None, f"grub.cfg has no slot {slot}"
    words = line.group(1).replace("$common", common.group(1)).replace("$machine", "")
    return words.replace("$slotargs", f"roothash={(image / 'slot/roothash').read_text().strip()}")


def direct(image: Path, folder: Path) -> list[str]:
    """QEMU arguments: kernel and initrd of slot A started without firmware and boot loader."""
    initrd = folder / "initrd"
    first = (image / "slot/initrd").read_bytes()
    # the kernel looks for the next archive at a multiple of four bytes
    initrd.write_bytes(first + bytes(-len(first) % 4) + make_initrd(folder).read_bytes())
    return [
        "-kernel", str(image / "slot/vmlinuz"), "-initrd", str(initrd), "-append", f"{kernel_line(image)} {EMULATED}",
        "-no-reboot",
    ]  # fmt: skip


def firmware(folder: Path, esps: list[str]) -> list[str]:
    """QEMU arguments: UEFI from blank variables. `esps` (mtools' IMAGE@@OFFSET) get the agent beside their kernel."""
    inject, config = make_initrd(folder), folder / "grub.cfg"
    for esp in esps:
        config.unlink(missing_ok=True)
        subprocess.run(["mcopy", "-n", "-i", esp, "::/EFI/BOOT/grub.cfg", str(config)], check=True)
        text = config.read_text()
        if "inject.cpio" not in text:
            text = re.sub(r"^( +initrd \S+)$", r"\1 ($root)/EFI/BOOT/inject.cpio", text, flags=re.M)
            config.write_text(re.sub(r"^( +linux .*)$", rf"\1 {EMULATED}", text, flags=re.M))
        subprocess.run(["mcopy", "-o", "-i", esp, str(config), str(inject), "::/EFI/BOOT/"], check=True)
    variables = folder / "vars.fd"
    if not variables.exists():
        shutil.copy(_FIRMWARE / "OVMF_VARS_4M.fd", variables)
    return [
        "-drive", f"if=pflash,format=raw,readonly=on,file={_FIRMWARE / 'OVMF_CODE_4M.fd'}",
        "-drive", f"if=pflash,format=raw,file={variables}",
    ]  # fmt: skip


class Box(Machine):
    """One power-on of the box. `name`: of its serial log in `folder`."""

    def __init__(self, folder: Path, name: str, arguments: list[str], *, memory_mb: int = 2048) -> None:
        serial = folder / "serial.sock"
        log = folder / f"{name}.log"
        log.unlink(missing_ok=True)
        super().__init__(
            folder,
            [
                "-chardev", f"socket,id=serial,path={serial},server=on,wait=off,logfile={log}",
                "-serial", "chardev:serial", *arguments,
            ],
            memory_mb=memory_mb, nice=-5, cpu=CPU,
        )  # fmt: skip
        self._name = name
        self._speaks = False
        self._serial = self._connect(serial)
        self._line = SerialLine(self._serial, self._started_s)
        self._menu_s: float | None = None
        self._menu_seen = threading.Event()
        threading.Thread(target=self._watch_menu, args=(log,), daemon=True).start()

    @property
    def up_s(self) -> float:
        """Seconds since power-on."""
        return time.monotonic() - self._started_s

    @property
    def work_s(self) -> float:
        """Processor seconds that the emulation has cost since power-on: a busy host does not change them much."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def _watch_menu(self, log: Path) -> None:
        """Note when the console first paints its menu, whatever the test is waiting for at that moment."""
        while self._process.poll() is None:
            if log.exists() and MENU.encode() in log.read_bytes():
                self._menu_s = self.up_s
                self._menu_seen.set()
                return
            time.sleep(0.2)

    def wait_menu(self, timeout_s: float = 900) -> float:
        """Wait for the console's menu; returns the seconds from power-on to its first one."""
        assert self._menu_seen.wait(timeout_s), "the console has painted no menu"
        assert self._menu_s is not None
        return self._menu_s

    def wait_agent(self, timeout_s: float = 600) -> float:
        self._speaks = False
        took_s = super().wait_agent(timeout_s)
        self._speaks = True
        return took_s

    def keep_logs(self) -> None:
        """The box's own journal and logs into `<name>-logs.tar.gz`, as far as it still answers."""
        if not self._speaks:
            return
        line = (
            "journalctl -b --no-pager -o short-monotonic >/run/journal.txt; dmesg >/run/dmesg.txt;"
            "cd / && tar -czf - run/journal.txt run/dmesg.txt $(ls -d var/lib/callbox/log 2>/dev/null) | base64 -w0"
        )
        with contextlib.suppress(OSError, ValueError, AssertionError):
            answer = self.run(line, 240)
            (self._folder / f"{self._name}-logs.tar.gz").write_bytes(base64.b64decode(answer.output))

    def see(self, pattern: str, timeout_s: float = 600) -> float:
        """Wait for a text on the serial line; returns the seconds since power-on. Raises AssertionError."""
        return self._line.see(pattern, timeout_s)

    def enter(self, text: str) -> None:
        """Type on the serial line."""
        self._line.enter(text)

    def put(self, name: str, data: bytes) -> str:
        """Write a file into the running box; returns its path there."""
        path = f"{FOLDER}/{name}"
        self.sh(f"echo {base64.b64encode(data).decode()} | base64 -d >{path} && chmod 644 {path}")
        return path

    def callbox(self, words: str, timeout_s: float = 300) -> str:
        """`callbox WORDS` as the box's own user."""
        return self.sh(f"{AS_CALLBOX} callbox {words}", timeout_s)

    def health(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.run(f"{AS_CALLBOX} callbox health --json", 300).output)
        return found

    def wait_off(self, timeout_s: float = 180) -> None:
        """Wait until the machine has switched itself off."""
        self._process.wait(timeout_s)

    def power_off(self, timeout_s: float = 180) -> None:
        """By the system itself; QEMU ends with it."""
        self.keep_logs()
        self.run("systemctl poweroff", 60)
        self._speaks = False
        self.wait_off(timeout_s)

    def kill(self) -> None:
        """The power goes."""
        self._speaks = False
        self._process.kill()
        self._process.wait()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.keep_logs()
        super().__exit__(kind, error, trace)

    def stop(self) -> None:
        super().stop()
        serial: socket.socket | None = getattr(self, "_serial", None)
        if serial is not None:
            serial.close()
