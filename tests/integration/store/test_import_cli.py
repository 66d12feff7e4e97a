"""`callbox import` as scripts use it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.integration


def _callbox(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "appliance.cli", "import", *arguments],
        capture_output=True, text=True, timeout=120, check=False, env={**os.environ, "CALLBOX_HOME": str(home)},
    )  # fmt: skip


def test_json_and_status(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_bytes("Имя;Телефон;Долг\nИван;8 916 123-45-67;1 234,50\nПётр;;1\nИван;+79161234567;1\n".encode("cp1251"))
    home = tmp_path / "home"
    options = [str(path), "--campaign", "Март", "--region", "ru", "--json"]
    dry = _callbox(home, *options, "--dry-run")
    assert dry.returncode == 0, dry.stderr
    done = _callbox(home, *options, "--rejects", str(tmp_path / "rejects.xlsx"))
    assert done.returncode == 0, done.stderr
    first, second = json.loads(dry.stdout), json.loads(done.stdout)
    for report in (first, second):
        assert (report["rows"], report["accepted"], report["rejected"], report["duplicates"]) == (3, 1, 1, 1)
        assert report["reasons"] == {"empty": 1}
        assert report["elapsed_s"] >= 0
    assert (first["campaign_id"], first["dry_run"], second["dry_run"]) == (None, True, False)
    assert (tmp_path / "rejects.xlsx").stat().st_size > 0


def test_wrong_use_is_two_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "list.xlsx"
    path.write_bytes(b"%PDF-1.7")
    done = _callbox(tmp_path / "home", str(path), "--campaign", "M", "--json")
    assert done.returncode == 2
    assert json.loads(done.stdout)["error_id"] == "import.wrong_file_type"
    assert "is a PDF document" in done.stderr


def test_a_fault_of_the_box_is_one(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "callbox.sqlite").write_bytes(b"no database " * 100)
    path = tmp_path / "list.csv"
    path.write_text("phone\n13800138000\n", "utf-8")
    done = _callbox(home, str(path), "--campaign", "M")
    assert done.returncode == 1
    assert "damaged" in done.stderr
