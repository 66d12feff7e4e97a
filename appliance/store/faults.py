"""What a database error means for the box: driver codes in, StoreError with a clear text out."""

from __future__ import annotations

import sqlite3
import sys

from sqlalchemy.exc import DBAPIError

from appliance.errors import StoreError

_TEXTS: dict[str, tuple[str, bool]] = {
    "store.busy": ("The database is in use by another task and did not become free in time. Try again.", True),
    "store.disk_full": (
        "The disk is full: the database could not be written. Nothing stored is lost. Make room, then try again.",
        True,
    ),
    "store.corrupt": (
        "The database file is damaged or is not a Callbox database. Stop the box and restore the last backup.",
        False,
    ),
    "store.read_only": (
        "The database cannot be written: it is read-only. Check the disk and the rights of the data folder.",
        False,
    ),
    "store.away": ("The database cannot be reached. Check its address in the settings and that it runs.", True),
    "store.not_migrated": ("The database has not been set up by this version. Start the box once to set it up.", False),
    "store.io": ("The disk reported an error while the database was used. Check the disk's health.", True),
}
# https://www.sqlite.org/rescode.html (primary result codes)
_SQLITE = {
    sqlite3.SQLITE_BUSY: "store.busy", sqlite3.SQLITE_LOCKED: "store.busy", sqlite3.SQLITE_FULL: "store.disk_full",
    sqlite3.SQLITE_CORRUPT: "store.corrupt", sqlite3.SQLITE_NOTADB: "store.corrupt",
    sqlite3.SQLITE_READONLY: "store.read_only", sqlite3.SQLITE_CANTOPEN: "store.away",
    sqlite3.SQLITE_IOERR: "store.io", sqlite3.SQLITE_PERM: "store.read_only",
}  # fmt: skip
# https://www.postgresql.org/docs/15/errcodes-appendix.html
_SQLSTATES = {
    "55P03": "store.busy", "40001": "store.busy", "40P01": "store.busy", "53300": "store.busy",
    "53100": "store.disk_full", "25006": "store.read_only", "42P01": "store.not_migrated",
    "42703": "store.not_migrated", "XX001": "store.corrupt", "XX002": "store.corrupt", "58030": "store.io",
    "3D000": "store.away",
}  # fmt: skip


def store_error(error: DBAPIError) -> StoreError | None:
    """The StoreError for a driver's error, or None when it is not the database's state that is wrong."""
    error_id = _error_id(error.orig)
    if error_id is None:
        return None
    message, retryable = _TEXTS[error_id]
    return StoreError(error_id, message, retryable=retryable, cause=str(error.orig).strip())


def busy() -> StoreError:
    """All connections of this process are in use."""
    message, retryable = _TEXTS["store.busy"]
    return StoreError("store.busy", message, retryable=retryable)


def _error_id(cause: BaseException | None) -> str | None:
    if isinstance(cause, sqlite3.Error):
        code = getattr(cause, "sqlite_errorcode", None)
        if code == sqlite3.SQLITE_ERROR and str(cause).startswith(("no such table", "no such column")):
            return "store.not_migrated"
        return _SQLITE.get(code & 0xFF) if code is not None else None
    psycopg = sys.modules.get("psycopg")  # not loaded where the database is SQLite: it costs a service's start
    if psycopg is not None and isinstance(cause, psycopg.Error):
        state = cause.sqlstate
        if state is None:  # psycopg's own: no connection, or it broke
            return "store.away" if isinstance(cause, psycopg.OperationalError) else None
        if state[:2] in {"08", "57", "28"}:
            return "store.busy" if state == "57014" else "store.away"
        return _SQLSTATES.get(state)
    return None
