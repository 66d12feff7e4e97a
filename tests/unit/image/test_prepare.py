"""The script before the services: what this version made ready is not made ready again, everything else is."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit

PREPARE = Path(__file__).resolve().parents[3] / "image_build/image/overlay/usr/lib/callbox/prepare"


class Device:
    """A home and a `callbox prepare` that notes that it was called."""

    def __init__(self, folder: Path) -> None:
        self.home, self.release = folder / "home", folder / "release"
        self.home.mkdir()
        self.release.write_text("1.2.0\n")
        self._called = folder / "called"
        program = folder / "callbox-prepare"
        program.write_text(
            f"#!/bin/sh\necho x >>{self._called}\n[ ! -e {folder}/fails ] || exit 1\n"
            f"echo x >{self.home}/secrets.toml\n[ -e {folder}/elsewhere ] || echo x >{self.home}/callbox.sqlite\n"
        )
        program.chmod(0o755)
        self._environment = {
            "CALLBOX_HOME": str(self.home), "CALLBOX_RELEASE": str(self.release), "CALLBOX_PREPARE": str(program),
        }  # fmt: skip

    def start(self, status: int = 0) -> int:
        """One start of the box; how often the work was done so far."""
        done = subprocess.run(["sh", str(PREPARE)], env=self._environment, capture_output=True, timeout=30, check=False)
        assert done.returncode == status, done.stderr
        return len(self._called.read_text().splitlines()) if self._called.exists() else 0


@pytest.fixture
def device(tmp_path: Path) -> Device:
    return Device(tmp_path)


def test_once_for_each_version(device: Device) -> None:
    assert [device.start(), device.start(), device.start()] == [1, 1, 1]
    device.release.write_text("1.3.0\n")
    assert [device.start(), device.start()] == [2, 2]
    device.release.write_text("1.2.0\n")  # back in the old slot: its database is put back
    assert device.start() == 3


def test_a_restore_that_waits_is_put_in_place(device: Device) -> None:
    device.start()
    (device.home / "restoring").mkdir()
    assert [device.start(), device.start()] == [2, 3]


def test_new_settings_are_looked_at(device: Device) -> None:
    device.start()
    settings = device.home / "settings.toml"
    settings.write_text("")
    later = (device.home / "prepared").stat().st_mtime + 5
    os.utime(settings, (later, later))
    assert device.start() == 2


@pytest.mark.parametrize("name", ["callbox.sqlite", "secrets.toml"])
def test_what_is_lost_is_made(device: Device, name: str) -> None:
    device.start()
    (device.home / name).unlink()
    assert device.start() == 2


def test_a_failure_is_tried_again(device: Device, tmp_path: Path) -> None:
    (tmp_path / "fails").touch()
    assert [device.start(1), device.start(1)] == [1, 2]
    (tmp_path / "fails").unlink()
    assert [device.start(), device.start()] == [3, 3]


def test_a_database_elsewhere_is_looked_at_each_time(device: Device, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").touch()
    assert [device.start(), device.start()] == [1, 2]
