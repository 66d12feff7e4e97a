"""A box worth a backup, one at its first start, and how to tell them apart."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import func, select

from appliance.jobs import audit
from appliance.jobs.backup import keys, restore
from appliance.jobs.backup.archive import Archive
from appliance.jobs.context import Context
from appliance.settings import Home, load_secrets, load_settings, save_settings
from appliance.store import models
from appliance.store.db import Store, open_store
from appliance.store.sealed import unwrap, wrap
from tests.integration.jobs.boxes import new_context

WORDS = "a long passphrase"
KEY = keys.new_key(WORDS, cost=2**4)
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def add_people(store: Store, count: int) -> None:
    with store.write() as session:
        for n in range(count):
            session.add(models.Contact(id=f"k{n}", number=f"+861380000{n:04d}", created_at=NOW))


def filled_box(folder: Path) -> Context:
    """A set-up box with an administrator, people, a recording's key, a prompt and settings of its own."""
    context = new_context(folder)
    add_people(context.store, 50)
    secret = context.secrets.archive_key.get_secret_value()
    with context.store.write() as session:
        session.add(models.User(id="boss", login="boss", role="administrator", password_hash="x", created_at=NOW))
        session.add(models.User(id="sup", login="sup", role="supervisor", password_hash="x", created_at=NOW))
        session.flush()
        session.add(models.RecordingKey(recording_id="r1", wrapped_key=wrap(secret, b"k" * 32, "recording:r1")))
        audit.append(session, NOW, actor_id="boss", action="test.line", subject="box")
    (context.home.prompts / "greeting.wav").write_bytes(b"RIFF" + bytes(5000))
    (context.home.prompts / "zh").mkdir()
    (context.home.prompts / "zh" / "问候.wav").write_bytes(b"RIFF zh")
    save_settings(context.home, {"dialling": {"company_name": "Müller 公司"}})
    return context


def blank_box(folder: Path) -> Home:
    """A box at its first start: its own secrets, a database, nobody in it, a set-up link."""
    context = new_context(folder)
    context.store.close()
    context.home.set_up_token.write_text("token")
    return context.home


def files_of(home: Home) -> dict[str, str]:
    """All files of a box but what runs and what is under way."""
    skipped = ("restoring", "run", "log", "backups")
    return {
        str(path.relative_to(home.root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(home.root.rglob("*"))
        if path.is_file() and path.relative_to(home.root).parts[0] not in skipped and not path.name.endswith("-shm")
    }


def prepare(home: Home, backup: Path, passphrase: str = WORDS) -> None:
    with Archive(backup, passphrase) as opened:
        restore.prepare(home, load_settings(home), opened, by="boss")


def assert_is_filled_box(home: Home) -> None:
    """The box of `filled_box`, whole."""
    assert load_settings(home).dialling.company_name == "Müller 公司"
    assert (home.prompts / "zh" / "问候.wav").read_bytes() == b"RIFF zh"
    secret = load_secrets(home).archive_key.get_secret_value()
    store = open_store(home, load_settings(home))
    try:
        with store.read() as session:
            assert session.scalar(select(func.count()).select_from(models.Contact)) == 50
            assert unwrap(secret, session.get_one(models.RecordingKey, "r1").wrapped_key, "recording:r1") == b"k" * 32
            lines = [row.action for row in session.scalars(select(models.AuditEntry).order_by(models.AuditEntry.id))]
        assert lines == ["test.line", "backup.restored"]
        assert audit.verify(store).broken_at is None
    finally:
        store.close()
    assert not home.restoring.exists()
    assert not home.set_up_token.exists()
