"""Updates and resets with a boot loader and a root helper that are told what to say; tables of the first release."""

from __future__ import annotations

import json
import re
import socket
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest
from alembic import command
from sqlalchemy import inspect, select, text

from appliance import commands
from appliance.clock import ManualClock
from appliance.errors import BoxError, CallerError, NotAllowedError, StoreError
from appliance.jobs import update, upgrade
from appliance.jobs.backup import archive, content, keys, restore
from appliance.jobs.backup.archive import Archive
from appliance.jobs.backup.service import Backups
from appliance.jobs.context import Context
from appliance.jobs.queue import WorkQueue
from appliance.jobs.reset import CERTIFICATE, Resets
from appliance.jobs.update import UPDATE, Updates
from appliance.settings import Home, load_settings
from appliance.store import models
from appliance.store.db import Store, migrate, migration_config, open_store
from appliance.store.read import backups as read_backups
from appliance.store.read import updates as read
from appliance.store.sealed import wrap
from appliance.watch.conditions.backups import BackupsMade, UpdateWent
from tests.integration.jobs.boxes import new_context

pytestmark = pytest.mark.integration
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
FIRST_RELEASE = "0003"
"""The tables of the tag v0.1.0."""
INFO = {"compatible": "callbox-x86-64", "version": "0.2.0", "description": None}
STATUS = {"compatible": "callbox-x86-64", "booted": "A", "slots": [
    {"rootfs.0": {"class": "rootfs", "bootname": "A", "state": "booted", "boot_status": "good",
                  "slot_status": {"bundle": {"version": "0.1.0"}, "installed": {"timestamp": "2026-01-01T00:00:00Z"}}}},
    {"kernel.0": {"class": "kernel", "bootname": None, "state": "active"}},
    {"rootfs.1": {"class": "rootfs", "bootname": "B", "state": "inactive", "boot_status": "bad"}},
]}  # fmt: skip


class Root:
    """privd, as it would answer."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.answers = {
            "update-info": f"rauc-Message: Verified\n{json.dumps(INFO)}\n", "slots-show": json.dumps(STATUS),
            "boot-variables": "ORDER=B A\nTRIAL=B\n",
        }  # fmt: skip
        self.fails: dict[str, str] = {}

    def __call__(self, action: str, _actor_id: str, _arguments: dict[str, str]) -> str:
        self.asked.append(action)
        if action in self.fails:
            raise BoxError("privileged.failed", f"'{action}' failed: {self.fails[action]}")
        return self.answers.get(action, "")


class _Silent:
    def __call__(self, done: int, total: int, message: str = "") -> None:
        """Nobody looks."""

    def check(self) -> None:
        """Nobody stops it."""


class Device:
    """A device with slot A running."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(keys, "_COST", 2**4)
        monkeypatch.setattr(read, "boot_id", lambda: self.boot)
        monkeypatch.setattr(update, "product_version", lambda: self.version)
        self.boot, self.slot, self.version, self.root = "boot1", "A", "0.1.0-7-gabc", Root()
        plain = new_context(folder)
        self.context: Context = replace(plain, doors=replace(plain.doors, root=self.root))
        with self.context.store.write() as session:
            session.add(models.User(id="boss", login="boss", role="administrator", password_hash="x", created_at=NOW))
            session.add(models.User(id="sup", login="sup", role="supervisor", password_hash="x", created_at=NOW))
        queue = WorkQueue(self.context, [])
        self.backups = Backups(self.context, queue)
        self.updates = Updates(self.context, queue, self.backups, slot=lambda: self.slot)

    @property
    def home(self) -> Home:
        return self.context.home

    def upload(self, data: bytes = b"bundle") -> dict[str, Any]:
        path = self.home.uploads / "given.raucb"
        path.write_bytes(data)
        return self.updates.check(commands.CheckUpdate(actor_id="boss", path=str(path))).data

    def ask(self, when: str = "now") -> None:
        self.updates.apply(commands.ApplyUpdate(actor_id="boss", when=when))

    def run(self) -> dict[str, Any]:
        return self.updates.run({}, cast("Any", _Silent()))

    @property
    def state(self) -> str:
        return str(read.updates(self.home).apply.get("state") or "")


@pytest.fixture
def device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Device:
    made = Device(tmp_path, monkeypatch)
    made.backups.set_passphrase(commands.SetBackupPassphrase(actor_id="boss", passphrase="a long passphrase"))
    return made


def test_an_update_from_the_upload_to_a_proven_slot(device: Device) -> None:
    assert device.upload() == {"version": "0.2.0", "description": "", "skew": "newer"}
    device.ask()
    device.run()
    assert device.root.asked == ["update-info", "update-install", "reboot"]
    kept = read_backups.backups(device.home)
    assert [one.why for one in kept] == ["update"]
    device.updates.follow()
    assert device.state == "rebooting", "the reboot is still to come"
    device.boot, device.slot, device.version = "boot2", "B", "0.2.0"
    assert device.run() == {}, "the job that was cut off by the reboot installs nothing again"
    device.updates.follow()
    assert device.state == "rebooting", "on trial"
    device.root.answers["boot-variables"] = "ORDER=B A\nTRIAL=\n"
    device.updates.follow()
    state = read.updates(device.home)
    assert (device.state, state.bundle, [one["state"] for one in state.history]) == ("good", {}, ["good"])
    assert not read.bundle_file(device.home).exists()
    assert UpdateWent(device.home).check() == []


def test_an_update_that_did_not_stay_is_said(device: Device) -> None:
    device.upload()
    device.ask()
    device.run()
    device.boot = "boot4"
    device.updates.follow()
    assert device.state == "returned"
    assert [one.key for one in UpdateWent(device.home).check()] == ["update.failed"]
    with device.context.store.read() as session:
        said = [row.action for row in session.scalars(select(models.AuditEntry).order_by(models.AuditEntry.id))]
    assert said[-3:] == ["update.uploaded", "update.asked", "update.returned"]


def test_no_backup_no_update(device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    device.upload()
    device.ask()

    def full(*_: Any, **__: Any) -> Path:
        raise BoxError("backup.no_room", "There is no room.")

    monkeypatch.setattr(update.shelf, "make", full)
    with pytest.raises(BoxError):
        device.run()
    assert device.state == "failed"
    assert "update-install" not in device.root.asked
    device.home.backup_key.unlink()
    with pytest.raises(CallerError, match="No passphrase"):
        device.ask()


def test_a_bundle_that_is_refused_at_the_slot(device: Device) -> None:
    device.upload()
    device.ask()
    device.root.fails["update-install"] = "bundle is damaged"
    with pytest.raises(BoxError):
        device.run()
    assert device.state == "failed"
    assert "reboot" not in device.root.asked


def test_a_file_that_was_changed_after_it_was_checked(device: Device) -> None:
    device.upload()
    device.ask()
    read.bundle_file(device.home).write_bytes(b"another")
    with pytest.raises(CallerError):
        device.run()
    assert "update-install" not in device.root.asked


@pytest.mark.parametrize(
    ("answer", "error_id"),
    [("garbage", "update.not_signed"), (json.dumps({**INFO, "compatible": "toaster"}), "update.not_for_this_box"),
     (json.dumps({**INFO, "version": "0.0.9"}), "update.skew"),
     (json.dumps({**INFO, "version": "2.0.0"}), "update.skew"),
     (json.dumps({**INFO, "version": "nightly"}), "update.skew"), (None, "update.not_signed")],
)  # fmt: skip
def test_what_is_no_update_for_this_box(device: Device, answer: str | None, error_id: str) -> None:
    if answer is None:
        device.root.fails["update-info"] = "signature verification failed"
    else:
        device.root.answers["update-info"] = answer
    with pytest.raises(CallerError) as refused:
        device.upload()
    assert refused.value.error_id == error_id
    assert not read.bundle_file(device.home).exists()
    with pytest.raises(CallerError) as refused:
        device.ask()
    assert refused.value.error_id == "update.none"


def test_at_the_quiet_hour_and_dropped(device: Device) -> None:
    device.upload()
    device.ask("quiet")
    with device.context.store.read() as session:
        assert session.get_one(models.Job, UPDATE).run_at == datetime(2026, 3, 3, 2, 0, tzinfo=UTC)
    device.updates.drop(commands.DropUpdate(actor_id="boss"))
    with device.context.store.read() as session:
        assert session.get(models.Job, UPDATE) is None
    assert device.run() == {}


RAUC_SAYS = """{"compatible":"callbox-x86-64","variant":"","booted":"A","boot_primary":"rootfs.0","slots":[
{"kernel.0":{"class":"kernel","device":"/dev/callbox/slot/kernelA","type":"raw","bootname":null,"state":"active",
"parent":"rootfs.0","mountpoint":null,"boot_status":null,"slot_status":{"bundle":{"compatible":null}}}},
{"rootfs.1":{"class":"rootfs","device":"/dev/callbox/slot/rootB","type":"raw","bootname":"B","state":"inactive",
"parent":null,"mountpoint":null,"boot_status":"bad","slot_status":{"bundle":{"compatible":null}}}},
{"rootfs.0":{"class":"rootfs","device":"/dev/callbox/slot/rootA","type":"raw","bootname":"A","state":"booted",
"parent":null,"mountpoint":null,"boot_status":"good","slot_status":{"bundle":{"compatible":null}}}}]}"""
"""What RAUC 1.8 said on a device that was never updated (two of its six slots are left out)."""


def test_the_slots_of_a_device_that_was_never_updated(device: Device) -> None:
    device.root.answers["slots-show"] = RAUC_SAYS.replace("\n", "") + "\n"  # one line, as it was said
    found = device.updates.show(commands.ShowSlots(actor_id="boss")).data["slots"]
    assert found == [
        {"name": "A", "running": True, "good": True, "version": "", "installed_at": ""},
        {"name": "B", "running": False, "good": False, "version": "", "installed_at": ""},
    ]


def test_slots_and_who_may(device: Device, tmp_path: Path) -> None:
    found = device.updates.show(commands.ShowSlots(actor_id="boss")).data
    assert found["device"]
    assert [(one["name"], one["running"], one["good"], one["version"]) for one in found["slots"]] == [
        ("A", True, True, "0.1.0"), ("B", False, False, "")
    ]  # fmt: skip
    for asked in (commands.ShowSlots, commands.ApplyUpdate, commands.DropUpdate):
        with pytest.raises(NotAllowedError):
            device.updates.handlers()[asked](asked(actor_id="sup"))
    with pytest.raises(NotAllowedError):
        device.updates.check(commands.CheckUpdate(actor_id="boss", path="/etc/passwd"))
    (tmp_path / "cmdline").write_text("quiet rauc.slot=B root=/dev/dm-0")
    assert update.running_slot(tmp_path / "cmdline") == "B"
    with pytest.raises(CallerError):
        update.fetch("file:///etc/passwd", tmp_path / "x")


def test_a_checkout_says_that_it_is_no_device(tmp_path: Path) -> None:
    context = new_context(tmp_path)
    updates = Updates(context, WorkQueue(context, []), Backups(context, WorkQueue(context, [])), slot=lambda: "")
    path = context.home.uploads / "x.raucb"
    path.write_bytes(b"x")
    with pytest.raises(CallerError) as refused:
        updates.check(commands.CheckUpdate(actor_id="cli", path=str(path)))
    assert refused.value.error_id == "box.not_a_device"
    assert updates.show(commands.ShowSlots(actor_id="cli")).data["device"] is False


# ---- tables ---------------------------------------------------------------------------------------------------------


def _first_release(folder: Path) -> Home:
    """A box of v0.1.0: its tables, with rows in each that has no parent or one."""
    home = Home(folder)
    home.make()
    home.database.touch(0o600)
    store = Store(home.database_url)
    config = migration_config()
    with store._writer.connect() as connection, connection.begin():
        config.attributes["connection"] = connection
        command.upgrade(config, FIRST_RELEASE)
    at = "2026-01-01 00:00:00.000000"
    with store.write() as session:
        for table, row in {
            "users": {"id": "u", "login": "boss", "role": "administrator", "password_hash": "x", "created_at": at},
            "campaigns": {"id": "c", "name": "Spring", "mode": "progressive", "state": "running", "config": "{}",
                          "created_at": at},
            "contacts": {"id": "k", "number": "+8613800000001", "created_at": at},
            "leads": {"id": "l", "campaign_id": "c", "contact_id": "k", "number": "+8613800000001", "state": "done",
                      "next_attempt_at": at},
            "attempts": {"id": "a", "campaign_id": "c", "lead_id": "l", "number": "+8613800000001", "trunk_id": "t",
                         "created_at": at, "outcome": "human"},
            "recordings": {"id": "r", "conversation_id": "a", "state": "archived", "started_at": at},
            "recording_keys": {"recording_id": "r", "wrapped_key": "k"},
            "seats": {"id": "s1"}, "trunks": {"id": "t", "config": "{}"},
        }.items():  # fmt: skip
            session.execute(_insert(inspect(session.connection()), table, row), row)
    store.close()
    return home


def _insert(tables: Any, table: str, row: dict[str, str]) -> Any:
    """The row, and for other columns that may not be empty what fits their kind."""
    for column in tables.get_columns(table):
        if column["name"] not in row and not column["nullable"] and column["default"] is None:
            kind = str(column["type"]).upper()
            empty = "{}" if "JSON" in kind else "2026-01-01 00:00:00.000000" if "DATE" in kind else ""
            row[column["name"]] = empty if re.match("VARCHAR|TEXT|JSON|DATE", kind) else cast("Any", 0)
    names = ", ".join(row)
    return text(f"INSERT INTO {table} ({names}) VALUES ({', '.join(':' + name for name in row)})")


def _rows(path: Path) -> dict[str, int]:
    with closing(sqlite3.connect(path)) as database:
        names = [row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        found = {name: database.execute(f"SELECT count(*) FROM [{name}]").fetchone()[0] for name in names}
    return {name: count for name, count in found.items() if count and name != "alembic_version"}


def test_the_first_releases_data_is_all_there_and_comes_back_with_its_slot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = _first_release(tmp_path)
    settings = load_settings(home)
    before = _rows(home.database)
    assert before["leads"] == before["recording_keys"] == 1
    assert upgrade.bring_up(home, settings) == "migrated"
    after = _rows(home.database)
    assert all(after[name] >= count for name, count in before.items())
    store = open_store(home, settings)
    migrate(store)
    with store.read() as session:
        assert session.get_one(models.Attempt, "a").outcome == "human"
        assert session.get_one(models.Campaign, "c").state == "running"
    with store.write() as session:  # the new version works for a while, then its health check fails
        session.add(models.Contact(id="k2", number="+8613800000002", created_at=NOW))
    store.close()
    assert upgrade.bring_up(home, settings) == ""
    with monkeypatch.context() as old:
        _as_of(old, FIRST_RELEASE)
        assert upgrade.bring_up(home, settings) == "put_back"
    assert _rows(home.database) == before
    assert _rows(home.updates / "after.sqlite")["contacts"] == 2
    assert upgrade.bring_up(home, settings) == "migrated"
    upgrade.proven(home)
    assert list(home.updates.iterdir()) == []


def _as_of(monkeypatch: pytest.MonkeyPatch, head: str) -> None:
    """Programs that know the migrations up to `head` only."""
    monkeypatch.setattr(upgrade, "newest_revision", lambda: head)
    monkeypatch.setattr(upgrade, "knows_revision", lambda revision: revision <= head)


def test_a_newer_database_without_its_past_is_not_touched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    context = new_context(tmp_path)
    context.store.close()
    before = context.home.database.read_bytes()
    _as_of(monkeypatch, FIRST_RELEASE)
    with pytest.raises(StoreError) as refused:
        upgrade.bring_up(context.home, context.settings)
    assert refused.value.error_id == "store.newer"
    assert context.home.database.read_bytes() == before


def test_rows_that_would_be_lost_stop_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = _first_release(tmp_path)
    before = _rows(home.database)

    def careless(store: Store) -> None:
        migrate(store)
        with store.write() as session:
            session.execute(text("DELETE FROM recording_keys"))

    monkeypatch.setattr(upgrade, "migrate", careless)
    with pytest.raises(StoreError, match="recording_keys"):
        upgrade.bring_up(home, load_settings(home))
    assert _rows(home.database) == before


def test_a_backup_of_the_first_release_is_restored_here(tmp_path: Path) -> None:
    old = _first_release(tmp_path / "old")
    key = keys.new_key("a long passphrase", cost=2**4)
    store = Store(old.database_url)
    about = {**content.about(store, NOW), "product": "0.1.0", "counts": content.counted(store)}
    store.close()
    load_settings(old)  # makes its secrets
    backup = tmp_path / "old.cbb"
    archive.write(backup, [("callbox.sqlite", old.database), ("secrets.toml", old.secrets_file)], key, about)
    home = new_context(tmp_path / "new").home
    with Archive(backup, "a long passphrase") as opened:
        restore.prepare(home, load_settings(home), opened)
    assert restore.finish(home, NOW) is not None
    opened_store = open_store(home, load_settings(home))
    with opened_store.read() as session:
        assert session.get_one(models.Lead, "l").state == "done"
    opened_store.close()


# ---- reset ----------------------------------------------------------------------------------------------------------


def test_a_reset_needs_the_boxs_name(device: Device) -> None:
    resets = Resets(device.context)
    for given in ("", "yes", "box"):
        with pytest.raises(CallerError, match="Type the name"):
            resets.reset(commands.ResetBox(actor_id="boss", confirmation=given))
    with pytest.raises(NotAllowedError):
        resets.reset(commands.ResetBox(actor_id="sup", confirmation=_name()))
    assert device.root.asked == []
    resets.reset(commands.ResetBox(actor_id="boss", confirmation=f" {_name()} "))
    assert device.root.asked == ["data-reset", "reboot"]


def _name() -> str:
    return socket.gethostname()


def test_after_decommissioning_nobody_opens_a_recording(device: Device) -> None:
    context = device.context
    secret = context.secrets.archive_key.get_secret_value()
    wrapped = wrap(secret, b"k" * 32, "recording:r1")
    with context.store.write() as session:
        session.add(models.Campaign(id="c", name="S", mode="progressive", state="running", config={}, created_at=NOW))
        session.add(models.RecordingKey(recording_id="r1", wrapped_key=wrapped))
    device.backups.make_now("hand")
    device.root.answers["data-erase"] = "erased\n"
    facts = Resets(context).decommission(commands.Decommission(actor_id="boss", confirmation=_name())).data
    assert (facts["recording_keys"], facts["disk"], facts["by"]) == (1, "erased", "boss")
    assert {"secrets.toml", "backup-key.json"} <= set(facts["files"])
    assert json.loads((context.home.root / CERTIFICATE).read_bytes()) == facts
    assert read_backups.backups(context.home) == []
    for path in context.home.root.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert secret.encode() not in data, path
            assert wrapped.encode() not in data, path
    with context.store.read() as session:
        assert session.get_one(models.Campaign, "c").state == "stopped"


# ---- what is watched ------------------------------------------------------------------------------------------------


def test_what_watch_says_of_backups(device: Device, tmp_path: Path) -> None:
    clock = cast("ManualClock", device.context.clock)

    def keys_of(home: Home = device.home, *, on_device: bool = True) -> list[str]:
        return [one.key for one in BackupsMade(home, clock, device=on_device).check()]

    assert keys_of() == []
    clock.advance(3 * 86400)
    assert keys_of() == ["backup.late"]
    device.backups.make_now("schedule")
    assert keys_of() == []
    update.shelf.note_state(device.home, test_error="It is damaged.", copy_error="no share")
    assert keys_of() == ["backup.test", "backup.copy"]
    update.shelf.note_state(device.home, test_error="", copy_error="", error="no room")
    assert keys_of() == ["backup.failed"]
    clock.advance(30 * 86400)
    update.shelf.note_state(device.home, error="")
    assert keys_of() == ["backup.late", "backup.test"]
    other = new_context(tmp_path / "other", clock=clock).home
    clock.advance(400 * 86400)  # later than the file's own time
    assert keys_of(other) == ["backup.none"]
    assert keys_of(other, on_device=False) == []

