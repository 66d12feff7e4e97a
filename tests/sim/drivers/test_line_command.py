"""`callbox line`: what a technician types."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from drivers.simkit.card import ConsoleCard, load_card
from drivers.simkit.sysfs_tree import SysfsTree
from tests.transcripts import DOWN, UP

pytestmark = pytest.mark.sim


def callbox(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "appliance.cli", "line", *words],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={"PATH": "/usr/bin:/bin"} | environment,
    )


def test_profiles_say_how_a_make_is_read() -> None:
    done = callbox("profiles", "--json")
    rows = {row["id"]: row for row in map(json.loads, done.stdout.splitlines())}
    assert rows["cisco_e1"]["readers"] == ["console"]
    assert rows["dahdi"]["places_calls"] is False


def test_a_card_is_read_once(tmp_path: Path) -> None:
    card = ConsoleCard(tmp_path, load_card("cisco_e1"))
    card.start()
    try:
        words = ("read", "--profile", "cisco_e1", "--port", str(card.path), "--user", "admin")
        done = callbox(*words, CALLBOX_LINE_PASSWORD="secret")
    finally:
        card.stop()
    assert done.returncode == 0, done.stderr
    assert [json.loads(line)["up"] for line in done.stdout.splitlines()] == [True, True]


def test_a_tree_of_the_kernel_is_read(tmp_path: Path) -> None:
    tree = SysfsTree(tmp_path)
    tree.add_e1(1)
    tree.set_alarms(1, 256)
    done = callbox("read", "--profile", "dahdi", "--root", str(tmp_path))
    assert done.returncode == 1
    assert json.loads(done.stdout)["alarms"] == ["los"]


def test_a_profile_is_made_from_a_transcript(tmp_path: Path) -> None:
    (tmp_path / "session.txt").write_text(f"gw#show controllers e1\n{UP}{DOWN}gw#", encoding="utf-8")
    out = tmp_path / "mine.toml"
    done = callbox("profile-from", str(tmp_path / "session.txt"), "--make", "M", "--model", "m", "--out", str(out))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["states"] == ["up", "down"]
    assert out.is_file()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("read", "--profile", "nothing"), "known are"),
        (("read", "--profile", "cisco_e1"), "--port or an --address"),
        (("read", "--profile", "cisco_e1", "--address", "nowhere"), "HOST:PORT"),
        (("read", "--profile", "ds1_mib", "--port", "/dev/null"), "HOST:PORT of an SNMP agent"),
        (("simulate", "--profile", "nothing"), "no simulator"),
    ],
)
def test_wrong_use_says_what_is_right(words: tuple[str, ...], says: str) -> None:
    done = callbox(*words)
    assert done.returncode == 2
    assert says in done.stderr
