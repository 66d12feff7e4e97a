"""From spool to archive: Ogg/Opus, hashed, sealed, verified; only then the spool goes.

Every step may be cut off by `kill -9` or a full disk and the whole is simply done again: the spool is deleted last,
after the sealed file has been read back from the disk and the database row with its key has been committed.
Memory stays bounded (blocks of one second) whatever the length of the call.
"""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import soundfile

from appliance.errors import BoxError
from appliance.events import RecordingArchived
from appliance.jobs.context import Context
from appliance.jobs.encoding import SILENCE, Peaks, PlainView, SealedSink, opus_level
from appliance.jobs.retention import keep_days
from appliance.jobs.spool import CHANNELS, RATE_HZ, Spool
from appliance.logs import get_logger
from appliance.store import sealed
from appliance.store.models import Recording, RecordingKey
from appliance.store.repositories import recordings

log = get_logger()


@dataclass(frozen=True)
class Encoded:
    """A sealed file that is complete on the disk under its temporary name."""

    path: Path
    key: bytes
    sha256: str
    size_bytes: int
    frames: int
    peaks: dict[str, Any]


class Archive:
    """Archives one recording after the other."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def archive(self, recording_id: str, go_on: Callable[[int, int], None] = lambda _done, _total: None) -> bool:
        """Archive a spool; True when a sealed file stands, False when there is nothing to archive.

        `go_on(done, total)` is called each second of audio and may raise to stop. Raises BoxError `disk.full`
        (retryable) or `archive.not_verified` (retryable); the spool is kept in both cases.
        """
        spool = Spool(self._context.home.spool / f"{recording_id}.au")
        frames = spool.frames()
        if not spool.audio.exists() and not spool.sidecar.exists():
            return self._without_spool(recording_id)
        if self._is_archived(recording_id, frames):
            spool.remove()
            return True
        try:
            encoded = self._encode(spool, frames, go_on)
            self._verify(encoded)
            path = self._place(spool, encoded)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise BoxError(
                    "disk.full", f"The disk is full: recording {recording_id} is kept as it was recorded and is "
                    "archived when there is room.", retryable=True, recording=recording_id,
                ) from error  # fmt: skip
            raise
        recording = self._record(spool, encoded, path)
        spool.remove()
        event = RecordingArchived(recording_id=recording_id, conversation_id=recording.conversation_id)
        self._context.publish("recording", event)
        return True

    def _without_spool(self, recording_id: str) -> bool:
        """The spool went after a commit that a crash hid from the queue, or there never was one."""
        with self._context.store.write() as session:
            recording = session.get(Recording, recording_id)
            if recording is not None and recording.state == recordings.SPOOL:
                recording.state = recordings.FAILED
                log.error("recording lost: no spool", recording=recording_id)
            return recording is not None and recording.state == recordings.ARCHIVED

    def check(self, recording: Recording) -> None:
        """Read an archived recording back from the disk; raises SealBrokenError, BoxError or OSError."""
        with self._context.store.read() as session:
            key_row = session.get(RecordingKey, recording.id)
        if key_row is None:
            raise BoxError("sealed.key_missing", f"The key of recording {recording.id} is gone: it is unreadable.")
        key = sealed.unwrap(self._box_secret, key_row.wrapped_key, f"recording:{recording.id}")
        _read_back(self._context.home.archive / recording.archive_path, key, recording.sha256)

    def _is_archived(self, recording_id: str, frames: int) -> bool:
        """Whether the whole spool stands in an archive that can be opened (a crash came before the spool went)."""
        with self._context.store.read() as session:
            recording = session.get(Recording, recording_id)
        if recording is None or frames > round(recording.duration_s * RATE_HZ):
            return False
        if recording.state == recordings.DELETED:
            return True
        if recording.state != recordings.ARCHIVED:
            return False
        try:
            self.check(recording)
        except (BoxError, OSError):
            log.warning("archive not usable, made again", recording=recording_id)
            return False
        return True

    @property
    def _box_secret(self) -> str:
        return self._context.secrets.archive_key.get_secret_value()

    def _encode(self, spool: Spool, frames: int, go_on: Callable[[int, int], None]) -> Encoded:
        """Encode and seal into a temporary file, synced."""
        path = self._context.home.archive / f"{spool.recording_id}.new"
        path.unlink(missing_ok=True)
        key, peaks = sealed.new_key(), Peaks()
        level = opus_level(self._context.settings.recording.opus_bitrate_bps)
        try:
            with sealed.SealedWriter(path, key) as writer:
                sink = SealedSink(writer)
                with soundfile.SoundFile(
                    sink, "w", RATE_HZ, CHANNELS, format="OGG", subtype="OPUS", compression_level=level
                ) as encoder:  # fmt: skip
                    if not frames:
                        encoder.write(SILENCE)
                    done = 0
                    for block in spool.blocks(frames):
                        peaks.push(block)
                        encoder.write(block)
                        sink.raise_error()
                        done += len(block)
                        go_on(done, frames)
                sink.raise_error()
        except soundfile.LibsndfileError as error:
            path.unlink(missing_ok=True)
            sink.raise_error()
            raise BoxError("archive.encoder", f"The encoder failed: {error}", retryable=True) from error
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        return Encoded(path, key, sink.digest.hexdigest(), writer.plain_bytes, frames, peaks.result())

    def _verify(self, encoded: Encoded) -> None:
        """Read the file back from the disk: every chunk authentic, the hash equal, as many frames as the spool."""
        _read_back(encoded.path, encoded.key, encoded.sha256)
        with sealed.SealedReader(encoded.path, encoded.key) as reader:
            found = soundfile.info(PlainView(reader)).frames
        if found < encoded.frames:
            raise BoxError(
                "archive.not_verified", f"The archive of {encoded.path.stem} holds {found} of {encoded.frames} "
                "samples; it is made again.", retryable=True,
            )  # fmt: skip

    def _place(self, spool: Spool, encoded: Encoded) -> Path:
        """Give the file its final name, durably; returns it relative to the archive folder."""
        relative = Path(f"{spool.about()['started_at']:%Y-%m}") / f"{spool.recording_id}.cbr"
        target = self._context.home.archive / relative
        target.parent.mkdir(mode=0o700, exist_ok=True)
        encoded.path.replace(target)
        for folder in (target.parent, self._context.home.archive):
            _sync_folder(folder)
        return relative

    def _record(self, spool: Spool, encoded: Encoded, path: Path) -> Recording:
        """Commit the row and its key together."""
        now, about = self._context.clock.now(), spool.about()
        wrapped = sealed.wrap(self._box_secret, encoded.key, f"recording:{spool.recording_id}")
        with self._context.store.write() as session:
            recording = recordings.note(session, spool.recording_id, spool_path=str(spool.audio), **about)
            recordings.take_from_attempt(session, recording)
            days = keep_days(
                recordings.rules(session), recording.campaign_id, recording.seat_id,
                self._context.settings.recording.keep_days,
            )  # fmt: skip
            recording.state, recording.archived_at = recordings.ARCHIVED, now
            recording.archive_path, recording.spool_path = str(path), ""
            recording.sha256, recording.size_bytes = encoded.sha256, encoded.size_bytes
            recording.duration_s, recording.peaks = encoded.frames / RATE_HZ, encoded.peaks
            recording.expires_at = recording.started_at + timedelta(days=days)
            session.merge(RecordingKey(recording_id=recording.id, wrapped_key=wrapped))
        return recording


def _read_back(path: Path, key: bytes, sha256: str) -> None:
    """Raises SealBrokenError, OSError, or BoxError `archive.not_verified` when the content is another."""
    with path.open("rb") as handle:  # from the disk, not from memory
        os.posix_fadvise(handle.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    digest = hashlib.sha256()
    with sealed.SealedReader(path, key) as reader:
        for chunk in reader.chunks():
            digest.update(chunk)
    if digest.hexdigest() != sha256:
        raise BoxError("archive.not_verified", f"{path.name} does not hold what was recorded.", retryable=True)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
