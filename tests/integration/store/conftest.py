"""Both databases: SQLite in a file, and a PostgreSQL 15 of our own on a unix socket."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text

from appliance.store.db import Store, migrate
from tests.databases import migrated

POSTGRESQL_BIN = Path("/usr/lib/postgresql/15/bin")


def _as_postgres(*command: str) -> list[str]:
    """PostgreSQL refuses to run as root."""
    return ["runuser", "-u", "postgres", "--", *command] if os.geteuid() == 0 else list(command)


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd="/", check=False)
    assert done.returncode == 0, f"{command}: {done.stderr}"


@pytest.fixture(scope="session")
def postgresql_socket() -> Iterator[Path]:
    """The folder of the socket of a running server; its data is gone afterwards."""
    if not (POSTGRESQL_BIN / "initdb").exists():
        pytest.skip("PostgreSQL 15 is not installed (apt-get install postgresql-15)")
    folder = Path(tempfile.mkdtemp(prefix="cbpg"))  # short: a socket's path has 107 characters at most
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres", "postgres")
    data, binaries = folder / "data", POSTGRESQL_BIN
    control = str(binaries / "pg_ctl")
    try:
        _run(*_as_postgres(str(binaries / "initdb"), "-D", str(data), "-U", "callbox", "-A", "trust", "-E", "UTF8"))
        options = f"-c listen_addresses='' -c unix_socket_directories={folder} -c shared_buffers=32MB -c fsync=off"
        _run(*_as_postgres(control, "-D", str(data), "-w", "-l", str(folder / "log"), "-o", options, "start"))
        try:
            yield folder
        finally:
            _run(*_as_postgres(control, "-D", str(data), "-w", "-m", "immediate", "stop"))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _new_database(socket: Path, name: str, template: str = "template0") -> str:
    """Make a database, in place of one of the same name; returns its URL."""
    engine = create_engine(
        f"postgresql+psycopg://callbox@/postgres?host={socket}", isolation_level="AUTOCOMMIT"
    )
    with engine.connect() as connection:
        connection.execute(text(f"DROP DATABASE IF EXISTS {name}"))
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {template} ENCODING 'UTF8'"))
    engine.dispose()
    return f"postgresql://callbox@/{name}?host={socket}"


@pytest.fixture(scope="session")
def postgresql_template(postgresql_socket: Path) -> str:
    """The name of a database with this version's tables: migrating is most of a small test's time."""
    name = f"migrated_{os.getpid()}"
    opened = Store(_new_database(postgresql_socket, name))
    migrate(opened)
    opened.close()
    return name


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'callbox.sqlite'}"
    socket: Path = request.getfixturevalue("postgresql_socket")
    return _new_database(socket, f"t{os.getpid()}_{abs(hash(str(tmp_path))) % 10**12}")


@pytest.fixture
def store(url: str, request: pytest.FixtureRequest) -> Iterator[Store]:
    """A migrated store."""
    if (path := make_url(url).database) and url.startswith("sqlite"):
        shutil.copyfile(migrated(), path)
    else:
        template = request.getfixturevalue("postgresql_template")
        _new_database(request.getfixturevalue("postgresql_socket"), str(path), template)
    opened = Store(url)
    migrate(opened)
    yield opened
    opened.close()
