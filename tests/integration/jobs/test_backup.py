"""Backups of a real box: made while others write, restored elsewhere, refused when not whole, killed half way."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy import func, select

from appliance import commands
from appliance.clock import ManualClock
from appliance.errors import BoxError, CallboxError, CallerError, NotAllowedError, StoreError
from appliance.events import LiveJob
from appliance.jobs import audit
from appliance.jobs.backup import archive, keys, restore, shelf, trial
from appliance.jobs.backup.archive import Archive
from appliance.jobs.backup.service import BACKUP, COPY, TRIAL, Backups
from appliance.jobs.context import Context
from appliance.jobs.queue import Progress, WorkQueue
from appliance.settings import Home, load_secrets, load_settings, save_settings
from appliance.store import models
from appliance.store.db import Store, open_store
from appliance.store.read import backups as read
from appliance.store.sealed import unwrap, wrap
from appliance.types import LOCAL_ACTOR
from tests.integration.jobs.boxes import START, Shown, new_context

pytestmark = pytest.mark.integration
WORDS = "a long passphrase"
KEY = keys.new_key(WORDS, cost=2**4)
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def _people(store: Store, count: int) -> None:
    with store.write() as session:
        for n in range(count):
            session.add(models.Contact(id=f"k{n}", number=f"+861380000{n:04d}", created_at=NOW))


def _box(folder: Path) -> Context:
    """A set-up box with an administrator, people, a recording's key, a prompt and settings of its own."""
    context = new_context(folder)
    _people(context.store, 50)
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


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Context:
    return _box(tmp_path_factory.mktemp("first"))


@pytest.fixture(scope="module")
def made(first: Context) -> Path:
    return shelf.make(first.home, load_settings(first.home), first.store, KEY, NOW, why=shelf.HAND)


def _blank(folder: Path) -> Home:
    """A box at its first start: its own secrets, a database, nobody in it, a set-up link."""
    context = new_context(folder)
    context.store.close()
    context.home.set_up_token.write_text("token")
    return context.home


def _state(home: Home) -> dict[str, str]:
    """All files of a box but what runs and what is under way."""
    skipped = ("restoring", "run", "log", "backups")
    return {
        str(path.relative_to(home.root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(home.root.rglob("*"))
        if path.is_file() and path.relative_to(home.root).parts[0] not in skipped and not path.name.endswith("-shm")
    }


def _prepared(home: Home, backup: Path, passphrase: str = WORDS) -> None:
    with Archive(backup, passphrase) as opened:
        restore.prepare(home, load_settings(home), opened, by="boss")


def _is_first(home: Home) -> None:
    """The box of `_box`, whole."""
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


def test_another_box_becomes_this_one(made: Path, tmp_path: Path) -> None:
    home = _blank(tmp_path)
    (home.archive / "2026-02").mkdir()
    (home.archive / "2026-02" / "old.cbr").write_bytes(b"recorded here")
    before = _state(home)
    _prepared(home, made)
    assert _state(home) == before, "until it is put in place nothing changes"
    done = restore.finish(home, NOW)
    assert done is not None
    assert done.made_at == NOW.isoformat()
    _is_first(home)
    assert (home.archive / "2026-02" / "old.cbr").exists()
    assert restore.finish(home, NOW) is None


def test_a_snapshot_is_one_moment_though_others_write(tmp_path: Path) -> None:
    context = _box(tmp_path)
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


@pytest.mark.parametrize(
    ("harm", "error_id"),
    [(lambda data: data[: len(data) // 2], "backup.incomplete"),
     (lambda data: data[:-100] + bytes([data[-100] ^ 1]) + data[-99:], "backup.damaged"),
     (lambda data: b"CBBACKUP\0\x09" + data[10:], "backup.newer"), (lambda data: b"x" * 5000, "backup.not_a_backup")],
)  # fmt: skip
def test_what_is_not_whole_changes_nothing(
    made: Path, tmp_path: Path, harm: Callable[[bytes], bytes], error_id: str
) -> None:
    home = _blank(tmp_path / "home")
    before = _state(home)
    harmed = tmp_path / "harmed.cbb"
    harmed.write_bytes(harm(made.read_bytes()))
    with pytest.raises(CallerError) as refused:
        _prepared(home, harmed)
    assert refused.value.error_id == error_id
    assert _state(home) == before
    assert not home.restoring.exists()
    assert restore.finish(home, NOW) is None


def test_a_wrong_passphrase_and_a_newer_box_change_nothing(made: Path, first: Context, tmp_path: Path) -> None:
    home = _blank(tmp_path)
    with pytest.raises(CallerError) as refused:
        _prepared(home, made, "another passphrase")
    assert refused.value.error_id == "backup.wrong_passphrase"
    for changes in ({"product": "9.0.0"}, {"schema": "9999"}, {"counts": {"contacts": 51}}):
        about = {"made_at": NOW.isoformat(), "product": "0.1.0", "schema": "0001", "box": "b", "store": "sqlite",
                 "counts": {"contacts": 50}, **changes}  # fmt: skip
        odd = tmp_path / "odd.cbb"
        parts = [("callbox.sqlite", first.home.database), ("secrets.toml", first.home.secrets_file)]
        archive.write(odd, parts, KEY, about)
        with pytest.raises(CallerError) as refused:
            _prepared(home, odd)
        assert refused.value.error_id == ("backup.damaged" if "counts" in changes else "backup.newer")
        assert not home.restoring.exists()


class Killed(BaseException):
    """The power goes at this rename."""


def _dies_at(count: int) -> Callable[[Path, Path], None]:
    left = [count]

    def move(source: Path, target: Path) -> None:
        if left[0] == 0:
            raise Killed
        left[0] -= 1
        restore._rename(source, target)

    return move


@pytest.fixture(scope="module")
def waiting(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A blank box at which a restore is ready; to be copied."""
    home = _blank(tmp_path_factory.mktemp("waiting"))
    _prepared(home, made)
    return home.root


def _copied(waiting: Path, folder: Path) -> Home:
    shutil.copytree(waiting, folder)
    return Home(folder)


def test_cut_off_at_any_rename_it_is_finished_at_the_next_start(waiting: Path, tmp_path: Path) -> None:
    for at in range(60):
        home = _copied(waiting, tmp_path / f"box{at}")
        try:
            restore.finish(home, NOW, move=_dies_at(at))
        except Killed:
            with pytest.raises(StoreError, match="cut off"):
                open_store(home, load_settings(home))
            assert restore.finish(home, NOW) is not None
            _is_first(home)
        else:
            assert at > 8, "each file and folder is a step of its own"
            return
    pytest.fail("never got through")


def _given_back(home: Home, move: Callable[[Path, Path], None]) -> bool:
    """Whether it was told; a restore that does not open never counts as done."""
    try:
        assert restore.finish(home, NOW, move=move) is None
    except BoxError as error:
        if error.error_id != "backup.not_opened":
            raise
        return True
    return False


def test_a_restore_that_does_not_open_is_taken_back_also_when_cut_off(waiting: Path, tmp_path: Path) -> None:
    before: dict[str, str] = {}
    for at in range(90):
        home = _copied(waiting, tmp_path / f"box{at}")
        before = before or _state(home)
        (home.restoring / "new" / "callbox.sqlite").write_bytes(b"no database" * 1000)
        try:
            told = _given_back(home, _dies_at(at))
        except Killed:
            _given_back(home, restore._rename)
            told = False
        assert _state(home) == before, at
        if told:
            assert at > 16, "there and back again"
            return
    pytest.fail("never got through")


def test_unpacking_that_was_cut_off_leaves_the_box_as_it_was(tmp_path: Path) -> None:
    home = _blank(tmp_path)
    before = _state(home)
    (home.restoring / "new").mkdir(parents=True)
    (home.restoring / "new" / "callbox.sqlite").write_bytes(b"half")
    assert restore.finish(home, NOW) is None
    assert _state(home) == before
    assert not home.restoring.exists()


FULL = """
import resource, signal, sys
from datetime import UTC, datetime
from pathlib import Path
from appliance.errors import CallboxError
from appliance.jobs.backup import keys, restore, shelf
from appliance.jobs.backup.archive import Archive
from appliance.settings import Home, load_settings
from appliance.store.db import open_store
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
home, now = Home(Path(sys.argv[1])), datetime.now(UTC)
store = open_store(home, load_settings(home))
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), resource.RLIM_INFINITY))
try:
    if sys.argv[2] == "make":
        shelf.make(home, load_settings(home), store, keys.new_key("a long passphrase", cost=16), now, why="hand")
    else:
        with Archive(Path(sys.argv[2]), "a long passphrase") as opened:
            restore.prepare(home, load_settings(home), opened)
except CallboxError as error:
    print(error.error_id)
"""


def test_a_disk_that_fills_up_in_the_middle(made: Path, tmp_path: Path) -> None:
    """The size of a file is limited, as a full disk would: what was begun goes, what was there stays."""
    context = _box(tmp_path)
    context.store.close()
    before = _state(context.home)
    for what in ("make", str(made)):
        ran = subprocess.run(
            [sys.executable, "-c", FULL, str(context.home.root), what, "100000"], capture_output=True, text=True,
            timeout=120, check=False,
        )  # fmt: skip
        assert ran.stdout.strip() in ("backup.not_written", "store.busy", "backup.no_room"), ran.stdout + ran.stderr
        assert _state(context.home) == before
        assert list(context.home.backups.iterdir()) == []
        assert not context.home.restoring.exists()


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
    return Service(_box(tmp_path / "box"))


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
        assert (share / "backups" / one.name).read_bytes() == one.path.read_bytes()


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
