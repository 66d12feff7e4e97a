"""Copies to a real Samba server: checked after they arrived, gone on with after a break, faults told apart."""

from __future__ import annotations

import os
import pwd
import random
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from smbclient._io import SMBRawIO

from appliance.errors import BoxError
from appliance.jobs.backup import copies
from appliance.outside import smb
from appliance.settings import BackupSettings

pytestmark = pytest.mark.integration

_PORT, _PASSWORD = 4450, "over the counter"
_ME = pwd.getpwuid(os.geteuid()).pw_name  # root, of this machine or of a user namespace


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder that a server offers as share `备份`; `locked` may only be read, `full` holds a megabyte."""
    folder = tmp_path_factory.mktemp("samba")
    kept, small, config = folder / "kept", folder / "small", folder / "smb.conf"
    kept.mkdir()
    small.mkdir()
    places = ("private dir", "state directory", "cache directory", "lock directory", "pid directory", "ncalrpc dir")
    config.write_text(
        "\n".join(["[global]", *(f"{place} = {folder}" for place in places)])
        + f"\nsmb ports = {_PORT}\ninterfaces = lo\nbind interfaces only = yes\nserver role = standalone\n"
        f"passdb backend = smbpasswd:{folder}/smbpasswd\nmap to guest = never\nserver signing = mandatory\n"
        f"disable spoolss = yes\nload printers = no\nlog file = {folder}/log\n"
        f"[备份]\npath = {kept}\nread only = no\n[locked]\npath = {kept}\nread only = yes\n"
        f"[full]\npath = {small}\nread only = no\n",
        "utf-8",
    )
    words = ["smbpasswd", "-c", str(config), "-s", "-a", _ME]
    subprocess.run(words, input=f"{_PASSWORD}\n{_PASSWORD}\n", text=True, check=True, capture_output=True)
    small_disk = f"mount -t tmpfs -o size=1m tmpfs {small} && exec smbd --foreground --configfile={config}"
    with subprocess.Popen(["unshare", "-m", "sh", "-c", f"PATH=$PATH:/usr/sbin; {small_disk}"]) as server:
        deadline = time.monotonic() + 60
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", _PORT)) == 0:
                    break
            assert server.poll() is None, "make setup installs samba"
            assert time.monotonic() < deadline, (folder / "log").read_text("utf-8", "replace")[-2000:]
            time.sleep(0.05)
        yield kept
        server.terminate()


def _put(
    source: Path, name: str, share: str = "备份/office 1", user: str = _ME, password: str = _PASSWORD, port: int = _PORT
) -> None:
    settings = BackupSettings(
        copy_to=f"smb://127.0.0.1:{port}/{share}", smb_user=user, smb_password=SecretStr(password)
    )
    to = copies.place(settings)
    assert to is not None
    to.put(source, name)


def test_backups_and_recordings_arrive_in_folders_of_their_own(kept: Path, tmp_path: Path) -> None:
    source = tmp_path / "b"
    source.write_bytes(b"sealed" * 500_000)
    for name in ("backups/callbox-1.cbb", "recordings/2026-11/a.cbr"):
        _put(source, name)
        assert (kept / "office 1" / name).read_bytes() == source.read_bytes()
    source.write_bytes(b"newer!" * 100_000)
    _put(source, "backups/callbox-1.cbb")
    assert (kept / "office 1/backups/callbox-1.cbb").read_bytes() == source.read_bytes()
    assert not list(kept.rglob("*.part"))


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Sizes of what goes over the line."""
    found: list[int] = []
    write = SMBRawIO.write

    def counted(self: SMBRawIO, data: Any) -> int:
        found.append(count := write(self, data))
        return int(count)

    monkeypatch.setattr(SMBRawIO, "write", counted)
    return found


def test_a_broken_copy_goes_on_where_it_was(kept: Path, tmp_path: Path, sent: list[int]) -> None:
    source, there = tmp_path / "b", kept / "office 1/backups"
    source.write_bytes(random.Random(7).randbytes(3_000_000))
    there.mkdir(parents=True, exist_ok=True)
    (there / "2.cbb.part").write_bytes(source.read_bytes()[:2_900_000])
    _put(source, "backups/2.cbb")
    assert (there / "2.cbb").read_bytes() == source.read_bytes()
    assert sum(sent) == 100_000
    _put(source, "backups/2.cbb")
    assert sum(sent) == 100_000, "what is there whole is not sent again"


@pytest.mark.parametrize("left", [b"another file" * 10, b"longer than the file" * 100], ids=["other", "longer"])
def test_what_another_file_left_there_never_becomes_a_copy(kept: Path, tmp_path: Path, left: bytes) -> None:
    source, there = tmp_path / "b", kept / "office 1/backups"
    source.write_bytes(b"sealed" * 200)
    there.mkdir(parents=True, exist_ok=True)
    (there / "3.cbb.part").write_bytes(left)
    (there / "3.cbb").unlink(missing_ok=True)
    if len(left) < 1200:
        with pytest.raises(BoxError, match="arrived changed"):
            _put(source, "backups/3.cbb")
        assert not (there / "3.cbb").exists()
    _put(source, "backups/3.cbb")
    assert (there / "3.cbb").read_bytes() == source.read_bytes()


def test_faults_are_told_apart_and_tried_again(kept: Path, tmp_path: Path) -> None:
    source = tmp_path / "b"
    source.write_bytes(b"sealed" * 400_000)
    faults: tuple[tuple[dict[str, Any], str, str], ...] = (
        ({"password": "not the word"}, "smb.login", "wrong name or password"),
        ({"user": "nobody-here"}, "smb.login", "'nobody-here'"),
        ({"user": ""}, "smb.login", "need a user"),
        ({"share": "gone"}, "smb.share", "no share 'gone'"),
        ({"share": "locked"}, "smb.denied", "write into share 'locked'"),
        ({"share": "full"}, "smb.disk_full", "no room left"),
    )
    for given, error_id, why in faults:
        with pytest.raises(BoxError, match=why) as failed:
            _put(source, "backups/4.cbb", **given)
        assert failed.value.error_id == error_id
        assert failed.value.retryable
        assert _PASSWORD not in failed.value.message
    assert not list(kept.rglob("4.cbb*"))
    with pytest.raises(BoxError, match="Connection refused"):
        _put(source, "backups/4.cbb", port=_PORT + 1)


def test_a_server_that_falls_silent_is_left(kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the box and the server stands somebody who keeps the answers back once the copy has begun."""
    monkeypatch.setattr(smb, "_SILENT_S", 0.5)
    monkeypatch.setattr(smb, "_LOOK_S", 0.05)
    source, there = tmp_path / "b", kept / "office 1/backups"
    source.write_bytes(random.Random(8).randbytes(2_000_000))
    with socket.create_server(("127.0.0.1", 0)) as door, socket.create_connection(("127.0.0.1", _PORT)) as server:

        def pass_on(client: socket.socket) -> None:
            with client:
                while data := client.recv(65536):
                    server.sendall(data)

        def pass_back(client: socket.socket) -> None:
            while (data := server.recv(65536)) and not (there / "5.cbb.part").exists():
                client.sendall(data)

        def serve() -> None:
            client, _ = door.accept()
            threading.Thread(target=pass_back, args=(client,), daemon=True).start()
            pass_on(client)

        serving = threading.Thread(target=serve)
        serving.start()
        with pytest.raises(BoxError) as failed:
            _put(source, "backups/5.cbb", port=door.getsockname()[1])
        serving.join(60)
        server.shutdown(socket.SHUT_RDWR)
    assert failed.value.error_id == "smb.failed"
    _put(source, "backups/5.cbb")
    assert (there / "5.cbb").read_bytes() == source.read_bytes()
