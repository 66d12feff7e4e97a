"""Figures for Prometheus: who may have them, and that they are what the box knows."""

from __future__ import annotations

import re

import pytest

from appliance.bench.technician import write_hardware
from appliance.settings import save_settings
from tests.sim.web.fakes import FakeBox

pytestmark = pytest.mark.sim

LINE = re.compile(r'[a-z_][a-z0-9_]*(\{([a-z_]+="(?:[^"\\\n]|\\.)*",?)*\})? -?[0-9.e+-]+')


def test_the_box_itself_sees_figures_in_the_text_format(box: FakeBox) -> None:
    write_hardware(box.home)
    answer = box.app.test_client().get("/metrics", environ_base={"REMOTE_ADDR": "127.0.0.1"})
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    text = answer.get_data(as_text=True)
    for line in text.splitlines():
        assert line.startswith(("# HELP ", "# TYPE ")) or LINE.fullmatch(line), line
    assert "callbox_database_up 1" in text
    assert 'e1_alarm{kind="los",span="span-2"} 1' in text
    assert 'line_up{span="span-1"} 1' in text
    assert 'raid_array_state{array="md0",state="clean"} 1' in text
    assert "+86" not in text


def test_others_need_the_token(box: FakeBox) -> None:
    def status(**headers: str) -> int:
        away = {"REMOTE_ADDR": "192.0.2.7"}
        return box.app.test_client().get("/metrics", environ_base=away, headers=headers).status_code

    assert status() == 403
    assert status(Authorization="Bearer ") == 403  # an empty token is none
    save_settings(box.home, {"alerts": {"metrics_token": "a-long-token"}})
    assert status(Authorization="Bearer a-long-token") == 200
    assert status(Authorization="Bearer another") == 403
    assert status(**{"X-Forwarded-For": "192.0.2.9"}) == 403
