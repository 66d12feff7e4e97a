"""The store's promises on both databases: migrations, transactions, clear errors."""

from __future__ import annotations

import contextlib
import sqlite3
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import event, func, insert, inspect, select, text
from sqlalchemy.exc import IntegrityError

from appliance.errors import StoreError
from appliance.settings import Home, Settings, StoreSettings
from appliance.store import db, models
from appliance.store.db import Store, migrate, migration_config, open_store
from appliance.store.migrations import is_comparable
from appliance.store.models import Base, DoNotCall, Lead, Seat

pytestmark = pytest.mark.integration

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def _entry(number: str) -> DoNotCall:
    return DoNotCall(number=number, created_at=NOW)


def _count(store: Store) -> int:
    with store.read() as session:
        return session.scalar(select(func.count()).select_from(DoNotCall)) or 0


def test_models_and_migrations_agree(store: Store) -> None:
    with store.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "include_object": is_comparable})
        assert compare_metadata(context, Base.metadata) == []


def test_all_indexes_are_there(store: Store) -> None:
    """By name, those over expressions too (they cannot be compared in full)."""
    catalogue = "sqlite_master WHERE type = 'index'" if store.is_sqlite else "pg_indexes"
    column = "name" if store.is_sqlite else "indexname"
    with store.read() as session:
        there = set(session.scalars(text(f"SELECT {column} FROM {catalogue}")))
    assert {str(index.name) for table in Base.metadata.tables.values() for index in table.indexes} <= there


def test_migrating_again_changes_nothing(store: Store) -> None:
    with store.write() as session:
        session.add(_entry("+1"))
    migrate(store)
    assert _count(store) == 1


def test_two_services_may_migrate_at_once(url: str) -> None:
    stores = [Store(url) for _ in range(3)]
    failures: list[BaseException] = []

    def run(one: Store) -> None:
        try:
            migrate(one)
        except Exception as error:  # noqa: BLE001 - whatever it is, the test says so
            failures.append(error)

    threads = [threading.Thread(target=run, args=(one,)) for one in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert failures == []
    assert _count(stores[0]) == 0
    for one in stores:
        one.close()


def test_a_write_is_all_or_nothing(store: Store) -> None:
    with pytest.raises(IntegrityError), store.write() as session:
        session.add_all([_entry("+1"), _entry("+1")])
    assert _count(store) == 0


def test_a_read_cannot_write(store: Store) -> None:
    with pytest.raises(StoreError) as caught, store.read() as session:
        session.execute(insert(DoNotCall).values(number="+1", created_at=NOW))
    assert caught.value.error_id == "store.read_only"
    with store.write() as session:  # the connection is not spoilt for writers
        session.add(_entry("+2"))
    assert _count(store) == 1


def test_a_read_sees_one_snapshot(store: Store) -> None:
    with store.read() as session:
        before = session.scalar(select(func.count()).select_from(DoNotCall))
        with store.write() as other:
            other.add(_entry("+1"))
        after = session.scalar(select(func.count()).select_from(DoNotCall))
    assert (before, after) == (0, 0)
    assert _count(store) == 1


def test_writers_wait_for_each_other(store: Store) -> None:
    with store.write() as session:
        session.add(Seat(id="100", display_name="0"))

    def add() -> None:
        for _ in range(10):
            with store.write() as session:
                seat = session.get(Seat, "100", with_for_update=True)
                assert seat is not None
                seat.display_name = str(int(seat.display_name) + 1)

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    with store.read() as session:
        assert session.scalar(select(Seat.display_name)) == "40"


def test_instants_come_back_aware_and_in_utc(store: Store) -> None:
    with store.write() as session:
        session.add(DoNotCall(number="+1", created_at=NOW.astimezone(timezone(timedelta(hours=8)))))
    with store.read() as session:
        found = session.scalar(select(DoNotCall.created_at))
    assert found == NOW
    assert found is not None
    assert found.tzinfo is UTC
    with pytest.raises(Exception, match="naive"), store.write() as session:
        session.add(DoNotCall(number="+2", created_at=datetime(2026, 1, 1)))  # noqa: DTZ001


def test_a_broken_rule_is_the_callers(store: Store) -> None:
    with store.write() as session:
        session.add(_entry("+1"))
    with pytest.raises(IntegrityError), store.write() as session:
        session.add(_entry("+1"))
    with pytest.raises(IntegrityError), store.write() as session:  # foreign keys hold on SQLite too
        session.add(
            Lead(id="l", campaign_id="none", contact_id="none", number="+1", state="waiting", next_attempt_at=NOW)
        )


def test_an_unmigrated_database_is_told(url: str) -> None:
    store = Store(url)
    with pytest.raises(StoreError) as caught:
        _count(store)
    assert caught.value.error_id == "store.not_migrated"
    store.close()


def test_a_held_lock_is_told_as_busy(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("appliance.store.db.BUSY_TIMEOUT_S", 0.1)
    impatient = Store(store.engine.url.render_as_string(hide_password=False))
    with store.write() as holder:
        holder.add(_entry("+1"))
        holder.flush()
        with pytest.raises(StoreError) as caught, impatient.write() as session:
            session.add(_entry("+1"))
    impatient.close()
    assert caught.value.error_id == "store.busy"
    assert caught.value.retryable


def test_more_readers_than_connections_are_told_as_busy(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(db._POOL, "pool_timeout", 0.05)
    small = Store(store.engine.url.render_as_string(hide_password=False))
    with contextlib.ExitStack() as held:
        for _ in range(25):
            held.enter_context(small.read()).execute(text("SELECT 1"))
        with pytest.raises(StoreError) as caught, small.read() as session:
            session.execute(text("SELECT 1"))
    small.close()
    assert caught.value.error_id == "store.busy"


# ---- SQLite alone -----------------------------------------------------------------------------------------


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    home.make()
    return home


def test_sqlite_is_set_up_for_power_cuts(home: Home) -> None:
    store = open_store(home, Settings())
    migrate(store)
    with store.read() as session:
        pragmas = {
            name: session.execute(text(f"PRAGMA {name}")).scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 5000}
    files = list(home.root.glob(f"{home.database.name}*"))
    assert len(files) == 3  # with -wal and -shm, which hold the same data
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    store.close()


def test_what_was_written_does_not_stand_in_an_error(store: Store) -> None:
    """Errors are logged, and a log is no place for customers."""
    with pytest.raises(IntegrityError) as caught, store.write() as session:
        session.execute(insert(DoNotCall), [{"number": "+1", "reason": "Mr Wang asked", "created_at": NOW}] * 2)
    assert "Wang" not in str(caught.value)


def test_a_full_disk_loses_nothing_that_was_written(home: Home) -> None:
    store = open_store(home, Settings())
    migrate(store)
    with store.write() as session:
        session.add(_entry("+1"))

    def full(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute("PRAGMA max_page_count = 1")  # not less than it has now

    event.listen(store.engine, "connect", full)
    store.engine.dispose()
    with pytest.raises(StoreError) as caught, store.write() as session:
        session.add_all([DoNotCall(number=f"+2{n}", reason="x" * 100, created_at=NOW) for n in range(5000)])
    assert caught.value.error_id == "store.disk_full"
    store.close()
    again = open_store(home, Settings())
    assert _count(again) == 1
    with again.write() as session:
        session.add(_entry("+2"))
    assert _count(again) == 2
    again.close()


@pytest.mark.parametrize("content", [b"this is no database " * 100, b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_damaged_file_is_told(home: Home, content: bytes) -> None:
    home.database.write_bytes(content)
    with pytest.raises(StoreError) as caught:
        open_store(home, Settings())
    assert caught.value.error_id == "store.corrupt"
    assert home.database.read_bytes() == content


def test_a_missing_server_is_told(home: Home) -> None:
    settings = Settings(store=StoreSettings(url=f"postgresql://callbox@/x?host={home.root}"))
    with pytest.raises(StoreError) as caught:
        open_store(home, settings)
    assert caught.value.error_id == "store.away"


_WRITER = """
import sys
from datetime import UTC, datetime
from appliance.store import db
from appliance.store.db import Store
from appliance.store.models import DoNotCall
store = Store(sys.argv[1])
for number in range(100000):
    with store.write() as session:
        session.add(DoNotCall(number=f"+{number}", created_at=datetime.now(UTC)))
    print(number, flush=True)
"""


def test_what_was_committed_outlives_kill(store: Store) -> None:
    """Every write that was reported is there after kill -9, and at most one that was not."""
    url = store.engine.url.render_as_string(hide_password=False)
    writer = subprocess.Popen([sys.executable, "-c", _WRITER, url], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    reported = 0
    while reported < 20:  # a line of the log (slow writes) is no report
        reported += writer.stdout.readline().strip().isdigit()
    writer.kill()
    reported += sum(line.isdigit() for line in writer.stdout.read().splitlines())
    writer.wait()
    writer.stdout.close()
    assert reported <= _count(store) <= reported + 1


def test_data_moves_to_the_numbers(url: str) -> None:
    """0004: a retired number stays retired, rows that point to a rebuilt table keep pointing, indexes are there."""
    store = Store(url)
    config = migration_config()
    with store._writer.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0003")
        for statement in (
            ("INSERT INTO campaigns (id, name, mode, state, config, created_at)"
            " VALUES ('c', 'Old', 'progressive', 'draft', '{}', '2026-01-01 00:00:00')"),
            ("INSERT INTO contacts (id, number, name, number_state, number_state_reason, created_at)"
            " VALUES ('k', '+8613800138000', 'Li', 'retired', 'vacant', '2026-01-01 00:00:00')"),
            ("INSERT INTO leads (id, campaign_id, contact_id, number, name, external_id, currency, fields, state,"
            " priority, attempts, next_attempt_at, last_outcome) VALUES"
            " ('l', 'c', 'k', '+8613800138000', 'Li', '', '', '{}', 'retired', 0, 1, '2026-01-01 00:00:00', 'vacant')"),
            ("INSERT INTO attempts (id, campaign_id, lead_id, number, trunk_id, created_at, kind, reason, evidence,"
            " abandoned, disposition, note, last_seq, media) VALUES ('a', 'c', 'l', '+8613800138000', 'main',"
            " '2026-01-01 00:00:00', '', '', '{}', false, '', '', 0, '{}')"),
        ):
            connection.execute(text(statement))
    migrate(store)
    with store.read() as session:
        number = session.get_one(models.PhoneNumber, "+8613800138000")
        assert (number.state, number.state_reason, number.verdicts) == ("retired", "vacant", [])
        one = session.get_one(models.ContactNumber, ("k", 0))
        assert (one.number, one.type) == ("+8613800138000", "unknown")
        attempt = session.get_one(models.Attempt, "a")
        assert (attempt.contact_id, attempt.lead_id) == ("k", "l")
        indexes = {index["name"] for index in inspect(session.connection()).get_indexes("leads")}
    assert {"ix_leads_next", "ix_leads_number", "ix_leads_contact_id"} <= indexes
    with store.write() as session, pytest.raises(IntegrityError):
        session.execute(text("DELETE FROM leads WHERE id = 'l'"))  # the attempt still points to it
    store.close()
