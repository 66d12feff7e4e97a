"""`callbox why`: one answer a line for scripts, words for people, and a past call judged again."""

from __future__ import annotations

import json
import signal
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog

from appliance import cli
from appliance.domain.campaign import ALL_DAY
from appliance.settings import load_settings
from appliance.store import models
from appliance.store.db import open_store
from tests.integration.engine.scene import make_box

pytestmark = pytest.mark.integration
NUMBER = "+8613800000000"


@pytest.fixture
def said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """Run `callbox why` on a box in which one number was called at noon of 2026-03-05; returns (status, output)."""
    home = make_box(tmp_path, agents=0, numbers=1)
    store = open_store(home, load_settings(home))
    noon = datetime(2026, 3, 5, 4, tzinfo=UTC)
    with store.write() as session:
        session.get_one(models.Campaign, "c1").config = {"calling_hours": ALL_DAY, "rule_profile": "cn"}
        session.add(models.Attempt(
            id="a1", campaign_id="c1", lead_id="l0", number=NUMBER, trunk_id="t1", created_at=noon, originated_at=noon,
            ended_at=noon + timedelta(seconds=40), outcome="no_answer",
        ))  # fmt: skip
    store.close()
    monkeypatch.setenv("CALLBOX_HOME", str(home.root))
    monkeypatch.setattr(cli, "configure", lambda *_args, **_more: None)
    monkeypatch.setattr(signal, "signal", lambda *_args: None)

    def run(*words: str) -> tuple[object, str]:
        monkeypatch.setattr(sys, "argv", ["callbox", "why", *words])
        capsys.readouterr()
        with structlog.testing.capture_logs(), pytest.raises(SystemExit) as end:
            cli.main()
        return end.value.code or 0, capsys.readouterr().out

    return run


def test_from_when_and_by_which_rule_not(said: Any) -> None:
    status, out = said("138 0000 0000", "--at", "2026-03-05T22:30+08:00", "--json")
    answer = json.loads(out)
    assert status == 0
    assert (answer["campaign_id"], answer["number"], answer["allowed"]) == ("c1", NUMBER, False)
    assert answer["not_before"] == "2026-03-06T00:00:00+00:00"
    assert [deny["rule_id"] for deny in answer["denials"]] == ["cn-gbt.quiet_hours", "cn-cba.quiet_hours"]
    used = {rule["rule_id"]: rule["used"] for rule in answer["rules"]}
    assert used["cn-cba.unanswered_per_day"] == 1


def test_a_call_of_the_past_is_judged_by_what_was_known_then(said: Any) -> None:
    status, out = said(NUMBER, "--at", "2026-03-05T12:00+08:00", "--json")
    answer = json.loads(out)
    assert status == 0
    assert (answer["attempt_id"], answer["allowed"]) == ("a1", True)
    assert {rule["rule_id"]: rule["used"] for rule in answer["rules"]}["cn-cba.unanswered_per_day"] == 0
    words = said(NUMBER, "--at", "2026-03-05T12:00+08:00")[1]
    assert "was called (attempt a1); the rules said yes" in words


def test_wrong_use_is_told(said: Any) -> None:
    for words in (("hello",), (NUMBER, "--at", "noon"), ("+8613999999999",)):
        status, out = said(*words, "--json")
        assert status == 2
        assert set(json.loads(out)) == {"error_id", "message"}
