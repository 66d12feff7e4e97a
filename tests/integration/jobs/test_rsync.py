"""Copies by the real rsync to a real rsync server: checked after they arrived, and refusals said in its own words."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.errors import BoxError
from appliance.jobs.backup import copies
from appliance.settings import BackupSettings

pytestmark = pytest.mark.integration

_PORT = 873


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Path]:
    """The folder that a server offers as module `box`; `locked` may only be read."""
    folder, config = tmp_path / "kept", tmp_path / "rsyncd.conf"
    folder.mkdir()
    common = f"path = {folder}\nuse chroot = no\nuid = root\ngid = root\n"
    config.write_text(f"[box]\n{common}read only = no\n[locked]\n{common}read only = yes\n")
    rsync = shutil.which("rsync")
    assert rsync is not None, "make setup installs rsync"
    words = [rsync, "--daemon", "--no-detach", f"--config={config}", f"--port={_PORT}", "--address=127.0.0.1"]
    with subprocess.Popen(words) as server:
        deadline = time.monotonic() + 60
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", _PORT)) == 0:
                    break
            assert time.monotonic() < deadline, "the server does not come up"
            time.sleep(0.05)
        yield folder
        server.terminate()


def _place(module: str) -> copies.Place:
    to = copies.place(BackupSettings(copy_to=f"rsync://127.0.0.1/{module}/office-1/"))
    assert to is not None
    return to


def test_backups_and_recordings_arrive_in_folders_of_their_own(kept: Path, tmp_path: Path) -> None:
    source = tmp_path / "b"
    source.write_bytes(b"sealed" * 100_000)
    for name in ("backups/callbox-1.cbb", "recordings/2026-11/a.cbr"):
        _place("box").put(source, name)
        assert (kept / "office-1" / name).read_bytes() == source.read_bytes()
    source.write_bytes(b"newer!" * 100_000)
    _place("box").put(source, "backups/callbox-1.cbb")
    assert (kept / "office-1/backups/callbox-1.cbb").read_bytes() == source.read_bytes()


def test_a_refusal_is_told_and_tried_again(kept: Path, tmp_path: Path) -> None:
    source = tmp_path / "b"
    source.write_bytes(b"sealed")
    for module, why in (("locked", "read only"), ("unknown", "Unknown module")):
        with pytest.raises(BoxError, match=why) as failed:
            _place(module).put(source, "backups/callbox-1.cbb")
        assert failed.value.retryable
    assert not list(kept.iterdir())
