"""Crypto-erase for real: the key slots of a LUKS header are destroyed, and its key opens nothing any more."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from appliance.services.privileged import erase

pytestmark = pytest.mark.integration


def _cryptsetup(*words: str | Path) -> int:
    program = shutil.which("cryptsetup", path="/usr/sbin:/sbin:/usr/bin:/bin")
    assert program is not None, "make setup installs cryptsetup"
    return subprocess.run([program, *words], check=False, capture_output=True, timeout=120).returncode


def test_the_key_opens_nothing_afterwards(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/usr/sbin:/sbin:/usr/bin:/bin")
    partition, key = tmp_path / "data", tmp_path / "key"
    key.write_bytes(bytes(range(64)))
    with partition.open("wb") as handle:
        handle.truncate(32 * 2**20)
    kind = ("--type", "luks2", "--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000")
    assert _cryptsetup("luksFormat", "-q", *kind, "--key-file", key, partition) == 0
    opens = ("open", "--test-passphrase", "--key-file", key, partition)
    assert _cryptsetup(*opens) == 0
    assert erase.main((tmp_path / "not-there", partition)) == 0
    assert capfd.readouterr().out == "erased\n"
    assert _cryptsetup(*opens) != 0


def test_a_plain_partition_says_so(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/usr/sbin:/sbin:/usr/bin:/bin")
    partition = tmp_path / "data"
    partition.write_bytes(bytes(2**20))
    assert erase.main((partition,)) == 0
    assert erase.main((tmp_path / "not-there",)) == 0
    assert capfd.readouterr().out == "plain\nplain\n"
