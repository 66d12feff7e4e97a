"""The service code opens once, waits after wrong ones, and only its hash is kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.console import code

pytestmark = pytest.mark.unit


def test_a_code_opens_once(tmp_path: Path) -> None:
    path = tmp_path / "code.json"
    assert not code.use(path, "")
    made = code.make(path)
    assert made.replace("-", "") not in path.read_text("ascii")
    assert path.stat().st_mode & 0o777 == 0o600
    assert not code.use(path, "AAAA-BBBB-CCCC")
    assert code.exists(path)
    assert code.use(path, made.lower().replace("-", " "))  # as people write it down
    assert not code.exists(path)
    assert not code.use(path, made)


def test_guessing_has_to_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "code.json"
    made = code.make(path)
    monkeypatch.setattr("time.time", lambda: 1000.0)
    for _ in range(5):
        assert code.wait_s(path) == 0
        assert not code.use(path, "WRNG")
    assert code.wait_s(path) == 30
    assert not code.use(path, made)  # not even looked at
    monkeypatch.setattr("time.time", lambda: 1031.0)
    assert code.use(path, made)


def test_a_broken_file_opens_nothing(tmp_path: Path) -> None:
    path = tmp_path / "code.json"
    path.write_bytes(b"\xff{")
    assert not code.exists(path)
    assert not code.use(path, "anything")
