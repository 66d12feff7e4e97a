"""Messages between parent and worker, and the files that say who lives."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from appliance.telephony.control import (
    ControlLine,
    LifeFile,
    Ready,
    Refused,
    Taken,
    life_files,
    own_start_ticks,
    process_start_ticks,
)

pytestmark = pytest.mark.unit


def _life(name: str, pid: int, ticks: int) -> LifeFile:
    return LifeFile(
        conversation_id=name, attempt_id=name, slot=1, pid=pid, started_ticks=ticks, started_unix_s=1.0
    )  # fmt: skip


def test_messages_arrive_whole_and_the_end_is_seen() -> None:
    ours, theirs = ControlLine.pair()
    assert theirs.send(Ready())
    assert theirs.send(Taken("c", "a"))
    assert ours.receive() == [Ready(), Taken("c", "a")]
    assert ours.receive() == []
    assert not ours.closed
    theirs.send(Refused("a"))
    theirs.close()
    assert ours.receive() == [Refused("a")]
    assert ours.closed
    assert not ours.send(Ready())
    ours.close()


def test_a_process_is_told_from_a_later_one_with_its_number(tmp_path: Path) -> None:
    _life("living", os.getpid(), own_start_ticks()).write(tmp_path)
    _life("reused", os.getpid(), own_start_ticks() - 1).write(tmp_path)
    (tmp_path / "conversation-broken.json").write_bytes(b"{")
    assert {life.conversation_id: life.alive for life in life_files(tmp_path)} == {"living": True, "reused": False}
    assert not (tmp_path / "conversation-broken.json").exists()


def test_a_dead_process_has_no_start() -> None:
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)  # dead, not yet collected
    assert process_start_ticks(pid) is None
    os.waitpid(pid, 0)
    assert process_start_ticks(pid) is None
