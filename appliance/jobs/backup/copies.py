"""Copies of backups and recordings where the box is not: an SMB share, an rsync server, S3, a mounted folder.

Each file is checked by its SHA-256 after it arrived. Recordings go as they are, encrypted; what was copied is known by
the instant when the last one was archived, so that nothing is copied twice and nothing left out.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Protocol

from sqlalchemy import select, tuple_

from appliance.errors import BoxError
from appliance.outside import s3
from appliance.settings import BackupSettings
from appliance.store.db import Store
from appliance.store.models import Recording
from appliance.store.repositories import recordings

_PIECE = 1 << 20
_RSYNC_S = 3600.0
_BATCH = 200


class Place(Protocol):
    """Where copies go."""

    def put(self, path: Path, name: str) -> None:
        """Lay a file there under a name with slashes, and check it. Raises BoxError `copy.failed` and the like."""
        ...


def digest_of(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def failed(why: str) -> BoxError:
    return BoxError("copy.failed", f"The copy failed: {why}. It is tried again.", retryable=True, cause=why)


class Folder:
    """A folder, most often a share that is mounted there. A share that is not mounted is not written under."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def put(self, path: Path, name: str) -> None:
        if not self._root.is_dir():
            raise failed(f"{self._root} is not there; is the share mounted?")
        target = self._root / PurePosixPath(name)
        begun = target.with_name(target.name + ".part")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            digest = hashlib.sha256()
            with path.open("rb") as source, begun.open("wb") as out:
                while piece := source.read(_PIECE):
                    digest.update(piece)
                    out.write(piece)
                out.flush()
                os.fsync(out.fileno())
                os.posix_fadvise(out.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)  # what is read back comes from the disk
            if digest_of(begun) != digest.hexdigest():
                raise failed(f"{name} arrived changed")
            begun.replace(target)
        except OSError as error:
            raise failed(f"{target.parent}: {error.strerror}") from error
        finally:
            with suppress(OSError):  # the share may be gone by now
                begun.unlink(missing_ok=True)


class Rsync:
    """A module of an rsync server (rsync://host/module)."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")

    def put(self, path: Path, name: str) -> None:
        target = f"{self._url}/{name}"
        self._run("--times", "--mkpath", str(path), target)
        # a second look by digest alone: it names what differs
        if self._run("--checksum", "--dry-run", "--itemize-changes", str(path), target).strip():
            raise failed(f"{name} arrived changed")

    def _run(self, *words: str) -> str:
        try:
            ran = subprocess.run(
                ["rsync", "--timeout=60", *words], capture_output=True, text=True, timeout=_RSYNC_S, check=False,
                stdin=subprocess.DEVNULL,
            )  # fmt: skip
        except (OSError, subprocess.TimeoutExpired) as error:
            raise failed(f"rsync could not be run ({error})") from error
        if ran.returncode != 0:
            raise failed(" ".join(ran.stderr.split())[-200:])
        return ran.stdout


class Storage:
    """An S3 bucket, or a part of it."""

    def __init__(self, bucket: s3.Bucket, prefix: str) -> None:
        self._bucket, self._prefix = bucket, prefix

    def put(self, path: Path, name: str) -> None:
        s3.put(self._bucket, f"{self._prefix}{name}", path, digest_of(path))


class Shared:
    """A share of a Windows or Samba server (smb://host[:port]/share[/folder])."""

    def __init__(self, url: str, user: str, password: str) -> None:
        # not as a box starts that copies elsewhere, or nowhere: it takes a while to load
        from appliance.outside import smb

        self._put = partial(smb.put, smb.share_of(url, user, password))

    def put(self, path: Path, name: str) -> None:
        self._put(name, path, digest_of(path))


def place(settings: BackupSettings) -> Place | None:
    """Where the settings say copies go; None: nowhere."""
    where = settings.copy_to
    if where.startswith("rsync://"):
        return Rsync(where)
    if where.startswith("smb://"):
        return Shared(where, settings.smb_user, settings.smb_password.get_secret_value())
    if where.startswith("s3://"):
        name, _, prefix = where.removeprefix("s3://").partition("/")
        bucket = s3.Bucket(
            name, settings.s3_region, settings.s3_access_key, settings.s3_secret_key.get_secret_value(),
            settings.s3_endpoint,
        )  # fmt: skip
        return Storage(bucket, f"{prefix.rstrip('/')}/" if prefix else "")
    return Folder(Path(where)) if where else None


def copy_recordings(
    store: Store, archive: Path, to: Place, after: tuple[datetime | None, str], done: Callable[[datetime, str], None]
) -> int:
    """Copy what was archived after (instant, id), oldest first; `done` hears of each. Returns how many.

    Raises BoxError; what was copied stays copied.
    """
    count = 0
    at, last_id = after
    while True:
        query = select(Recording).where(Recording.state == recordings.ARCHIVED, Recording.archived_at.is_not(None))
        if at is not None:
            query = query.where(tuple_(Recording.archived_at, Recording.id) > tuple_(at, last_id))
        with store.read() as session:
            batch = session.scalars(query.order_by(Recording.archived_at, Recording.id).limit(_BATCH)).all()
        if not batch:
            return count
        for recording in batch:
            path = Path(recording.archive_path)
            if path.is_file():  # else it was deleted in this moment
                to.put(path, f"recordings/{path.parent.name if path.is_relative_to(archive) else 'other'}/{path.name}")
                count += 1
            assert recording.archived_at is not None
            at, last_id = recording.archived_at, recording.id
            done(at, last_id)
