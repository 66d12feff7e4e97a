"""The spool: readable in every state, and a full disk that costs the recording but nothing written."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import numpy as np
import pytest
import soundfile

from appliance.errors import BoxError
from appliance.telephony.recording import AU_HEADER, Sidecar, SpoolWriter, read_sidecar, read_spool

pytestmark = pytest.mark.unit

SIDECAR = Sidecar("rec1", "conv1", "conv1", "camp1", 1.5)


def _stereo(frames: int) -> bytes:
    samples = np.empty((frames, 2), ">i2")
    samples[:, 0] = np.arange(frames) % 1000 + 1
    samples[:, 1] = -samples[:, 0]
    return samples.tobytes()


def _writer(folder: Path) -> SpoolWriter:
    return SpoolWriter(folder, SIDECAR, sync_interval_s=1.0)


def test_what_is_written_is_read_by_us_and_by_soundfile(tmp_path: Path) -> None:
    writer = _writer(tmp_path)
    for start in range(0, 4 * 8000, 4 * 160):
        writer.append(_stereo(8000)[start : start + 4 * 160])
    assert writer.close() == 8000
    ours = read_spool(writer.path)
    theirs, rate = soundfile.read(writer.path, dtype="int16")
    assert rate == 8000
    assert np.array_equal(ours, theirs)
    assert ours[7, 0] == 8
    assert ours[7, 1] == -8


def test_sidecar_and_header_stand_before_the_first_sample(tmp_path: Path) -> None:
    writer = _writer(tmp_path)
    assert read_sidecar(writer.path) == SIDECAR
    assert writer.path.read_bytes() == AU_HEADER
    assert oct(writer.path.stat().st_mode & 0o777) == "0o600"
    writer.close()


@pytest.mark.parametrize("cut", [1, 2, 3, 4, 5, 639])
def test_a_spool_cut_anywhere_is_whole_up_to_there(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "cut.au"
    path.write_bytes((AU_HEADER + _stereo(160))[:-cut])
    assert read_spool(path).shape == (160 - -(-cut // 4), 2)


@pytest.mark.parametrize("start", [b"", AU_HEADER[:10], bytes(24), bytes(500)])
def test_a_spool_without_samples_is_empty(tmp_path: Path, start: bytes) -> None:
    path = tmp_path / "empty.au"
    path.write_bytes(start)
    assert read_spool(path).shape == (0, 2)


def test_a_broken_sidecar_is_none(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text('{"recording_id": 1}')
    assert read_sidecar(tmp_path / "x.au") is None
    assert read_sidecar(tmp_path / "missing.au") is None


def test_a_full_disk_stops_the_recording_and_keeps_what_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = _writer(tmp_path)
    real_write, room = os.write, [1000]

    def write(fd: int, data: bytes) -> int:
        if fd != writer._fd:
            return real_write(fd, data)
        if room[0] == 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        taken = min(room[0], len(data))
        room[0] -= taken
        return real_write(fd, bytes(data[:taken]))

    monkeypatch.setattr(os, "write", write)
    writer.append(_stereo(400))
    assert writer.close() == 250
    assert writer.error is not None
    assert writer.error.error_id == "recording.disk_full"
    assert np.array_equal(read_spool(writer.path), np.frombuffer(_stereo(400), ">i2").reshape(-1, 2)[:250])
    marked = read_sidecar(writer.path)
    assert marked is not None
    assert marked.error_id == "recording.disk_full"
    assert "disk is full" in marked.message
    assert marked.conversation_id == "conv1"
    writer.append(_stereo(1))


def test_a_disk_that_is_full_at_the_start_leaves_nothing_that_passes_for_a_recording(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def sync(_fd: int) -> None:
        if any(tmp_path.glob("*.au")):
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", sync)
    with pytest.raises(BoxError, match="disk is full"):
        _writer(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_no_room_at_the_start_is_an_error_at_once(tmp_path: Path) -> None:
    with pytest.raises(BoxError, match="could not be written"):
        _writer(tmp_path / "no such folder")
