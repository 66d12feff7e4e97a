"""What goes into a backup, taken while calls run: a snapshot of the database, and the files that make the box this one.

Not in it: recordings (they are copied apart; their keys are in the database), logs, what runs, rendered configurations,
and what belongs to the machine (network, disks' history).
"""

from __future__ import annotations

import os
import shutil
import socket
import sqlite3
import subprocess
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import func, inspect, make_url, select, table, text

from appliance.errors import BoxError, StoreError
from appliance.home import product_version
from appliance.jobs.backup.archive import full, no_room
from appliance.settings import Home, Settings
from appliance.store.db import Store

DATABASE, DUMP = "callbox.sqlite", "callbox.pgdump"
EDGE = "edge/kamailio.sqlite"
FILES = (
    "settings.toml", "secrets.toml", "box-key.pem", "backup-key.json", "line-quality.jsonl", "line-tests.jsonl",
    "front/ca.crt", "front/ca.key", "front/server.crt", "front/server.key", "front/own-certificate",
)  # fmt: skip
FOLDERS = ("prompts", "announcements", "line-profiles", "instrument-profiles")
_MACHINE_ID = Path("/etc/machine-id")
_DUMP_S = 3600.0


def gather(home: Home, settings: Settings, store: Store, staging: Path) -> list[tuple[str, Path]]:
    """Lay the databases' snapshots into `staging`; returns (member name, file) of all that is to be saved.

    Raises BoxError `backup.no_room`, `backup.not_written`, `backup.dump_failed`.
    """
    parts = [_database(home, settings, store, staging)]
    edge = home.root / EDGE
    if edge.exists():
        parts.append((EDGE, _vacuumed(edge, staging / "kamailio.sqlite")))
    parts += [(name, home.root / name) for name in FILES if (home.root / name).is_file()]
    for folder in FOLDERS:
        for path in sorted((home.root / folder).rglob("*")):
            if path.is_file() and not path.is_symlink() and not path.name.startswith("."):
                parts.append((str(path.relative_to(home.root)), path))
    return parts


def about(store: Store, now: datetime) -> dict[str, Any]:
    """The manifest's words about the box; `counts` come from the snapshot (see `counted`)."""
    return {
        "made_at": now.isoformat(timespec="seconds"), "product": product_version(), "schema": schema_of(store),
        "box": box_name(), "store": "sqlite" if store.is_sqlite else "postgresql",
    }  # fmt: skip


def box_name() -> str:
    """Host name and the machine's own number."""
    machine = _MACHINE_ID.read_text("ascii").strip()[:12] if _MACHINE_ID.exists() else ""
    return f"{socket.gethostname()} {machine}".strip()


def schema_of(store: Store) -> str:
    """The version of the tables."""
    with store.read() as session:
        return str(session.scalar(text("SELECT version_num FROM alembic_version")) or "")


def counted(store: Store) -> dict[str, int]:
    """Rows of each table of our own (SQLite's and the search's inner ones left out)."""
    with store.read() as session:
        names = inspect(session.connection()).get_table_names()
        return {
            name: int(session.scalar(select(func.count()).select_from(table(name))) or 0)
            for name in sorted(names) if not name.startswith(("sqlite_", "kb_search"))
        }  # fmt: skip


def _database(home: Home, settings: Settings, store: Store, staging: Path) -> tuple[str, Path]:
    if store.is_sqlite:
        return DATABASE, _vacuumed(database_path(home, settings), staging / DATABASE)
    target = staging / DUMP
    run_postgresql(["pg_dump", "--format=custom", f"--file={target}"], settings.store.url)
    return DUMP, target


def database_path(home: Home, settings: Settings) -> Path:
    """The SQLite file of a box."""
    return Path(make_url(settings.store.url).database or "") if settings.store.url else home.database


def _vacuumed(source: Path, target: Path) -> Path:
    """A whole, compact copy of a SQLite file in one read transaction: who writes meanwhile is not held up (WAL)."""
    size = source.stat().st_size
    if shutil.disk_usage(target.parent).free < 2 * size:
        raise no_room(target.parent, 2 * size)
    target.unlink(missing_ok=True)
    os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        # never opened by the file's own process through other connections' locks: sqlite keeps them apart by its own
        with closing(sqlite3.connect(source, timeout=30.0, isolation_level=None)) as database:
            database.execute("PRAGMA query_only = OFF")
            database.execute("VACUUM INTO ?", (str(target),))
    except sqlite3.OperationalError as error:
        if "full" in str(error):
            raise full(target.parent, OSError(28, "No space left on device")) from error
        raise StoreError("store.busy", f"The database could not be copied: {error}.", retryable=True) from error
    except sqlite3.DatabaseError as error:
        raise StoreError("store.corrupt", f"The database cannot be read whole: {error}.") from error
    return target


def run_postgresql(command: list[str], url: str) -> None:
    """Run a PostgreSQL program on a database; the password goes through the environment, not the arguments.

    Raises BoxError `backup.dump_failed`.
    """
    parsed = make_url(url)
    environment = {**os.environ, "PGDATABASE": parsed.database or "postgres"}
    host = parsed.host or parsed.query.get("host")
    for name, value in (("PGHOST", host), ("PGPORT", parsed.port), ("PGUSER", parsed.username),
                        ("PGPASSWORD", parsed.password)):  # fmt: skip
        if value:
            environment[name] = str(value)
    try:
        ran = subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_DUMP_S,
            check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BoxError("backup.dump_failed", f"{command[0]} could not be run: {error}.") from error
    if ran.returncode != 0:
        raise BoxError("backup.dump_failed", f"{command[0]} failed: {ran.stderr.strip()[-300:]}")
