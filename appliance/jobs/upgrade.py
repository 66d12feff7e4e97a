"""The tables brought to this version's form on a copy, and put back when an older version finds itself in its old slot.

Called at the start of the box, before any service runs. What was there before a change stays beside it
(`home.updates/before.*`) until the new version is proven: a box that returns to its old slot takes it up again, so that
the data is as it was when the update began.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy import inspect, text

from appliance.errors import StoreError
from appliance.home import give_to_owner, product_version
from appliance.jobs.backup.archive import no_room, sync_folder
from appliance.jobs.backup.content import counted, database_path, run_postgresql
from appliance.jobs.backup.restore import load_dump
from appliance.logs import get_logger
from appliance.settings import Home, Settings, write_private
from appliance.store.db import Store, knows_revision, migrate, newest_revision, open_store

log = get_logger()


def bring_up(home: Home, settings: Settings) -> str:
    """Have the tables in this version's form; returns what was done: `` | made | migrated | put_back.

    Raises StoreError `store.newer` for tables of a newer version whose old form is not there, `store.rows_lost` when
    a migration would lose rows (nothing is changed then).
    """
    if settings.store.url and not settings.store.url.startswith("sqlite"):
        return _postgresql(home, settings)
    path = database_path(home, settings)
    found = _revision(path)
    if found is None:
        return _in_place(home, settings, "made")
    if found == newest_revision():
        return ""
    if not knows_revision(found):
        return _put_back(home, path, found)
    _on_a_copy(home, path, found)
    return "migrated"


def _in_place(home: Home, settings: Settings, done: str) -> str:
    store = open_store(home, settings)
    try:
        migrate(store)
    finally:
        store.close()
    return done


def _revision(path: Path) -> str | None:
    """The version of a SQLite file's tables; None when it has none yet."""
    if not path.exists():
        return None
    with closing(sqlite3.connect(path)) as database:
        try:
            row = database.execute("SELECT version_num FROM alembic_version").fetchone()
        except sqlite3.OperationalError:
            return None
        except sqlite3.DatabaseError:
            return None  # damaged: opening it says so in its own words
    return str(row[0]) if row else None


def _before(home: Home) -> Path:
    return home.updates / "before.sqlite"


def _on_a_copy(home: Home, path: Path, revision: str) -> None:
    """Migrate a copy, look whether all rows are there, then let it take the database's place."""
    size = path.stat().st_size
    if shutil.disk_usage(home.updates).free < 3 * size:
        raise no_room(home.updates, 3 * size)
    work, kept = home.updates / "next.sqlite", _before(home)
    for stale in (work, kept.with_suffix(".part")):
        _forget(stale)
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        database.execute("VACUUM INTO ?", (str(work),))
        database.execute("VACUUM INTO ?", (str(kept.with_suffix(".part")),))
    store = Store(f"sqlite:///{work}")
    try:
        rows = counted(store)
        migrate(store)
        after = counted(store)
    finally:
        store.close()
    lost = sorted(name for name, count in rows.items() if after.get(name, count) < count)
    if lost:
        _forget(work)
        raise StoreError("store.rows_lost", f"The new tables lose rows of {', '.join(lost)}; nothing was changed.")
    for file in (work, kept.with_suffix(".part")):
        file.chmod(0o600)
        give_to_owner(file)
    kept.with_suffix(".part").replace(kept)
    write_private(kept.with_suffix(".json"), json.dumps({"schema": revision, "rows": sum(rows.values())}).encode())
    sync_folder(home.updates)
    _take_place(work, path)
    log.info("tables migrated on a copy", old=revision, version=product_version(), rows=sum(after.values()))


def _take_place(new: Path, path: Path) -> None:
    """A closed SQLite file takes the place of another; logs of the old one go first: they are no part of the new."""
    for name in ("-wal", "-shm"):
        path.with_name(path.name + name).unlink(missing_ok=True)
    new.replace(path)
    sync_folder(path.parent)


def _forget(file: Path) -> None:
    for name in ("", "-wal", "-shm"):
        file.with_name(file.name + name).unlink(missing_ok=True)


def _put_back(home: Home, path: Path, found: str) -> str:
    """A newer version was here and is not any more: its database goes aside, the one from before comes back."""
    kept = _before(home)
    known = _revision(kept)
    if known is None or not knows_revision(known):
        raise StoreError(
            "store.newer", f"The database was made by a newer version (tables {found}). Start that version, or restore "
            "a backup of this one.",
        )  # fmt: skip
    aside = home.updates / "after.sqlite"
    _forget(aside)
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    shutil.copyfile(path, aside)
    aside.chmod(0o600)
    work = home.updates / "next.sqlite"
    _forget(work)
    shutil.copyfile(kept, work)
    work.chmod(0o600)
    for file in (aside, work):
        give_to_owner(file)
    _take_place(work, path)
    log.warning("database put back as it was before the update", newer=found, version=product_version())
    return "put_back"


def proven(home: Home) -> None:
    """The version that runs stays: what was kept from before it is not wanted any more."""
    for name in ("before.sqlite", "after.sqlite", "next.sqlite", "before.pgdump"):
        _forget(home.updates / name)
    (home.updates / "before.json").unlink(missing_ok=True)


def _postgresql(home: Home, settings: Settings) -> str:
    """PostgreSQL changes tables in one transaction; a dump from before stays beside it."""
    store = open_store(home, settings)
    try:
        with store.read() as session:
            has = inspect(session.connection()).has_table("alembic_version")
            found = session.scalar(text("SELECT version_num FROM alembic_version")) if has else None
    finally:
        store.close()
    dump = home.updates / "before.pgdump"
    if found is None or found == newest_revision():
        return _in_place(home, settings, "" if found else "made")
    if not knows_revision(str(found)):
        if not dump.exists():
            raise StoreError(
                "store.newer", f"The database was made by a newer version (tables {found}). Start that version, or "
                "restore a backup of this one.",
            )  # fmt: skip
        load_dump(dump, settings.store.url)
        return _in_place(home, settings, "put_back")
    run_postgresql(["pg_dump", "--format=custom", f"--file={dump}.part"], settings.store.url)
    Path(f"{dump}.part").replace(dump)
    return _in_place(home, settings, "migrated")
