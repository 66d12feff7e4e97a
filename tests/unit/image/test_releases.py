"""What an image is called: by the releases in its checkout's history, which need no tags."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from appliance.domain.versions import FIRST, parse

pytestmark = pytest.mark.unit

RELEASES = Path(__file__).resolve().parents[3] / "image_build/image/releases.sh"


def shell(work: str) -> str:
    script = f'. "{RELEASES}"\n{work}\n'
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=30, check=True)
    return done.stdout.strip()


def commit(folder: Path, *more: str) -> str:
    git = ["git", "-C", str(folder), "-c", "user.name=n", "-c", "user.email=e@example.org"]
    if not (folder / ".git").exists():
        subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "one", *more], check=True)
    return subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout.strip()


def test_a_checkout_is_called_by_the_newest_release_in_its_history(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[project]\nversion = "3.1.0"\n')
    first = commit(tmp_path)
    assert shell(f"version_of {tmp_path}") == f"3.1.0-g{first[:7]}"  # none of ours: a clone without its depth
    known = f'RELEASES="v1.0.0 {first}"; version_of {tmp_path}'
    assert shell(known) == "1.0.0"
    second, third = commit(tmp_path), commit(tmp_path)
    assert shell(known) == f"1.0.0-2-g{third[:7]}"
    newer = f'RELEASES=$(printf "v1.0.0 {first}\\nv1.2.0 {second}\\nv1.3.0 {"0" * 40}"); version_of {tmp_path}'
    assert shell(newer) == f"1.2.0-1-g{third[:7]}"
    assert parse(shell(newer)) == parse("1.2.0")


def test_the_first_release_is_known() -> None:
    assert len(shell(f"commit_of v{FIRST}")) == 40
    with pytest.raises(subprocess.CalledProcessError):
        shell("commit_of v0.0.1")
