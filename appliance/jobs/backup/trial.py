"""The restore test: a backup is really restored into a scratch home, opened, counted; then all of it is taken away."""

from __future__ import annotations

import shutil
import tempfile
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import make_url, select, text

from appliance.errors import BoxError
from appliance.jobs.backup import restore
from appliance.jobs.backup.archive import Archive, Step, damaged
from appliance.jobs.backup.content import DUMP, counted
from appliance.jobs.backup.keys import BackupKey
from appliance.jobs.backup.shelf import TRIAL
from appliance.settings import Home, Settings, load_secrets, load_settings
from appliance.store.db import Store, migrate, open_store
from appliance.store.models import RecordingKey
from appliance.store.sealed import unwrap

_KEYS_TRIED = 20
_SCRATCH_DATABASE = "callbox_trial"


@dataclass(frozen=True)
class Tried:
    """What a test found. `keys_opened`: how many recordings' keys open with the restored secrets, of those tried."""

    rows: int
    files: int
    keys_opened: int
    elapsed_s: float


def run(
    home: Home, settings: Settings, path: Path, now: datetime, *, passphrase: str = "", key: BackupKey | None = None,
    step: Step = lambda *_: None,
) -> Tried:  # fmt: skip
    """Restore `path` beside the box and look at the result. Raises CallboxError as a restore would.

    Only the scratch folder is written: a box's own files are not even opened.
    """
    began = time.monotonic()
    scratch = Path(tempfile.mkdtemp(prefix=TRIAL, dir=home.backups))
    try:
        with Archive(path, passphrase, key=key) as archive:
            inner = Home(scratch)
            inner.make()
            if archive.manifest.store == "postgresql":
                rows, keys = _try_dump(inner, settings, archive, step)
            else:
                rows, keys = _try_sqlite(inner, archive, now, step)
            files = len(archive.manifest.members)
    except OSError as error:
        raise BoxError("backup.not_tested", f"The backup could not be restored for a test: {error}.") from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return Tried(rows, files, keys, round(time.monotonic() - began, 2))


def _try_sqlite(inner: Home, archive: Archive, now: datetime, step: Step) -> tuple[int, int]:
    restore.prepare(inner, Settings(), archive, step=step)
    restore.finish(inner, now)
    store = open_store(inner, load_settings(inner))
    try:
        # the restore itself ends all sessions and writes a line in the audit log
        return _rows(store, archive.manifest.counts, moving=("sessions", "audit_log")), _keys(inner, store)
    finally:
        store.close()


def _try_dump(inner: Home, settings: Settings, archive: Archive, step: Step) -> tuple[int, int]:
    """Into a database of its own: the box's is not touched."""
    archive.unpack(inner.root, step)
    url = make_url(settings.store.url).set(database=_SCRATCH_DATABASE)
    server = Store(settings.store.url)
    try:
        with server.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text(f"DROP DATABASE IF EXISTS {_SCRATCH_DATABASE}"))
            connection.execute(text(f"CREATE DATABASE {_SCRATCH_DATABASE}"))
        try:
            restore.load_dump(inner.root / DUMP, url.render_as_string(hide_password=False))
            store = Store(url.render_as_string(hide_password=False))
            try:
                migrate(store)
                return _rows(store, archive.manifest.counts), _keys(inner, store)
            finally:
                store.close()
        finally:
            with server.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.execute(text(f"DROP DATABASE IF EXISTS {_SCRATCH_DATABASE}"))
    finally:
        server.close()


def _rows(store: Store, wanted: dict[str, int], moving: tuple[str, ...] = ()) -> int:
    found = counted(store)
    missing = [name for name, count in wanted.items() if name not in moving and found.get(name, 0) < count]
    if missing:
        raise damaged(f"rows are missing in {', '.join(sorted(missing))}")
    return sum(found.values())


def _keys(inner: Home, store: Store) -> int:
    """The restored secrets must open the restored keys of recordings. Raises BoxError `sealed.key_broken`."""
    secret = load_secrets(inner).archive_key.get_secret_value()
    with store.read() as session:
        rows = session.scalars(select(RecordingKey).order_by(RecordingKey.recording_id.desc()).limit(_KEYS_TRIED)).all()
    for row in rows:
        unwrap(secret, row.wrapped_key, f"recording:{row.recording_id}")
    return len(rows)
