"""The same backup where the database is PostgreSQL: made by pg_dump, tried in a database of its own, put back."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import func, select

from appliance.jobs.backup import keys, restore, shelf, trial
from appliance.jobs.backup.archive import Archive
from appliance.settings import Home, load_secrets, load_settings, save_settings
from appliance.store import models
from appliance.store.db import migrate, open_store
from appliance.store.sealed import wrap
from tests.integration.store.conftest import _new_database

pytestmark = pytest.mark.integration
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def test_made_tried_and_put_back(postgresql_socket: Path, tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.make()
    save_settings(home, {"store": {"url": _new_database(postgresql_socket, f"backup{os.getpid()}")}})
    settings = load_settings(home)
    store = open_store(home, settings)
    migrate(store)
    secret = load_secrets(home).archive_key.get_secret_value()
    with store.write() as session:
        session.add(models.Contact(id="k1", number="+8613800000001", created_at=NOW))
        session.add(models.RecordingKey(recording_id="r", wrapped_key=wrap(secret, b"k" * 32, "recording:r")))
    key = keys.new_key("a long passphrase", cost=2**4)
    path = shelf.make(home, settings, store, key, NOW, why=shelf.HAND)
    with store.write() as session:
        session.add(models.Contact(id="k2", number="+8613800000002", created_at=NOW))
    found = trial.run(home, settings, path, NOW, key=key)
    assert (found.keys_opened, found.rows > 1) == (1, True)
    store.close()
    with Archive(path, "a long passphrase") as opened:
        restore.prepare(home, settings, opened)
    assert restore.finish(home, NOW) is not None
    store = open_store(home, load_settings(home))
    with store.read() as session:
        assert session.scalar(select(func.count()).select_from(models.Contact)) == 1
        assert session.scalar(select(models.AuditEntry.action)) == "backup.restored"
    store.close()
