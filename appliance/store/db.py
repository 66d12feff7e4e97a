"""The way to the database: one `Store` per process, short write transactions, read-only reads, clear errors.

SQLite is the default: WAL, `synchronous=FULL`, foreign keys on, a busy time-out, and `BEGIN IMMEDIATE` for writes so
that a writer waits at the door instead of failing half way. PostgreSQL (psycopg 3) is chosen by URL; reads see one
snapshot there too. A repository gets the `Session`; only this module opens and ends transactions.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import Session

from appliance.errors import StoreError
from appliance.logs import get_logger
from appliance.settings import Home, Settings
from appliance.store.faults import busy, store_error

if TYPE_CHECKING:
    from alembic.config import Config

BUSY_TIMEOUT_S = 5.0
SLOW_WRITE_MS = 50.0
SLOW_WRITE_TELL_S = 60.0
# customers' data and keys stay out of messages, and so out of the logs
_POOL: dict[str, Any] = {
    # kept once they were needed: a new connection reads the tables' descriptions and prepares every statement anew
    "hide_parameters": True, "pool_size": 25, "max_overflow": 0, "pool_use_lifo": True, "pool_timeout": BUSY_TIMEOUT_S,
}  # fmt: skip
MIGRATIONS = Path(__file__).parent / "migrations"
_REVISION = re.compile(r"""^revision = ["'](\w+)["']$""", re.MULTILINE)
_MIGRATION_LOCK = 0x63616C6C  # any fixed key: two services that start together migrate one after the other

log = get_logger()


class Store:
    """An engine and the two ways to use it; safe to share between threads, never across a fork."""

    def __init__(self, url: str) -> None:
        """Open the database at SQLAlchemy `url`; raises StoreError when it cannot be reached."""
        parsed = make_url(url)
        if parsed.get_backend_name() == "postgresql":
            parsed = parsed.set(drivername="postgresql+psycopg")
        self.is_sqlite = parsed.get_backend_name() == "sqlite"
        self.engine = _sqlite_engine(parsed) if self.is_sqlite else _postgresql_engine(parsed)
        self._writer = self.engine.execution_options(callbox_write=True)
        self._reader = (
            self.engine
            if self.is_sqlite
            else self.engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        )
        self._slow = _SlowWrites()
        with self.read() as session:
            session.execute(text("SELECT 1"))

    @contextmanager
    def write(self) -> Iterator[Session]:
        """One write transaction, committed at exit, rolled back when the block raises.

        Raises StoreError (`store.busy`, `store.disk_full`, `store.corrupt`, `store.read_only`, ...). IntegrityError
        passes as it is: it is the caller's rule that was broken, not the database.
        """
        with _told_clearly(), Session(self._writer, expire_on_commit=False) as session:
            session.connection()  # takes the write lock; what follows is time in which others wait
            began = time.monotonic()
            yield session
            session.commit()
            self._slow.note((time.monotonic() - began) * 1000)

    @contextmanager
    def read(self) -> Iterator[Session]:
        """One read-only snapshot; nothing is ever written through it (the database refuses it)."""
        with _told_clearly(), Session(self._reader, expire_on_commit=False, autoflush=False) as session:
            yield session

    def scrub(self) -> None:
        """After keys were deleted: leave no copy of them in SQLite's write-ahead log."""
        if self.is_sqlite:
            with self.engine.connect() as connection:
                driver = connection.connection.driver_connection
                if driver is not None:
                    driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").close()

    def close(self) -> None:
        self.engine.dispose()


def half_restored(home: Home) -> bool:
    """Whether a restore was cut off while files changed places (jobs.backup.restore finishes it at the box's start)."""
    try:
        told = json.loads((home.restoring / "journal.json").read_bytes())
    except (OSError, ValueError):
        return False
    return isinstance(told, dict) and told.get("state") in ("swapping", "giving_back")


def open_store(home: Home, settings: Settings, *, restoring: bool = False) -> Store:
    """Open the box's database: `settings.store.url`, or SQLite in the home folder.

    Raises StoreError `store.restoring` while the home is half old, half new; only who finishes that says `restoring`.
    """
    if not restoring and half_restored(home):
        raise StoreError("store.restoring", "A restore was cut off. Start the box: it is finished first.")
    url = settings.store.url
    if not url:
        home.root.mkdir(parents=True, exist_ok=True)
        url = home.database_url
        # before it is opened: the files beside it (-wal, -shm) are made with the database's mode. One that is there is
        # not opened by us: closing it would drop the locks of every other store that this process has open (POSIX)
        with contextlib.suppress(FileExistsError):
            os.close(os.open(home.database, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        home.database.chmod(0o600)
    return Store(url)


def migrate(store: Store) -> None:
    """Bring the tables to the newest version: all or nothing, and one process at a time."""
    if _is_newest(store):
        return
    from alembic import command  # here: it is a tenth of a service's start, and hardly ever needed

    config = migration_config()
    with _told_clearly(), store._writer.connect() as connection, _without_foreign_keys(connection), connection.begin():
        if not store.is_sqlite:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        if store.is_sqlite and (broken := connection.exec_driver_sql("PRAGMA foreign_key_check").first()):
            raise StoreError("store.corrupt", f"A row of {broken[0]} points to a row of {broken[2]} that is not there.")


def newest_revision() -> str:
    """Of the packaged migrations. Read from their texts: Alembic is loaded only by who migrates."""
    return _revisions([max(MIGRATIONS.glob("versions/v*.py"))])[0]


def knows_revision(revision: str) -> bool:
    """Whether tables of that form can be brought to this version's."""
    return revision in _revisions(MIGRATIONS.glob("versions/v*.py"))


def _revisions(files: Iterable[Path]) -> list[str]:
    found = (_REVISION.search(file.read_text("utf-8")) for file in files)
    return [match[1] for match in found if match is not None]


def _is_newest(store: Store) -> bool:
    """Say whether the tables are those of the last packaged migration."""
    try:
        with store.read() as session:
            found = session.execute(text("SELECT version_num FROM alembic_version")).scalars().all()
    except (StoreError, DBAPIError):  # a new database has no such table
        return False
    return list(found) == [newest_revision()]


def migration_config() -> Config:
    """Alembic's configuration for the packaged migrations."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return config


@contextmanager
def _without_foreign_keys(connection: Connection) -> Iterator[None]:
    """SQLite changes a table by making it anew; those that point to it must not notice (sqlite.org/lang_altertable)."""
    driver = connection.connection.driver_connection
    if connection.dialect.name != "sqlite" or driver is None:
        yield
        return
    driver.execute("PRAGMA foreign_keys = OFF").close()
    try:
        yield
    finally:
        driver.execute("PRAGMA foreign_keys = ON").close()


class _SlowWrites:
    """Says that writes hold the lock too long, once a minute and not once a write."""

    def __init__(self) -> None:
        self._count = 0
        self._longest_ms = 0.0
        self._told_s = float("-inf")

    def note(self, held_ms: float) -> None:
        if held_ms <= SLOW_WRITE_MS:
            return
        self._count += 1
        self._longest_ms = max(self._longest_ms, held_ms)
        if time.monotonic() - self._told_s >= SLOW_WRITE_TELL_S:
            log.warning("store writes are slow", count=self._count, longest_ms=round(self._longest_ms, 1))
            self._count, self._longest_ms, self._told_s = 0, 0.0, time.monotonic()


@contextmanager
def _told_clearly() -> Iterator[None]:
    """Turn the driver's errors into StoreError where the cause is known."""
    try:
        yield
    except DBAPIError as error:
        clear = store_error(error)
        if clear is None:
            raise
        raise clear from error
    except PoolTimeoutError as error:
        raise busy() from error


def _sqlite_engine(url: Any) -> Engine:
    engine = create_engine(url, **_POOL, connect_args={"timeout": BUSY_TIMEOUT_S, "isolation_level": None})

    @event.listens_for(engine, "connect")
    def _prepare(connection: sqlite3.Connection, _record: object) -> None:
        if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
            connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        writes = bool(connection.get_execution_options().get("callbox_write"))
        driver = connection.connection.driver_connection
        if driver is not None and connection.info.get("callbox_write") is not writes:
            driver.execute(f"PRAGMA query_only = {'OFF' if writes else 'ON'}")
            connection.info["callbox_write"] = writes
        if writes:
            connection.exec_driver_sql("BEGIN IMMEDIATE")  # may find the door shut: told by SQLAlchemy's errors
        elif driver is not None:
            driver.execute("BEGIN")  # touches nothing yet; by the driver alone it costs a twentieth

    return engine


def _postgresql_engine(url: Any) -> Engine:
    wait_ms = int(BUSY_TIMEOUT_S * 1000)
    return create_engine(
        url, **_POOL, pool_pre_ping=True, connect_args={"options": f"-c lock_timeout={wait_ms}", "connect_timeout": 5}
    )


__all__ = ["BUSY_TIMEOUT_S", "SLOW_WRITE_MS", "Store", "StoreError", "migrate", "migration_config", "open_store"]
