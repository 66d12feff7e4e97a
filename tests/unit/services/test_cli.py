"""What scripts may rely on: exit status, and JSON alone on stdout, also when the command was used wrongly."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import structlog

from appliance import cli

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    "words",
    [
        ["import", "--json"],  # the parser's own complaints
        ["nosuch", "--json"],
        ["import", "/nowhere/list.xlsx", "--campaign", "c", "--json"],  # the command's
        ["campaign", "start", "nowhere", "--json"],
    ],
)
def test_wrong_use_is_status_2_and_one_json_object(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CALLBOX_HOME", str(tmp_path))
    monkeypatch.setattr(sys, "argv", ["callbox", *words])
    monkeypatch.setattr(cli, "configure", lambda *_args, **_more: None)
    monkeypatch.setattr(cli.signal, "signal", lambda *_args: None)
    with structlog.testing.capture_logs(), pytest.raises(SystemExit) as end:
        cli.main()
    assert end.value.code == 2
    said = capsys.readouterr()
    assert set(json.loads(said.out)) == {"error_id", "message"}
    assert said.err
