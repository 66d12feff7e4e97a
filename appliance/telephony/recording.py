"""The spool of a running call: Sun AU of unknown length, 16-bit big-endian stereo at 8 kHz (customer left).

AU needs no closing: a spool is complete up to its last whole frame whenever the writer dies. A JSON sidecar with the
ids is written and synced before the first sample. Writing and syncing happen in a thread of its own, so a slow disk
delays neither the audio clock nor signalling. When the disk is full the recording stops with one line in the log and
the reason in the sidecar (whose room was reserved at the start); what was written stays.
"""

from __future__ import annotations

import json
import os
import struct
import threading
from dataclasses import asdict, dataclass, replace
from errno import EDQUOT, ENOSPC
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from appliance.errors import BoxError
from appliance.logs import get_logger
from appliance.telephony.port import RATE_HZ

_AU_MAGIC, _AU_PCM16, _CHANNELS, _HEADER_BYTES, _UNKNOWN_SIZE = b".snd", 3, 2, 24, 0xFFFFFFFF
_FRAME_BYTES = 2 * _CHANNELS
CONVERSATION, EVIDENCE = "conversation", "evidence"
_SIDECAR_BYTES = 1024
_WRITE_INTERVAL_S = 0.4
AU_HEADER = struct.pack(">4sIIIII", _AU_MAGIC, _HEADER_BYTES, _UNKNOWN_SIZE, _AU_PCM16, RATE_HZ, _CHANNELS)


@dataclass(frozen=True, slots=True)
class Sidecar:
    """What is known of a recording when it begins; `error_id` and `message` when it had to stop early.

    `kind` conversation | evidence; evidence begins `begins_ms` after the first early media.
    """

    recording_id: str
    conversation_id: str
    attempt_id: str
    campaign_id: str
    started_at_unix_s: float
    kind: str = CONVERSATION
    begins_ms: int = 0
    error_id: str = ""
    message: str = ""


def sidecar_path(spool: Path) -> Path:
    return spool.with_suffix(".json")


def read_sidecar(spool: Path) -> Sidecar | None:
    """Return the sidecar of a spool, or None when it is missing or unreadable."""
    try:
        found = json.loads(sidecar_path(spool).read_text("utf-8"))
        return Sidecar(**found)
    except (OSError, ValueError, TypeError):
        return None


def _sidecar_bytes(sidecar: Sidecar) -> bytes:
    text = json.dumps(asdict(sidecar), ensure_ascii=True).encode()
    return text[:-1].ljust(_SIDECAR_BYTES - 2) + b"}\n"


def read_spool(spool: Path) -> NDArray[np.int16]:
    """Return the samples [frames, 2] of a spool in any state: living, cut short, or with its header missing."""
    data = spool.read_bytes()
    if data[:4] == _AU_MAGIC and len(data) >= _HEADER_BYTES:
        data = data[struct.unpack(">I", data[4:8])[0] :]
    elif AU_HEADER.startswith(data[:_HEADER_BYTES]) or not data.rstrip(b"\0"):
        data = b""  # died within the header, or the power went before any sample reached the disk
    whole = len(data) - len(data) % _FRAME_BYTES
    return np.frombuffer(data[:whole], ">i2").reshape(-1, _CHANNELS).astype(np.int16)


class SpoolWriter:
    """One recording. `append` never blocks; `error` is set when the recording had to stop."""

    def __init__(self, folder: Path, sidecar: Sidecar, *, sync_interval_s: float) -> None:
        """Write the sidecar and the header, both synced. Raises BoxError `recording.disk_full` or `.failed`."""
        self.recording_id = sidecar.recording_id
        self.path = folder / f"{sidecar.recording_id}.au"
        self._sidecar = sidecar
        self._sync_interval_s = sync_interval_s
        self._log = get_logger(recording=sidecar.recording_id, conversation=sidecar.conversation_id)
        self._pending: list[bytes] = []
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._written_bytes = 0
        self.error: BoxError | None = None
        try:
            self._write_sidecar(sidecar, os.O_CREAT | os.O_EXCL)
            self._fd = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            os.write(self._fd, AU_HEADER)
            os.fsync(self._fd)
            self._sync_folder(folder)
        except OSError as error:
            self.path.unlink(missing_ok=True)  # a sidecar alone would pass for a recording of nothing
            sidecar_path(self.path).unlink(missing_ok=True)
            raise self._as_box_error(error) from error
        self._thread = threading.Thread(target=self._run, name="spool", daemon=True)
        self._thread.start()

    @property
    def frames(self) -> int:
        """Whole stereo samples written so far."""
        return self._written_bytes // _FRAME_BYTES

    def append(self, stereo: bytes) -> None:
        """Queue joined samples; dropped after a failure."""
        if stereo and self.error is None:
            with self._lock:
                self._pending.append(stereo)

    def close(self) -> int:
        """Write and sync what is queued; returns the stereo samples in the spool."""
        self._stop.set()
        self._thread.join()
        os.close(self._fd)
        return self.frames

    # ---- writer thread -----------------------------------------------------------------------------------

    def _run(self) -> None:
        since_sync_s = 0.0
        while self.error is None:
            ending = self._stop.wait(_WRITE_INTERVAL_S)
            since_sync_s += _WRITE_INTERVAL_S
            try:
                self._write_pending()
                if ending or since_sync_s + _WRITE_INTERVAL_S > self._sync_interval_s:
                    os.fdatasync(self._fd)
                    since_sync_s = 0.0
            except OSError as error:
                self._fail(error)
            if ending:
                return

    def _write_pending(self) -> None:
        with self._lock:
            chunk, self._pending = b"".join(self._pending), []
        view = memoryview(chunk)
        while view:
            written = os.write(self._fd, view)
            self._written_bytes += written
            view = view[written:]

    def _fail(self, error: OSError) -> None:
        self.error = self._as_box_error(error)
        self._pending = []
        self._log.error(
            "recording stopped, call goes on", error_id=self.error.error_id, error=str(error), frames=self.frames
        )
        try:
            os.ftruncate(self._fd, _HEADER_BYTES + self.frames * _FRAME_BYTES)
            os.fdatasync(self._fd)
            self._write_sidecar(replace(self._sidecar, error_id=self.error.error_id, message=self.error.message), 0)
        except OSError as second:
            self._log.warning("sidecar could not be marked", error=str(second))

    def _write_sidecar(self, sidecar: Sidecar, flags: int) -> None:
        """Always the same size: the mark of a failure overwrites bytes that the disk has already granted."""
        fd = os.open(sidecar_path(self.path), os.O_WRONLY | flags, 0o600)
        try:
            os.write(fd, _sidecar_bytes(sidecar))
            os.fsync(fd)
        finally:
            os.close(fd)

    @staticmethod
    def _sync_folder(folder: Path) -> None:
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)

    @staticmethod
    def _as_box_error(error: OSError) -> BoxError:
        if error.errno in (ENOSPC, EDQUOT):
            return BoxError(
                "recording.disk_full", "The disk is full: the recording stopped, the call goes on. Free space on the "
                "recording disk.", retryable=True,
            )  # fmt: skip
        return BoxError("recording.failed", f"The recording could not be written: {error}. Check the disk.")
