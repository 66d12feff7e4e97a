"""An empty database with this version's tables, made once per process: migrating is most of a small test's time."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path

from appliance.settings import Home, Settings, load_settings
from appliance.store.db import Store, migrate, open_store


def new_store(home: Home, settings: Settings) -> Store:
    """The open store of a home, with this version's tables; what it holds already stays."""
    if not home.database.exists():
        shutil.copyfile(migrated(), home.database)
    store = open_store(home, settings)
    migrate(store)
    return store


@cache
def migrated() -> Path:
    """The file of an empty migrated SQLite database, to be copied."""
    home = Home(Path(tempfile.mkdtemp(prefix="cbdb")))
    atexit.register(shutil.rmtree, home.root, ignore_errors=True)
    store = open_store(home, load_settings(home))
    migrate(store)
    store.close()
    return home.database
