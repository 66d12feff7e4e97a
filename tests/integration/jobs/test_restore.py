"""A backup is put in place elsewhere, refused when it is not whole, and finished or taken back when it was cut off."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from appliance.errors import BoxError, CallerError, StoreError
from appliance.jobs.backup import archive, restore
from appliance.jobs.context import Context
from appliance.settings import Home, load_settings
from appliance.store.db import open_store
from tests.integration.jobs.backup_scene import (
    KEY,
    NOW,
    assert_is_filled_box,
    blank_box,
    files_of,
    filled_box,
    prepare,
)

pytestmark = pytest.mark.integration


def test_another_box_becomes_this_one(made: Path, tmp_path: Path) -> None:
    home = blank_box(tmp_path)
    (home.archive / "2026-02").mkdir()
    (home.archive / "2026-02" / "old.cbr").write_bytes(b"recorded here")
    before = files_of(home)
    prepare(home, made)
    assert files_of(home) == before, "until it is put in place nothing changes"
    done = restore.finish(home, NOW)
    assert done is not None
    assert done.made_at == NOW.isoformat()
    assert_is_filled_box(home)
    assert (home.archive / "2026-02" / "old.cbr").exists()
    assert restore.finish(home, NOW) is None


@pytest.mark.parametrize(
    ("harm", "error_id"),
    [(lambda data: data[: len(data) // 2], "backup.incomplete"),
     (lambda data: data[:-100] + bytes([data[-100] ^ 1]) + data[-99:], "backup.damaged"),
     (lambda data: b"CBBACKUP\0\x09" + data[10:], "backup.newer"), (lambda data: b"x" * 5000, "backup.not_a_backup")],
)  # fmt: skip
def test_what_is_not_whole_changes_nothing(
    made: Path, tmp_path: Path, harm: Callable[[bytes], bytes], error_id: str
) -> None:
    home = blank_box(tmp_path / "home")
    before = files_of(home)
    harmed = tmp_path / "harmed.cbb"
    harmed.write_bytes(harm(made.read_bytes()))
    with pytest.raises(CallerError) as refused:
        prepare(home, harmed)
    assert refused.value.error_id == error_id
    assert files_of(home) == before
    assert not home.restoring.exists()
    assert restore.finish(home, NOW) is None


def test_a_wrong_passphrase_and_a_newer_box_change_nothing(made: Path, first: Context, tmp_path: Path) -> None:
    home = blank_box(tmp_path)
    with pytest.raises(CallerError) as refused:
        prepare(home, made, "another passphrase")
    assert refused.value.error_id == "backup.wrong_passphrase"
    for changes in ({"product": "9.0.0"}, {"schema": "9999"}, {"counts": {"contacts": 51}}):
        about = {"made_at": NOW.isoformat(), "product": "0.1.0", "schema": "0001", "box": "b", "store": "sqlite",
                 "counts": {"contacts": 50}, **changes}  # fmt: skip
        odd = tmp_path / "odd.cbb"
        parts = [("callbox.sqlite", first.home.database), ("secrets.toml", first.home.secrets_file)]
        archive.write(odd, parts, KEY, about)
        with pytest.raises(CallerError) as refused:
            prepare(home, odd)
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
    home = blank_box(tmp_path_factory.mktemp("waiting"))
    prepare(home, made)
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
            assert_is_filled_box(home)
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
        before = before or files_of(home)
        (home.restoring / "new" / "callbox.sqlite").write_bytes(b"no database" * 1000)
        try:
            told = _given_back(home, _dies_at(at))
        except Killed:
            _given_back(home, restore._rename)
            told = False
        assert files_of(home) == before, at
        if told:
            assert at > 16, "there and back again"
            return
    pytest.fail("never got through")


def test_unpacking_that_was_cut_off_leaves_the_box_as_it_was(tmp_path: Path) -> None:
    home = blank_box(tmp_path)
    before = files_of(home)
    (home.restoring / "new").mkdir(parents=True)
    (home.restoring / "new" / "callbox.sqlite").write_bytes(b"half")
    assert restore.finish(home, NOW) is None
    assert files_of(home) == before
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
    context = filled_box(tmp_path)
    context.store.close()
    before = files_of(context.home)
    for what in ("make", str(made)):
        ran = subprocess.run(
            [sys.executable, "-c", FULL, str(context.home.root), what, "100000"], capture_output=True, text=True,
            timeout=120, check=False,
        )  # fmt: skip
        assert ran.stdout.strip() in ("backup.not_written", "store.busy", "backup.no_room"), ran.stdout + ran.stderr
        assert files_of(context.home) == before
        assert list(context.home.backups.iterdir()) == []
        assert not context.home.restoring.exists()
