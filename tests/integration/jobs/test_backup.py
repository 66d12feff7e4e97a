"""Backups of a real box: made while others write, by plan and by hand, copied, tested, asked for by whom may."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy import select

from appliance import commands
from appliance.clock import ManualClock
from appliance.errors import BoxError, CallboxError, CallerError, NotAllowedError
from appliance.events import LiveJob
from appliance.jobs.backup import keys, shelf, trial
from appliance.jobs.backup.archive import Archive
from appliance.jobs.backup.service import BACKUP, COPY, TRIAL, Backups
from appliance.jobs.context import Context
from appliance.jobs.queue import Progress, WorkQueue
from appliance.settings import save_settings
from appliance.store import models
from appliance.store.read import backups as read
from appliance.types import LOCAL_ACTOR
from tests.integration.jobs.backup_scene import (
    KEY,
    NOW,
    WORDS,
    filled_box,
)
from tests.integration.jobs.boxes import START, Shown

pytestmark = pytest.mark.integration


def test_a_snapshot_is_one_moment_though_others_write(tmp_path: Path) -> None:
    context = filled_box(tmp_path)
    stop = threading.Event()

    def write() -> None:
        n = 1000
        while not stop.is_set():
            with context.store.write() as session:  # two rows that belong together
                session.add(models.Contact(id=f"w{n}", number=f"+8613900{n:06d}", created_at=NOW))
                session.flush()
                session.add(models.ContactNumber(contact_id=f"w{n}", number=f"+8613900{n:06d}", position=0))
            n += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        path = shelf.make(context.home, context.settings, context.store, KEY, NOW, why=shelf.HAND)
    finally:
        stop.set()
        writer.join()
    found = trial.run(context.home, context.settings, path, NOW, key=KEY)
    assert found.keys_opened == 1
    with Archive(path, "", key=KEY) as opened:
        counts = opened.manifest.counts
    assert counts["contacts"] - 50 == counts["contact_numbers"]


# ---- the service -----------------------------------------------------------------------------------------------------


class Service:
    """Backups of one box by a clock that is set by hand, with a queue that nothing works off."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.backups = Backups(context, WorkQueue(context, []))

    def job(self, job_id: str) -> models.Job | None:
        with self.context.store.read() as session:
            return session.get(models.Job, job_id)

    def run(self, job_id: str) -> dict[str, Any]:
        job = self.job(job_id)
        assert job is not None
        work = {BACKUP: self.backups.run_backup, TRIAL: self.backups.run_trial, COPY: self.backups.run_copy}[job.kind]
        result = work(job.payload, Progress(self.context, job, threading.Event(), shown=False))
        with self.context.store.write() as session:
            session.get_one(models.Job, job_id).state = "finished"
        return result

    def ends(self, job_id: str) -> LiveJob:
        """Wait for a job that runs aside."""
        for thread in threading.enumerate():
            if thread.name in ("restore", TRIAL):
                thread.join(60)
        shown = cast("Shown", self.context.publish)
        return [event for _, event in shown if isinstance(event, LiveJob) and event.job_id == job_id][-1]


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Service:
    monkeypatch.setattr(keys, "_COST", 2**4)
    return Service(filled_box(tmp_path / "box"))


def _clock(service: Service) -> ManualClock:
    return cast("ManualClock", service.context.clock)


def test_the_plan(service: Service) -> None:
    service.backups.plan()
    assert service.job("backup-schedule") is None, "without a passphrase there is none"
    service.backups.set_passphrase(commands.SetBackupPassphrase(actor_id=LOCAL_ACTOR, passphrase=WORDS))
    job = service.job("backup-schedule")
    assert job is not None
    assert job.run_at == datetime(2026, 3, 3, 3, 30, tzinfo=UTC)
    assert read.state(service.context.home).next_at == job.run_at
    save_settings(service.context.home, {"backup": {"every": "week", "at_time": "22:15"}})
    service.backups.plan()
    job = service.job("backup-schedule")
    assert job is not None
    assert job.run_at == datetime(2026, 3, 8, 22, 15, tzinfo=UTC)
    save_settings(service.context.home, {"backup": {"every": ""}})
    service.backups.plan()
    assert service.job("backup-schedule") is None


def test_a_fortnight_of_nights(service: Service, tmp_path: Path) -> None:
    share = tmp_path / "share"
    share.mkdir()
    save_settings(service.context.home, {"backup": {"copy_to": str(share), "keep_days": 3, "keep_weeks": 0,
                                                    "keep_months": 0}})  # fmt: skip
    service.backups.set_passphrase(commands.SetBackupPassphrase(actor_id=LOCAL_ACTOR, passphrase=WORDS))
    tests = 0
    for _ in range(9):
        _clock(service).advance(86400)
        service.run("backup-schedule")
        service.backups.plan()
        job = service.job("backup-test")
        assert job is not None
        if job.run_at <= _clock(service).now():
            service.run("backup-test")
            tests += 1
            service.backups.plan()
    service.run("backup-copy")
    found = read.backups(service.context.home)
    assert [one.why for one in found] == ["schedule"] * 3
    assert tests == 2
    state = read.state(service.context.home)
    assert state.last_good_at == found[0].made_at == _clock(service).now()
    assert state.error == state.test_error == state.copy_error == ""
    assert sorted(path.name for path in (share / "backups").iterdir()) == sorted(one.name for one in found)
    for one in found:
        assert (share / "backups" / one.name).read_bytes() == (service.context.home.backups / one.name).read_bytes()


def test_recordings_are_copied_once_each(service: Service, tmp_path: Path) -> None:
    share, context = tmp_path / "share", service.context
    save_settings(context.home, {"backup": {"copy_to": str(share), "recordings": True}})
    service.backups.set_passphrase(commands.SetBackupPassphrase(actor_id=LOCAL_ACTOR, passphrase=WORDS))

    def record(n: int) -> None:
        folder = context.home.archive / "2026-03"
        folder.mkdir(exist_ok=True)
        (folder / f"r{n}.cbr").write_bytes(b"sealed %d" % n)
        with context.store.write() as session:
            session.add(models.Recording(
                id=f"rec{n}", conversation_id=f"c{n}", state="archived", started_at=NOW, archived_at=NOW,
                archive_path=str(folder / f"r{n}.cbr"),
            ))  # fmt: skip

    record(1)
    record(2)
    service.backups.plan()
    with pytest.raises(BoxError, match="is the share mounted"):
        service.run("backup-copy")
    assert "mounted" in read.state(context.home).copy_error
    assert read.state(context.home).copy_error_id == "copy.failed"
    share.mkdir()
    assert service.run("backup-copy") == {"backups": 0, "recordings": 2}
    record(3)
    service.backups.plan()
    assert service.run("backup-copy")["recordings"] == 1
    assert {path.name for path in (share / "recordings" / "2026-03").iterdir()} == {"r1.cbr", "r2.cbr", "r3.cbr"}
    assert read.state(context.home).recordings_copied == 3


def test_only_who_may_and_only_what_is_there(service: Service) -> None:
    backups = service.backups
    for command in (
        commands.MakeBackup(actor_id="sup"), commands.RestoreBackup(actor_id="sup", name="x.cbb"),
        commands.SetBackupPassphrase(actor_id="sup", passphrase=WORDS), commands.FetchBackup(actor_id="sup", name="x"),
        commands.AdoptBackup(actor_id="sup", path="/etc/passwd"), commands.RemoveBackup(actor_id="sup", name="x.cbb"),
        commands.TryBackup(actor_id="sup", name="x"), commands.CancelRestore(actor_id="sup"),
    ):  # fmt: skip
        with pytest.raises(NotAllowedError):
            backups.handlers()[type(command)](command)
    with pytest.raises(CallerError, match="No passphrase"):
        backups.make(commands.MakeBackup(actor_id="boss"))
    with pytest.raises(NotAllowedError):
        backups.adopt(commands.AdoptBackup(actor_id="boss", path="/etc/passwd"))
    for name in ("../secrets.toml", "state.json", "none.cbb", ""):
        with pytest.raises(CallerError) as refused:
            backups.fetch(commands.FetchBackup(actor_id="boss", name=name))
        assert refused.value.error_id == "backup.unknown"


def test_a_bad_one_fails_its_test_and_is_said(service: Service) -> None:
    service.backups.set_passphrase(commands.SetBackupPassphrase(actor_id="boss", passphrase=WORDS))
    path = service.backups.make_now(shelf.HAND)
    done = service.backups.try_(commands.TryBackup(actor_id="boss", name=path.name))
    assert service.ends(str(done.id)).state == "finished"
    assert read.backup(path).test == "good"
    data = bytearray(path.read_bytes())
    data[-50] ^= 1
    path.write_bytes(data)
    done = service.backups.try_(commands.TryBackup(actor_id="boss", name=path.name))
    assert service.ends(str(done.id)).result == {"error_id": "backup.damaged"}
    assert read.backup(path).test == "failed"
    assert "damaged" in read.state(service.context.home).test_error
    assert not list(service.context.home.backups.glob(".trial*"))


def test_restore_by_command_waits_for_the_next_start(service: Service) -> None:
    home = service.context.home
    service.backups.set_passphrase(commands.SetBackupPassphrase(actor_id="boss", passphrase=WORDS))
    path = service.backups.make_now(shelf.HAND)
    keys.keep(home, KEY)  # the box has another key by now
    with pytest.raises(CallerError):
        service.backups.restore(commands.RestoreBackup(actor_id="boss", name=path.name, passphrase="not this one"))
    done = service.backups.restore(commands.RestoreBackup(actor_id="boss", name=path.name, passphrase=WORDS))
    ended = service.ends(str(done.id))
    assert (ended.state, ended.result["restarts"]) == ("finished", False)
    assert read.restoring(home)["state"] == "ready"
    service.backups.cancel(commands.CancelRestore(actor_id="boss"))
    assert not home.restoring.exists()
    with service.context.store.read() as session:
        said = [row.action for row in session.scalars(select(models.AuditEntry).order_by(models.AuditEntry.id))]
    assert said == ["test.line", "backup.passphrase", "backup.restore", "backup.restore_cancelled"]


def test_an_uploaded_one_is_taken_under_a_name_of_our_own(service: Service, made: Path) -> None:
    given = service.context.home.uploads / "x.cbb"
    given.write_bytes(made.read_bytes())
    done = service.backups.adopt(commands.AdoptBackup(actor_id="boss", path=str(given)))
    view = read.backup(service.context.home.backups / str(done.id))
    assert (view.why, view.made_at, view.rows > 50) == ("upload", START, True)
    bad = service.context.home.uploads / "y.cbb"
    bad.write_bytes(b"PK\3\4" * 100)
    with pytest.raises(CallboxError) as refused:
        service.backups.adopt(commands.AdoptBackup(actor_id="boss", path=str(bad)))
    assert refused.value.error_id == "backup.not_a_backup"
