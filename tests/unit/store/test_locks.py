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
OTHER = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('INSERT INTO t VALUES (2)'); c.commit()"


def test_a_store_sees_what_others_write_after_a_second_one_was_opened(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.make()
    first = open_store(home, load_settings(home))
    with first.write() as session:
        session.execute(text("CREATE TABLE t (n INTEGER)"))
        session.execute(text("INSERT INTO t VALUES (1)"))
    with first.read() as session:
        assert session.execute(text("SELECT count(*) FROM t")).scalar() == 1
    open_store(home, load_settings(home)).close()
    for _ in range(2):  # the last to close takes the write-ahead log away, unless our lock forbids it
        subprocess.run([sys.executable, "-c", OTHER, str(home.database)], check=True)
    with first.read() as session:
        assert session.execute(text("SELECT count(*) FROM t")).scalar() == 3
    first.close()
