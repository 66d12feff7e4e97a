"""The database can be read: asked past the store's own connections, so that it holds when those are stuck."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from appliance.settings import Home, Settings
from appliance.types import Severity
from appliance.watch.conditions.base import Finding


class DatabaseReadable:
    """SQLite in the home folder; a database elsewhere has a watch of its own."""

    id = "database"
    interval_s = 10.0
    keys = ("database.",)

    def __init__(self, home: Home, settings: Settings) -> None:
        self._path = None if settings.store.url else home.database

    def check(self) -> list[Finding]:
        if self._path is None or not self._path.exists():
            return []
        try:
            with closing(sqlite3.connect(f"file:{self._path}?mode=ro", uri=True, timeout=2.0)) as database:
                database.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                return []  # it is there and somebody writes
            return [self._finding(error)]
        except sqlite3.DatabaseError as error:
            return [self._finding(error)]
        return []

    @staticmethod
    def _finding(error: sqlite3.DatabaseError) -> Finding:
        said = f"SQLite says: {error}."
        return Finding(key="database.away", severity=Severity.CRITICAL, alert="database.away", data={"error": said})
