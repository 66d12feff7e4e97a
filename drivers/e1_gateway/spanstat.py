"""The kernel's own words about a DAHDI span: two ioctls on ``/dev/dahdi/ctl`` (include/dahdi/user.h, DAHDI 2.11)."""

from __future__ import annotations

import errno
import fcntl
import os
import struct
from dataclasses import dataclass
from enum import IntFlag
from pathlib import Path

from drivers.lines import ReaderError

_INFO = struct.Struct("=i20s40siiiiiiiIIIIIiiiiiii40s40s40s40sii6s")  # struct dahdi_spaninfo, packed: 314 bytes
_MAINT = struct.Struct("=ii")  # struct dahdi_maintinfo
_CODE = 0xDA
SPANSTAT = (3 << 30) | (_INFO.size << 16) | (_CODE << 8) | 10  # _IOWR
MAINT = (1 << 30) | (_MAINT.size << 16) | (_CODE << 8) | 11  # _IOW


class SpanAlarm(IntFlag):
    """Bits of a span's ``alarms``."""

    RECOVER = 1
    LOOPBACK = 2
    YELLOW = 4
    RED = 8
    BLUE = 16
    NOTOPEN = 32
    LOS = 256
    LFA = 512
    LMFA = 1024


@dataclass(frozen=True, slots=True)
class SpanInfo:
    """What SPANSTAT says, as far as we use it. Error counters only grow."""

    name: str
    alarms: int
    bipolar_violations: int
    crc4_errors: int
    errored_seconds: int
    channels: int
    timing_source: int


def unpack(data: bytes) -> SpanInfo:
    """Read the kernel's structure."""
    values = _INFO.unpack(data)
    return SpanInfo(
        name=bytes(values[1]).split(b"\0")[0].decode("ascii", "replace"),
        alarms=values[3],
        bipolar_violations=max(values[6], 0),
        crc4_errors=max(values[7], 0),
        errored_seconds=values[14],
        timing_source=values[16],
        channels=values[18],
    )


def span_info(ctl: Path, span: int) -> SpanInfo | None:
    """Ask the kernel; ``None`` when there is no such span or the kernel may not be asked by this user."""
    buffer = bytearray(_INFO.size)
    struct.pack_into("=i", buffer, 0, span)
    try:
        fd = os.open(ctl, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.ioctl(fd, SPANSTAT, buffer)
    except OSError:
        return None
    finally:
        os.close(fd)
    return unpack(bytes(buffer))


def maintain(ctl: Path, span: int, command: int) -> None:
    """Send a maintenance command (loop-backs; needs root). Raises :class:`ReaderError` by errno.

    The kernel is asked directly: ``dahdi_maint`` prints that it has looped the span before it asks the driver.
    """
    try:
        fd = os.open(ctl, os.O_RDWR | os.O_CLOEXEC)
    except OSError as error:
        raise ReaderError("dahdi.no_control", f"{ctl} cannot be opened ({error.strerror}). Is DAHDI loaded?") from error
    try:
        fcntl.ioctl(fd, MAINT, _MAINT.pack(span, command))
    except OSError as error:
        if error.errno in {errno.ENOSYS, errno.ENOTTY, errno.EINVAL, errno.EOPNOTSUPP}:
            raise ReaderError(
                "line.verb_unknown", f"dahdi:{span}: its driver has no such loop-back."
            ) from error
        raise ReaderError("dahdi.refused", f"dahdi:{span}: the kernel refused: {error.strerror}.") from error
    finally:
        os.close(fd)
