"""The device's own address: a network that comes later than the box is followed, a cable that goes is not."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.integration
SCRIPT = Path(__file__).resolve().parents[3] / "image_build/image/overlay/usr/lib/callbox/addresses"
_WAIT_S = 60.0


def ip(words: str) -> None:
    subprocess.run([shutil.which("ip") or "/usr/sbin/ip", *words.split()], check=True)


def wait_for(path: Path, text: str) -> None:
    deadline = time.monotonic() + _WAIT_S
    while not path.exists() or text not in path.read_text():
        assert time.monotonic() < deadline, path.read_text() if path.exists() else f"no {path}"
        time.sleep(0.05)


def test_a_network_that_comes_late_starts_the_services_anew(tmp_path: Path) -> None:
    settings, told = tmp_path / "settings.toml", tmp_path / "told"
    systemctl = tmp_path / "systemctl"
    systemctl.write_text(f'#!/bin/sh\necho "$@" >>{told}\n')
    systemctl.chmod(0o755)
    environment = {**os.environ, "CALLBOX_DEVICE_SETTINGS": str(settings), "CALLBOX_SYSTEMCTL": str(systemctl)}
    subprocess.run([str(SCRIPT)], env=environment, check=True)
    assert 'seat_address = "127.0.0.1"' in settings.read_text()
    assert not told.exists()
    watch = subprocess.Popen([str(SCRIPT), "watch"], env=environment, start_new_session=True)
    try:
        ip("tuntap add late0 mode tap")
        ip("link set late0 up")
        ip("address add 10.9.8.7/24 dev late0")
        wait_for(settings, 'seat_address = "10.9.8.7"')
        wait_for(told, "try-restart callbox-supervisord.service")
        ip("address del 10.9.8.7/24 dev late0")
        ip("address add 10.9.8.6/24 dev late0")
        wait_for(settings, 'seat_address = "10.9.8.6"')
        assert "127.0.0.1" not in settings.read_text()
    finally:
        os.killpg(watch.pid, 15)
        watch.wait(30)
