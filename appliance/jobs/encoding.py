"""Between libsndfile and the sealed file: the encoder's sink, the decoder's source, and the peaks for the waveform."""

from __future__ import annotations

import errno
import hashlib
import io
import os
from typing import Any

import numpy as np
import numpy.typing as npt

from appliance.jobs.spool import CHANNELS, RATE_HZ
from appliance.store import sealed

PEAKS_PER_S = 10
_PEAKS_MAX = 6000  # a longer call has coarser peaks
SILENCE = np.zeros((160, CHANNELS), dtype=np.int16)
"""What a recording without any sample is archived as: Opus cannot hold an empty file."""


class SealedSink(io.RawIOBase):
    """What libsndfile writes into: hashes and seals. libsndfile swallows errors of callbacks, so they are kept."""

    def __init__(self, writer: sealed.SealedWriter) -> None:
        self._writer = writer
        self._position = 0
        self.digest = hashlib.sha256()
        self.error: OSError | None = None

    def write(self, data: Any) -> int:
        try:
            if self.error is not None or self._position != self._writer.plain_bytes:
                raise self.error or OSError(errno.ESPIPE, "the encoder wrote out of order")
            self.digest.update(data)
            self._position += self._writer.write(data)
        except OSError as error:
            self.error = error
            return 0
        return len(data)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._writer.plain_bytes}[whence]
        self._position = start + offset
        return self._position

    def tell(self) -> int:
        return self._position

    def raise_error(self) -> None:
        if self.error is not None:
            raise self.error


class PlainView(io.RawIOBase):
    """A sealed file as a readable, seekable stream of its plain bytes."""

    def __init__(self, reader: sealed.SealedReader) -> None:
        self._reader = reader
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._reader.read(self._position, len(buffer))
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._reader.size}[whence]
        self._position = start + offset
        return self._position

    def tell(self) -> int:
        return self._position


class Peaks:
    """Loudest sample of each 100 ms and side, 0 to 1."""

    def __init__(self) -> None:
        self._window = RATE_HZ // PEAKS_PER_S
        self._rest = np.zeros((0, CHANNELS), dtype=np.int16)
        self._loudest: list[npt.NDArray[np.int32]] = []

    def push(self, block: npt.NDArray[np.int16]) -> None:
        """Take a block of shape (n, 2)."""
        joined = np.concatenate([self._rest, block])
        whole = len(joined) // self._window * self._window
        self._rest = joined[whole:]
        if whole:
            windows = np.abs(joined[:whole].astype(np.int32)).reshape(-1, self._window, CHANNELS)
            self._loudest.append(windows.max(axis=1))

    def result(self) -> dict[str, Any]:
        """`{"left": [...], "right": [...], "per_s": n}`, at most some thousand values a side."""
        parts = [*self._loudest]
        if len(self._rest):
            parts.append(np.abs(self._rest.astype(np.int32)).max(axis=0, keepdims=True))
        loudest = np.concatenate(parts) if parts else np.zeros((0, CHANNELS), dtype=np.int32)
        step = -(-len(loudest) // _PEAKS_MAX) or 1
        padded = np.pad(loudest, ((0, -len(loudest) % step), (0, 0)))
        values = padded.reshape(-1, step, CHANNELS).max(axis=1) / 32768.0
        left, right = np.round(values, 3).T.tolist()
        return {"left": left, "right": right, "per_s": PEAKS_PER_S / step}


def opus_level(bitrate_bps: int) -> float:
    """libsndfile's compression level for a bit rate: it spans 6 to 256 kbit/s per channel (its ogg_opus.c)."""
    kbps_per_channel = bitrate_bps / 1000 / CHANNELS
    return float(min(1.0, max(0.0, 1.0 - (kbps_per_channel - 6.0) / 250.0)))
