"""News about arrays and disks: what `mdadm --monitor` says, and the kernel's own word that a disk came or went.

mdadm has no event for a pulled disk, and `Fail` comes only with the first write to it: so the kernel is heard as well.
"""

from __future__ import annotations

import contextlib
import re
import socket
from dataclasses import dataclass
from pathlib import Path

GRAVE_EVENTS = frozenset({"Fail", "FailSpare", "DegradedArray", "DeviceDisappeared", "SparesMissing"})
_HOOK_LINE = re.compile(r"(\d+) ([A-Za-z]+\d*) (\S+)(?: (\S+))?")
_PRINTED_LINE = re.compile(r"\w{3} [ \d]\d \d\d:\d\d:\d\d: ([A-Za-z]+\d*) on (\S+) (.+)")
_NETLINK_KOBJECT_UEVENT, _KERNEL_GROUP = 15, 1
_LONGEST_LINE = 4096


@dataclass(frozen=True, slots=True)
class MdEvent:
    """`kind` as mdadm names it: NewArray, RebuildStarted, Rebuild40, RebuildFinished, Fail, SpareActive ..."""

    kind: str
    array: str
    component: str = ""

    @property
    def grave(self) -> bool:
        return self.kind in GRAVE_EVENTS


def parse_md_line(line: str) -> MdEvent | None:
    """One line of the hook (`1700000000 Fail /dev/md0 /dev/sdb`) or of mdadm's own output; None for anything else."""
    hooked = _HOOK_LINE.fullmatch(line.strip())
    if hooked:
        return MdEvent(hooked[2], hooked[3], hooked[4] or "")
    printed = _PRINTED_LINE.fullmatch(line.strip())
    if printed:
        component = "" if printed[3] == "unknown device" else printed[3]
        return MdEvent(printed[1], printed[2], component)
    return None


class MdEventFile:
    """The file that mdadm's PROGRAM hook (`md_event.sh`) appends to. What stood there before is not news."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._rest = b""
        self._inode, self._offset = self._end()

    def _end(self) -> tuple[int, int]:
        try:
            found = self._path.stat()
        except OSError:
            return 0, 0
        return found.st_ino, found.st_size

    def poll(self) -> list[MdEvent]:
        """What was added since the last call; a file that was cut or replaced is read from its start."""
        inode, size = self._end()
        if inode != self._inode or size < self._offset:
            self._inode, self._offset, self._rest = inode, 0, b""
        if size == self._offset:
            return []
        try:
            with self._path.open("rb") as handle:
                handle.seek(self._offset)
                data = handle.read(size - self._offset)
        except OSError:
            return []
        self._offset += len(data)
        *lines, self._rest = (self._rest + data).split(b"\n")
        self._rest = self._rest[-_LONGEST_LINE:]
        events = (parse_md_line(line.decode("utf-8", "replace")) for line in lines)
        return [event for event in events if event is not None]


@dataclass(frozen=True, slots=True)
class DeviceEvent:
    """A block device came (`add`), went (`remove`) or changed."""

    action: str
    device: str


def parse_uevent(data: bytes) -> DeviceEvent | None:
    """One kernel message: `remove@/devices/...`, then NAME=value, separated by zero bytes. None unless of a disk."""
    words = data.split(b"\0")
    if not re.match(rb"[a-z]+@/", words[0]):
        return None
    values = dict(word.decode("utf-8", "replace").partition("=")[::2] for word in words[1:] if b"=" in word)
    if values.get("SUBSYSTEM") != "block" or not values.get("DEVNAME"):
        return None
    return DeviceEvent(values.get("ACTION", ""), values["DEVNAME"].removeprefix("/dev/"))


class DeviceEvents:
    """Hears the kernel over netlink; any user may. `close()` when done."""

    def __init__(self) -> None:
        kind = socket.SOCK_DGRAM | socket.SOCK_CLOEXEC
        self._socket = socket.socket(socket.AF_NETLINK, kind, _NETLINK_KOBJECT_UEVENT)
        self._socket.bind((0, _KERNEL_GROUP))
        self._socket.setblocking(False)

    def fileno(self) -> int:
        return self._socket.fileno()

    def poll(self) -> list[DeviceEvent]:
        """All news that waits, without waiting; an overrun (ENOBUFS) is no loss, since sysfs is read anyway."""
        found = []
        with contextlib.suppress(BlockingIOError, OSError):
            while True:
                event = parse_uevent(self._socket.recv(16384))
                if event is not None:
                    found.append(event)
        return found

    def close(self) -> None:
        self._socket.close()
