"""The script that gives chrony the time servers of the place: those set, those the network names, nothing else."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from appliance.settings import Home, save_settings

pytestmark = pytest.mark.unit

SCRIPT = Path(__file__).resolve().parents[3] / "image_build/image/overlay/usr/lib/callbox/time-servers"


class Place:
    """A home, what the network said, and a `systemctl` that notes what was asked of it."""

    def __init__(self, folder: Path) -> None:
        self.home = Home(folder / "home")
        self.home.make()
        self.network, self.sources, self._asked = folder / "state", folder / "box.sources", folder / "asked"
        systemctl = folder / "systemctl"
        systemctl.write_text(f'#!/bin/sh\necho "$*" >>{self._asked}\n')
        systemctl.chmod(0o755)
        self._environment = {
            "CALLBOX_HOME": str(self.home.root), "CALLBOX_NETWORK_STATE": str(self.network),
            "CALLBOX_TIME_SOURCES": str(self.sources), "CALLBOX_SYSTEMCTL": str(systemctl),
        }  # fmt: skip

    def look(self) -> tuple[list[str], int]:
        """Run it once; the sources, and how often chrony was started anew so far."""
        subprocess.run(["sh", str(SCRIPT)], env=self._environment, check=True, timeout=30, capture_output=True)
        sources = self.sources.read_text().splitlines() if self.sources.exists() else []
        return sources, len(self._asked.read_text().splitlines()) if self._asked.exists() else 0


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_a_place_that_names_none_leaves_chrony_alone(place: Place) -> None:
    assert place.look() == ([], 0)
    place.network.write_text("OPER_STATE=routable\nDNS=10.0.0.1\n")
    assert place.look() == ([], 0)


def test_the_network_s_and_the_installer_s_are_asked(place: Place) -> None:
    place.network.write_text("OPER_STATE=routable\nNTP=10.0.0.1 10.0.0.2\n")
    first = ["server 10.0.0.1 iburst", "server 10.0.0.2 iburst"]
    assert place.look() == (first, 1)
    assert place.look() == (first, 1), "the same servers start nothing anew"
    save_settings(place.home, {"hardware": {"time_servers": "ntp.example.org 10.0.0.2"}})
    assert place.look() == ([*first, "server ntp.example.org iburst"], 2)
    place.network.unlink()
    save_settings(place.home, {"hardware": {"time_servers": ""}})
    assert place.look() == ([], 3)


def test_nothing_but_names_reaches_chrony(place: Place) -> None:
    place.network.write_text('NTP=10.0.0.1"; include /etc/shadow\n')
    (place.home.root / "settings.toml").write_text('[hardware]\ntime_servers = "a; b"\n')
    assert place.look() == ([], 0)
