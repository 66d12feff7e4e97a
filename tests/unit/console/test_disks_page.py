"""Replacing a disk at the console: the picture as `watch` gives it, the new disk's serial, the command."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from appliance.commands import Done, ReplaceDisk, ShowDisks
from appliance.console.entries import Desk
from appliance.console.pages import disks
from appliance.home import Home

pytestmark = pytest.mark.unit


def _placed(serial: str, role: str, **more: Any) -> dict[str, Any]:
    return {"disk": {"serial": serial, "model": "Example 960G"}, "role": role, "refusal": None, "found": "", **more}


def _desk(tmp_path: Path, pictures: list[dict[str, Any]], typed: list[str]) -> tuple[Desk, list[str], list[Any]]:
    said: list[str] = []
    asked: list[Any] = []

    def ask(command: Any) -> Done:
        asked.append(command)
        shown = {"pictures": pictures, "disks": [{"serial": "S001", "bay": "1"}, {"serial": "S002", "bay": "2"}]}
        return Done(data=shown if isinstance(command, ShowDisks) else {})

    terminal = SimpleNamespace(say=lambda *lines: said.extend(map(str, lines)), read_line=lambda _p: typed.pop(0),
                               key=lambda *_: "q")  # fmt: skip
    desk = Desk(Home(tmp_path), cast("Any", SimpleNamespace(ask=ask)), cast("Any", terminal),
                cast("Any", SimpleNamespace(actor=lambda: "u1")))  # fmt: skip
    return desk, said, asked


def test_the_good_disk_is_marked_and_the_new_one_is_named_twice(tmp_path: Path) -> None:
    picture = {"array": "md0", "ready": True, "missing": 1, "placed": [
        _placed("S001", "good"), _placed("S002", "new"), _placed("USB1", "refused", found="ntfs")]}  # fmt: skip
    desk, said, asked = _desk(tmp_path, [picture], ["S002", "S002"])
    assert disks.show(desk, ["replace"]) == 0
    assert any(line.startswith("DO NOT TOUCH bay 1:") and "S001" in line for line in said)
    assert any(line.startswith("not usable") and "(ntfs)" in line for line in said)
    assert asked[-1] == ReplaceDisk(actor_id="u1", array="md0", serial="S002", confirmation="S002")


def test_without_a_new_disk_nothing_is_asked(tmp_path: Path) -> None:
    picture = {"array": "md0", "ready": False, "missing": 1, "placed": [_placed("S001", "good")]}
    desk, said, asked = _desk(tmp_path, [picture], [])
    assert disks.show(desk, ["replace"]) == 1
    assert "Put one in" in said[-1]
    assert not [command for command in asked if isinstance(command, ReplaceDisk)]
