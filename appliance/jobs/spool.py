"""Spools: what the switch writes while a call runs, and what is left of it when the power goes.

A spool is a Sun AU file of unknown length (16-bit big-endian, stereo, 8 kHz, left customer, right agent) with a JSON
sidecar of the same name that says whose it is. Nothing in it has to be closed: what was synced is good up to the last
full frame.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

RATE_HZ = 8000
CHANNELS = 2
_FRAME_BYTES = 2 * CHANNELS
_AU_HEADER_BYTES = 24  # shortest; the real one stands at offset 4


@dataclass(frozen=True)
class Spool:
    """One spool on the disk; `audio` may be missing or short."""

    audio: Path

    @property
    def recording_id(self) -> str:
        return self.audio.stem

    @property
    def sidecar(self) -> Path:
        return self.audio.with_suffix(".json")

    def frames(self) -> int:
        """Stereo samples that are there in full."""
        try:
            size = self.audio.stat().st_size
        except FileNotFoundError:
            return 0
        return max(0, (size - self._data_offset()) // _FRAME_BYTES)

    def _data_offset(self) -> int:
        with self.audio.open("rb") as handle:
            header = handle.read(8)
        if len(header) == 8 and header[:4] == b".snd":
            return max(_AU_HEADER_BYTES, int(struct.unpack(">I", header[4:])[0]))
        return _AU_HEADER_BYTES

    def blocks(self, frames: int, block_frames: int = RATE_HZ) -> Iterator[npt.NDArray[np.int16]]:
        """The first `frames` stereo samples in blocks of shape (n, 2)."""
        if frames == 0:
            return
        with self.audio.open("rb") as handle:
            handle.seek(self._data_offset())
            left = frames
            while left:
                data = handle.read(min(left, block_frames) * _FRAME_BYTES)
                block = np.frombuffer(data, dtype=">i2").reshape(-1, CHANNELS).astype(np.int16)
                if not len(block):
                    raise OSError(f"{self.audio} became shorter while it was read")
                left -= len(block)
                yield block

    def idle_s(self, now_unix_s: float) -> float:
        """Seconds since something was written."""
        try:
            return now_unix_s - self.audio.stat().st_mtime
        except FileNotFoundError:
            return now_unix_s - self.sidecar.stat().st_mtime

    def about(self) -> dict[str, Any]:
        """What the sidecar says: conversation_id, attempt_id, campaign_id, kind, begins_ms, started_at (datetime).

        What it does not say, or when it was lost in a power cut, is taken from the file itself.
        """
        try:
            said = json.loads(self.sidecar.read_text("utf-8"))
        except (FileNotFoundError, ValueError):
            said = {}
        if not isinstance(said, dict):
            said = {}
        conversation_id = str(said.get("conversation_id") or self.recording_id)
        return {
            "conversation_id": conversation_id,
            "attempt_id": str(said.get("attempt_id") or conversation_id),
            "campaign_id": str(said.get("campaign_id") or ""),
            "kind": str(said.get("kind") or "conversation"),
            "begins_ms": said["begins_ms"] if isinstance(said.get("begins_ms"), int) else 0,
            "started_at": _instant(said.get("started_at_unix_s")) or self._begun(),
        }

    def _begun(self) -> datetime:
        path = self.audio if self.audio.exists() else self.sidecar
        try:
            ended = datetime.fromtimestamp(path.stat().st_mtime, UTC)
        except FileNotFoundError:
            return datetime.now(UTC)
        return ended - timedelta(seconds=self.frames() / RATE_HZ)

    def remove(self) -> None:
        """Delete the audio, then the sidecar; safe to repeat."""
        self.audio.unlink(missing_ok=True)
        self.sidecar.unlink(missing_ok=True)


def _instant(unix_s: object) -> datetime | None:
    if not isinstance(unix_s, int | float):
        return None
    try:
        return datetime.fromtimestamp(unix_s, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def spools(folder: Path) -> list[Spool]:
    """All spools in a folder, those of which only a sidecar is there too, oldest recording first."""
    names = {path.stem for pattern in ("*.au", "*.json") for path in folder.glob(pattern)}
    return [Spool(folder / f"{name}.au") for name in sorted(names)]
