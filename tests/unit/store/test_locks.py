"""A second store in the same process must not take the locks away from the first one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import text

from appliance.settings import Home, load_settings
from appliance.store.db import open_store

pytestmark = pytest.mark.unit
OTHER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
connection.execute("INSERT INTO t VALUES (2)")
connection.commit()
connection.close()
"""


def test_a_second_store_leaves_the_first_its_locks(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.make()
    first = open_store(home, load_settings(home))
    with first.write() as session:
        session.execute(text("CREATE TABLE t (n INTEGER)"))
        session.execute(text("INSERT INTO t VALUES (1)"))
    with first.read() as session:
        assert session.execute(text("SELECT count(*) FROM t")).scalar() == 1
    open_store(home, load_settings(home)).close()
    subprocess.run([sys.executable, "-c", OTHER, str(home.database)], check=True)
    # the last to close takes the write-ahead log away: with our lock gone it would be taken from under us
    assert home.database.with_name(home.database.name + "-wal").exists()
    with first.read() as session:
        assert session.execute(text("SELECT count(*) FROM t")).scalar() == 2
    first.close()
