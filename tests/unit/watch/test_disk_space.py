"""Each file system under recordings, archive and database is looked at, each once."""

from __future__ import annotations

import os
from collections import namedtuple
from pathlib import Path
from typing import Any

import pytest

from appliance.settings import Home, Settings
from appliance.watch.conditions import disk_space

pytestmark = pytest.mark.unit

Usage = namedtuple("Usage", "total used free")
MB = 2**20


def look(home: Home, monkeypatch: pytest.MonkeyPatch, free_mb: dict[str, int], *, apart: bool) -> dict[str, str]:
    """Free room by folder name; `apart`: each on a file system of its own, of 10 GB."""
    real = Path.stat

    def stat(path: Path, **words: Any) -> Any:
        found = real(path, **words)
        device = {"spool": 1, "archive": 2}.get(path.name, 3) if apart else 1
        return os.stat_result((*found[:2], device, *found[3:10]))

    monkeypatch.setattr(Path, "stat", stat)
    monkeypatch.setattr(
        disk_space.shutil, "disk_usage", lambda path: Usage(10_000 * MB, 0, free_mb[Path(path).name] * MB)
    )
    found = disk_space.DiskSpace(home, Settings()).check()
    assert all(finding.title and finding.text for finding in found)
    return {finding.key: finding.alert for finding in found}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    home.make()
    return home


def test_room_everywhere(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    assert look(home, monkeypatch, {"spool": 5000, "archive": 5000, "home": 5000}, apart=True) == {}


def test_each_file_system_has_its_own_word(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    assert look(home, monkeypatch, {"spool": 100, "archive": 100, "home": 100}, apart=True) == {
        "disk.low": "disk.low", "disk.low.archive": "disk.low_archive", "disk.low.database": "disk.low_database",
    }  # fmt: skip


def test_one_file_system_is_said_once(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    assert look(home, monkeypatch, {"spool": 100, "archive": 100, "home": 100}, apart=False) == {"disk.low": "disk.low"}
